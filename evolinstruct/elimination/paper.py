"""The paper's rules that need no call (WizardLM, arXiv 2304.12244, section 3.2), and two always on.

Its rule for words of the prompt is in `leaks.py`; `evolinstruct.evolution` makes the call of
`no_information_gain`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from evolinstruct.elimination.rule import Answer, Rewrite, Rule
from evolinstruct.elimination.talk import KINDS, shipped
from evolinstruct.words import LANGUAGES, UNSPACED, all_stop_words, is_placeholder, stop_words

# Rewrites

_ASSISTANT = (
    r"as an? (?:\w+[ -]){0,3}(?:AI|language model|assistant|chatbot)\b(?: (?:language )?model"
    r"| assistant)?(?: (?:developed|created|trained|made) by \w+)?[, ]+"
)
_APOLOGY = (
    r"(?:(?:I(?:'m| am) )?(?:so |very |truly |really )?(?:sorry|afraid)|(?:my )?apologies"
    r"|I (?:sincerely )?apologi[sz]e|unfortunately|regrettably)[^.!?,;:\n]{0,40}[,.;:!—–-]?\s*"
    r"(?:but |however,? )?(?:that )?"
)
_CANNOT = (
    r"I(?:(?:'m| am) (?:just |really )?(?:unable|not able|not allowed|not permitted) to"
    r"| can(?:'t|not| not)| could(?:n't| not)| won't| will not| do(?:n't| not) feel comfortable"
    r"| must (?:respectfully )?(?:decline|refuse) to) (?:be able to )?"
)
_SERVE = (
    r"(?:help|assist|comply|fulfil+|rewrit[ei]|provid[ei]|creat[ei]|generat[ei]|produc[ei]|process"
    r"|answer|continue|engage|support|discuss|respond)(?:ng)?\b"
)
_WHAT = r"(?: (?:with|to|on|in|you))* (?:that|this|these|those|your|the|such|any|it)\b"
_REFUSAL = re.compile(
    rf"{_APOLOGY}(?:{_ASSISTANT})?(?:{_CANNOT}(?:{_SERVE}|(?:do|write|complete|offer|share)\b)"
    r"|I do(?:n't| not) (?:see|understand) (?:an?|any|the|your) (?:\w+ )?(?:prompt|instruction"
    r"|request)\b|there (?:is|was) no (?:prompt|instruction)\b)"
    rf"|{_ASSISTANT}I (?:can(?:'t|not| not)|do(?:n't| not)|am (?:unable|not able))\b"
    rf"|{_CANNOT}{_SERVE}{_WHAT}|(?:{_APOLOGY})?I (?:must|have to) (?:respectfully )?(?:decline"
    r"|refuse)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"(?:I|I'm|I'd|if|is there|it|its|this|that|these|such|let me|feel free|however|instead|perhaps"
    r"|as|my|thank|you|the|there|for|doing|please (?:let|provide|feel|try|ask|rephrase)"
    r"|(?:could|can|would) you (?:please )?(?:provide|share|give|send|rephrase|clarify|like))\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_REFUSAL_WORDS = 80


def _straight(text: str) -> str:
    return text.replace("’", "'")


def _unusable(rewrite: Rewrite) -> str | None:
    text = rewrite.child.strip()
    if not text[:1].isalnum() and not any(map(_is_content, text)):
        return "nothing is left"
    refusal = _REFUSAL.match(_straight(text[:2000]))
    if not refusal:
        return text if _refuses_abroad(text) else None
    if len(text.split()) > _REFUSAL_WORDS:
        return None
    further = _SENTENCE_END.split(_straight(text)[refusal.end() :])[1:]
    return text[: refusal.end()] if all(map(_ASIDE.match, further)) else None


_REFUSES, _SURELY, _BRIEF = KINDS.index("refuse"), 1.0, 200  # the kind; its score; characters
_UNABLE = re.compile(
    r"\b(?:no pued[eo]n?|no podemos|lo siento|kann (?:ich|leider)|ich (?:kann|darf)|tut mir leid"
    r"|ne peu(?:x|t) pas|ne suis pas|désolée?|não (?:posso|consigo)|lamento|desculpe"
    r"|не мо(?:гу|жем)|извините|простите|к сожалению)\b|抱歉|对不起|無法|无法|不能|申し訳"
    r"|すみません|できません|かねます|죄송|없습니다|عذرا|آسف|أعتذر|لا أستطيع|لا يمكنني",
    re.IGNORECASE,
)
"""That somebody cannot, or is sorry, in nine languages."""


def _refuses_abroad(text: str) -> bool:
    """Tell whether a short text in another language than English does nothing but refuse.

    The classifier knows sentences of answers, among which orders are rare: so a word has to say it.
    """
    if len(text) > _BRIEF or not text[0].isalpha() or not _UNABLE.search(text):
        return False
    said = shipped().sentences(text)
    return all(not each.asks and each.scores[_REFUSES] >= _SURELY for each in said)


_LONGER, _SLACK = 0.05, 10  # of the characters, and characters: for other white space and case


def _unchanged(rewrite: Rewrite) -> str | None:
    child, parent = rewrite.child, rewrite.parent
    if abs(_solid(child) - _solid(parent)) > _SLACK + _LONGER * len(parent):
        return None  # most rewrites
    if _ending(child) != _ending(parent):
        return None  # most of the others differ in their last words
    return "the same words as its parent" if _normal(child) == _normal(parent) else None


def _ending(text: str) -> list[str]:
    return [word.casefold() for word in text.rsplit(None, 2)[1:]]


def _solid(text: str) -> int:
    """Return about how many characters a text has without white space."""
    return len(text) - text.count(" ")


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


# Answers

_EMPTY = 200  # characters: a longer answer says something
_DRAWING = re.compile(r"[^\w\s]{3,}\n[^\w\s]{3,}(?:\n|\Z)")
"""Two rows of signs."""
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\x00-\x7f]")
_SORRY = re.compile(r"\bsorry\b", re.IGNORECASE | re.ASCII)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")
_SORRY_WORDS = 80
_AROUND = 30  # characters


def _apologizes(answer: Answer) -> str | None:
    text = answer.response
    if "sorry" not in text.lower():
        return None
    sorry = _SORRY.search(text)
    if not sorry:
        return None
    words = len(_WORD.findall(text))
    if words >= _SORRY_WORDS:
        return None
    before = text[max(sorry.start() - _AROUND, 0) : sorry.start()]
    after = text[sorry.end() : sorry.end() + _AROUND]
    around = " ".join(f"{before}{sorry[0]}{after}".split())
    return f'"{around}" in an answer of {words} words'


def _empty(answer: Answer) -> str | None:
    """Look for content: a word that is not a stop word, or a sign beyond ASCII, such as an emoji.

    So "B" (of a multiple choice), "42", "x" and "👍" are answers; a lone "A" or "I" is not. A
    placeholder, such as "N/A", is none unless the instruction names it.
    """
    response = answer.response
    if len(response) > _EMPTY or _DRAWING.search(response):
        return None
    if is_placeholder(response) and any(map(str.isalpha, response)):
        is_asked_for = _plain(response) in _plain(answer.instruction)
        return None if is_asked_for else f'a placeholder: "{" ".join(response.split())}"'
    words = []
    for found in _TOKEN.finditer(_straight(response)):
        word = found[0].lower()
        if _is_content(word[0]):
            if word not in all_stop_words() and not _UNSPACED_LETTER.match(word):
                return None
            words.append(word)
    if words and not any(_is_said(words, language, answer) for language in LANGUAGES):
        return None
    text = " ".join(response.split())
    return f'only stop words and punctuation: "{text}"' if text else "nothing is left"


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _is_said(words: list[str], language: str, answer: Answer) -> bool:
    """Tell whether all words are stop words of a language in which one may have asked."""
    if language in _UNSPACED:
        return all(_is_made_of(word, language) for word in words)
    if not stop_words(language).issuperset(words):
        return False
    return not words[0].isascii() or language == _language(answer.instruction)


def _language(text: str) -> str:
    """Return the language of Latin letters that has most of a text's words as stop words."""
    words = _words(text)
    return max(_LATIN, key=lambda language: len(words & stop_words(language)))


def _words(text: str) -> set[str]:
    return {found[0].lower() for found in _TOKEN.finditer(_straight(text))}


_LATIN = ("en", "de", "fr", "es", "pt")


_UNSPACED = ("zh", "ja")
_UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")


def _is_made_of(text: str, language: str) -> bool:
    """Tell whether a text without spaces is nothing but stop words, one of them of two letters."""
    return _stop_pattern(language).fullmatch(text) is not None


@cache
def _stop_pattern(language: str) -> re.Pattern[str]:
    words = sorted(stop_words(language), key=lambda word: (-len(word), word))
    long = "|".join(word for word in words if len(word) > 1)
    short = "".join(word for word in words if len(word) == 1)
    return re.compile(f"(?:(?:{long})[{short}]*)+|[{short}](?:{long})+[{short}]*")


def _is_content(char: str) -> bool:
    return char.isalnum() or _means_something(char)


def _means_something(char: str) -> bool:
    """Tell whether a sign stands for something, as an emoji, ∞ and € do, and "…" does not."""
    return char > "\x7f" and unicodedata.category(char).startswith("S")


# The rules

STRUCTURAL: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="rewrite_unusable",
        meaning="Nothing is left of the reply after reading it, or it is a bare refusal.",
        cause="the model refuses or replies with nothing but reasoning: look at the raw replies, "
        "raise --max-tokens or try another model",
        stage="rewrite",
        structural=True,
        check=_unusable,
    ),
    Rule(
        name="unchanged",
        meaning="The rewrite equals its parent, apart from white space and case.",
        cause="the model repeats its input: it is too small for the prompts, or its temperature is "
        "too low",
        stage="rewrite",
        structural=True,
        check=_unchanged,
    ),
)

ANSWERS: tuple[Rule[Answer], ...] = (
    Rule(
        name="response_apologizes",
        meaning='The answer contains "sorry" and has fewer than 80 words (paper, 2).',
        cause="the instructions ask for things that the model cannot or will not do: read some of "
        "them, or let another model answer",
        stage="answer",
        paper=2,
        check=_apologizes,
    ),
    Rule(
        name="response_empty",
        meaning="The answer is only punctuation and stop words (paper, 3), or a placeholder such as"
        " N/A.",
        cause="the model answers with nothing, or its whole reply is reasoning: look at the raw "
        "replies and raise --max-tokens for answers",
        stage="answer",
        paper=3,
        check=_empty,
    ),
)
