"""Constraints on punctuation, digits and other signs."""

from __future__ import annotations

import re
from itertools import pairwise

from evolinstruct.checks.constraint import (
    DENIALS,
    ENDS,
    Constraint,
    Named,
    Whole,
    at_least,
    constraint,
    differs,
)
from evolinstruct.checks.response import Response

_QUOTED = re.compile(
    r"“[^“”]+”|\"[^\"\n]+\"|«[^«»]+»|»[^«»]+«|„[^„“”]+[“”]|「[^「」]+」|『[^『』]+』"
)
_BRACKETED = re.compile(r"\([^()\n]+\)|（[^（）\n]+）")
_LISTED = re.compile(r"^[ \t]*\d{1,4}[.)][ \t]", re.MULTILINE)
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![A-Za-z0-9_])"
    r"|(?<![A-Za-z0-9_.])\d{1,15}(?:\.\d+)?(?![A-Za-z0-9_])"
)
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[\u2600-\u27bf\u2b50\u2b55\U0001f300-\U0001faff]\ufe0f?[\U0001f3fb-\U0001f3ff]?"
    "(?:\u200d[\u2600-\u27bf\U0001f300-\U0001faff]\ufe0f?[\U0001f3fb-\U0001f3ff]?)*"
)
_SIGNS = {
    "exclamation marks": re.compile("[!！]"),
    "semicolons": re.compile("[;；؛]"),
    "parentheses": re.compile("[()（）]"),
    "dashes": re.compile(r"[–—]|(?<=\S)[ \t]--?[ \t]|\w--\w"),
    "colons": re.compile("[:：]"),
    "question marks": re.compile("[?？؟]"),
    "quotation marks": re.compile('["“”„«»「」]'),
}


@constraint(
    "questions signs",
    r"\bquestions?\b",
    "Exactly {number} sentences are questions that end with a question mark.",
    "Ask exactly {number} questions in the text, each ending with a question mark.",
    arguments={"number": Whole(2, 3)},
    words=at_least(10, "number"),
)
def questions_exactly(response: Response, number: int) -> str | None:
    """Count the sentences that end so."""
    ends = [sentence.rstrip("\"'”’»」』)）*_ ") for sentence in response.sentences]
    count = sum(sentence.endswith(("?", "？", "؟")) for sentence in ends)
    return differs(count, number, "question")


@constraint(
    "semicolons signs",
    r"\bsemicolons?\b",
    "The response has exactly {number} semicolons.",
    "Use the semicolon exactly {number} times.",
    arguments={"number": Whole(2, 3)},
    words=at_least(12, "number"),
)
def semicolons_exactly(response: Response, number: int) -> str | None:
    """Count them."""
    return differs(len(_SIGNS["semicolons"].findall(response.text)), number, "semicolon")


@constraint(
    "signs",
    rf"\b{DENIALS}\b",
    "The response has no {signs}.",
    "Write without any {signs}.",
    arguments={"signs": Named(tuple(_SIGNS))},
    needs="english",
)
def no_signs(response: Response, signs: str) -> str | None:
    """Look for one of the signs."""
    found = _SIGNS[signs].search(response.text)
    return f"the sign {found[0].strip()}" if found else None


@constraint(
    "brackets signs",
    r"\bparenthes[ie]s\b|\bparenthetical\b|\bbrackets\b",
    "Exactly {number} remarks stand in parentheses.",
    "Put exactly {number} remarks in parentheses, no more.",
    arguments={"number": Whole(2, 3)},
    words=at_least(12, "number"),
)
def parentheses_exactly(response: Response, number: int) -> str | None:
    """Count what stands in round brackets."""
    return differs(len(_BRACKETED.findall(response.text)), number, "remark")


@constraint(
    "quotation signs",
    r"\bquot(?:es|ation|ed)\b",
    "Exactly {number} phrases stand in double quotation marks.",
    "Put {number} phrases, no more and no fewer, in double quotation marks.",
    arguments={"number": Whole(2, 3)},
    words=at_least(12, "number"),
)
def quotations_exactly(response: Response, number: int) -> str | None:
    """Count what stands in them."""
    return differs(len(_QUOTED.findall(response.text)), number, "quoted phrase")


@constraint(
    "commas heads",
    r"\bsentences?\b.*\bcommas?\b|\bcommas?\b.*\bsentences?\b",
    "Every sentence has at least one comma.",
    "There is a comma in each sentence.",
    needs="spaced",
)
def comma_in_each_sentence(response: Response) -> str | None:
    """Look for a sentence without one."""
    for sentence in response.sentences:
        if not any(sign in sentence for sign in ",，、،"):
            return f"no comma in: {sentence[:80]}"
    return None


@constraint(
    "sentence_ends signs last_sentence",
    rf"\b{ENDS}\b.*\bexclamation\b|\bexclamation\b.*\b{ENDS}\b",
    "Exactly one sentence ends with an exclamation mark, and it is the last one.",
    "Let the last sentence, and no other, end with an exclamation mark.",
    needs="spaced",
    words=at_least(10),
)
def exclaims_last(response: Response) -> str | None:
    """Look where the marks stand."""
    ends = [sentence.rstrip("\"'”’)*_ ")[-1:] in "!！" for sentence in response.sentences]
    if ends and ends[-1] and sum(ends) == 1:
        return None
    return f"{sum(ends)} sentences end with one"


@constraint(
    "digits",
    r"\b(?:digits?|numerals?|(?:in|as) words|(?:spell\w*|writ\w+) out)\b",
    "The response has no digits: every number is written in words.",
    "Write all numbers out in words; no digit may occur.",
)
def no_digits(response: Response) -> str | None:
    """Look for a digit."""
    found = next((char for char in response.text if char.isdigit()), None)
    return f"the digit {found}" if found else None


@constraint(
    "digits",
    r"\b(?:digits?|numerals?|figures?)\b",
    "At least {number} different numbers are written in digits; those of a numbered list do not"
    " count.",
    "Give {number} or more different numbers in digits, not counting the numbers of lists.",
    arguments={"number": Whole(3, 5)},
    words=at_least(8, "number"),
)
def numbers_least(response: Response, number: int) -> str | None:
    """Count the different numbers."""
    found = set(_NUMBER.findall(_LISTED.sub("", response.text)))
    return None if len(found) >= number else f"{len(found)} different numbers"


@constraint(
    "digits",
    r"\b(?:ascend|increas|smallest|rise|rising|greater|larger|higher|order)",
    "At least {number} numbers are written in digits, and each is greater than the one before it.",
    "Write {number} or more numbers in digits, in strictly increasing order.",
    arguments={"number": Whole(3, 4)},
    words=at_least(8, "number"),
)
def numbers_rising(response: Response, number: int) -> str | None:
    """Read the numbers as they come."""
    found = _NUMBER.findall(_LISTED.sub("", response.text))
    values = [float(each.replace(",", "")) for each in found]
    if len(values) < number:
        return f"{len(values)} numbers"
    fall = next((pair for pair in pairwise(values) if pair[0] >= pair[1]), None)
    return f"{fall[1]:g} comes after {fall[0]:g}" if fall else None


@constraint(
    "emoji",
    r"\bemojis?\b",
    "The response holds exactly {number} emoji.",
    "Use exactly {number} emoji, no more.",
    arguments={"number": Whole(2, 4)},
    words=at_least(5, "number"),
)
def emoji_exactly(response: Response, number: int) -> str | None:
    """Count them; one that is put together of several signs counts once."""
    return differs(len(_EMOJI.findall(response.text)), number, "emoji", "emoji")


CONSTRAINTS = tuple(each for each in globals().values() if isinstance(each, Constraint))
