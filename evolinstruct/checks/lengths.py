"""Constraints on how long a response is, and its sentences, lines and paragraphs."""

from __future__ import annotations

from itertools import pairwise

from evolinstruct.checks.constraint import (
    ENDS,
    STARTS,
    Band,
    Constraint,
    Ordinal,
    Whole,
    constraint,
    differs,
    ordinal,
)
from evolinstruct.checks.response import Response, words_of

_LONG = 400  # words that a sentence of no stated length may have


@constraint(
    "size",
    r"\bwords?\b",
    "The response has {band} words in all.",
    "Keep the whole response within {band} words.",
    "Write no fewer and no more than {band} words.",
    arguments={"band": Band(50, 180, width=30, step=10)},
    needs="spaced",
    words=lambda band: (band[0], band[1]),
)
def words_between(response: Response, band: list[int]) -> str | None:
    """Count the words."""
    count = len(response.words)
    return None if band[0] <= count <= band[1] else f"{count} words"


@constraint(
    "size",
    r"\b(?:multiple|divisible|divided|remainder)\b",
    "The number of words in the response is a multiple of {number}.",
    "The word count can be divided by {number} without a remainder.",
    arguments={"number": Whole(5, 10, step=5)},
    needs="spaced",
)
def words_multiple(response: Response, number: int) -> str | None:
    """Count the words and divide."""
    count = len(response.words)
    return None if count and count % number == 0 else f"{count} words, no multiple of {number}"


@constraint(
    "size wrapper",
    r"\bcharacters?\b",
    "The response is at most {number} characters long, blanks included.",
    "Stay within {number} characters in all, counting blanks.",
    arguments={"number": Whole(300, 900, step=50)},
    words=lambda number: (0, number / 4),
)
def characters_most(response: Response, number: int) -> str | None:
    """Count the characters."""
    count = len(response.text)
    return None if count <= number else f"{count} characters"


@constraint(
    "size sentences",
    r"\bsentences?\b",
    "The response consists of exactly {number} sentences.",
    "Use exactly {number} sentences, no more and no fewer.",
    "There are {number} sentences in the whole response.",
    arguments={"number": Whole(3, 9)},
    words=lambda number: (3 * number, 45 * number),
)
def sentences_exactly(response: Response, number: int) -> str | None:
    """Count the sentences."""
    return differs(len(response.sentences), number, "sentence")


@constraint(
    "size sentences sentence_length heads",
    r"\bsentences?\b.*\b(?:longer|more words|grow)",
    "The response has exactly {number} sentences, each with more words than the one before it.",
    "Write {number} sentences, each of them longer in words than the sentence before.",
    arguments={"number": Whole(3, 5)},
    needs="spaced",
    words=lambda number: (3 * number, 30 * number),
)
def sentences_growing(response: Response, number: int) -> str | None:
    """Count the words of each sentence."""
    counts = [len(words_of(sentence)) for sentence in response.sentences]
    if len(counts) != number:
        return differs(len(counts), number, "sentence")
    grows = all(first < second for first, second in pairwise(counts))
    return None if grows else f"the sentences have {', '.join(map(str, counts))} words"


@constraint(
    "sentence_length",
    r"\bsentences?\b.*\bwords?\b|\bwords?\b.*\bsentences?\b",
    "No sentence has more than {number} words.",
    "Every sentence is at most {number} words long.",
    arguments={"number": Whole(12, 22)},
    needs="spaced",
)
def sentence_words_most(response: Response, number: int) -> str | None:
    """Look for a longer sentence."""
    for sentence in response.sentences:
        if (count := len(words_of(sentence))) > number:
            return f"a sentence of {count} words: {sentence[:80]}"
    return None


@constraint(
    "sentence_length heads",
    r"\bsentences?\b.*\bwords?\b|\bwords?\b.*\bsentences?\b",
    "Every sentence has at least {number} words.",
    "No sentence is shorter than {number} words.",
    arguments={"number": Whole(6, 12)},
    needs="spaced",
)
def sentence_words_least(response: Response, number: int) -> str | None:
    """Look for a shorter sentence."""
    for sentence in response.sentences:
        if (count := len(words_of(sentence))) < number:
            return f"a sentence of {count} words: {sentence[:80]}"
    return None


@constraint(
    "first_sentence sentence_length start heads",
    rf"\b{STARTS}\b.*\bsentence\b",
    "The first sentence has exactly {number} words.",
    "Open with a sentence of exactly {number} words.",
    arguments={"number": Whole(5, 14)},
    needs="spaced",
)
def first_sentence_words(response: Response, number: int) -> str | None:
    """Count the words of the first sentence."""
    first = response.sentences[0] if response.sentences else ""
    fault = differs(len(words_of(first)), number, "word")
    return fault and f"the first sentence has {fault}"


@constraint(
    "last_sentence sentence_length end",
    rf"\b{ENDS}\b.*\bsentence\b",
    "The last sentence has no more than {number} words.",
    "Close with a sentence of at most {number} words.",
    arguments={"number": Whole(4, 8)},
    needs="spaced",
)
def last_sentence_words_most(response: Response, number: int) -> str | None:
    """Count the words of the last sentence."""
    last = response.sentences[-1] if response.sentences else ""
    count = len(words_of(last))
    return None if 0 < count <= number else f"the last sentence has {count} words"


@constraint(
    "size lines wrapper",
    r"\blines?\b",
    "The response has exactly {number} lines, none of them empty.",
    "Write exactly {number} lines, with no empty line between them.",
    arguments={"number": Whole(3, 8)},
    words=lambda number: (number, 30 * number),
)
def lines_exactly(response: Response, number: int) -> str | None:
    """Count the lines; an empty one is one too many."""
    if len(response.lines) != len(response.text.split("\n")):
        return "an empty line"
    return differs(len(response.lines), number, "line")


@constraint(
    "line_length",
    r"\blines?\b.*\bcharacters?\b",
    "No line is longer than {number} characters.",
    "Break lines so that none has more than {number} characters.",
    arguments={"number": Whole(50, 80, step=5)},
    anywhere=True,
)
def line_characters_most(response: Response, number: int) -> str | None:
    """Look for a longer line."""
    longest = max(response.text.split("\n"), key=len)
    return None if len(longest) <= number else f"a line of {len(longest)} characters"


@constraint(
    "paragraphs size sentences heads",
    r"\bparagraphs?\b",
    "The response has {paragraphs} paragraphs of exactly {sentences} sentences each, with an empty"
    " line between paragraphs.",
    "Write {paragraphs} paragraphs, divided by empty lines, each of exactly {sentences} sentences.",
    arguments={"paragraphs": Whole(2, 4), "sentences": Whole(2, 4)},
    words=lambda paragraphs, sentences: (4 * paragraphs * sentences, 45 * paragraphs * sentences),
)
def paragraphs_of_sentences(response: Response, paragraphs: int, sentences: int) -> str | None:
    """Count paragraphs, and the sentences of each."""
    if fault := differs(len(response.paragraphs), paragraphs, "paragraph"):
        return fault
    for number, paragraph in enumerate(response.paragraphs, 1):
        if fault := differs(len(response.sentences_of(paragraph)), sentences, "sentence"):
            return f"the {ordinal(number)} paragraph has {fault}"
    return None


@constraint(
    "paragraph_length",
    r"\bparagraphs?\b.*\bsentences?\b|\bsentences?\b.*\bparagraphs?\b",
    "No paragraph has more than {number} sentences.",
    "Keep every paragraph to at most {number} sentences.",
    arguments={"number": Whole(2, 4)},
)
def paragraph_sentences_most(response: Response, number: int) -> str | None:
    """Look for a longer paragraph."""
    for position, paragraph in enumerate(response.paragraphs, 1):
        if (count := len(response.sentences_of(paragraph))) > number:
            return f"the {ordinal(position)} paragraph has {count} sentences"
    return None


@constraint(
    "paragraphs paragraph_length size",
    r"\bparagraphs?\b.*\b(?:shorter|fewer words|shrink)",
    "The response has {number} paragraphs, divided by empty lines, each with fewer words than the"
    " one before it.",
    "Write {number} paragraphs with an empty line between them, each shorter in words than the"
    " paragraph before.",
    arguments={"number": Whole(3, 4)},
    needs="spaced",
    words=lambda number: (12 * number, _LONG),
)
def paragraphs_shrinking(response: Response, number: int) -> str | None:
    """Count the words of each paragraph."""
    counts = [len(words_of(paragraph)) for paragraph in response.paragraphs]
    if len(counts) != number:
        return differs(len(counts), number, "paragraph")
    shrinks = all(first > second for first, second in pairwise(counts))
    return None if shrinks else f"the paragraphs have {', '.join(map(str, counts))} words"


@constraint(
    "paragraph_place paragraphs heads",
    r"\bparagraphs?\b.*\bsentence\b|\bsentence\b.*\bparagraphs?\b",
    "The {number} paragraph is a single sentence, and there is at least one paragraph after it.",
    "Make the {number} paragraph one sentence only; it is not the last paragraph.",
    arguments={"number": Ordinal(1, 2)},
    words=lambda number: (10 * (number + 1), float("inf")),
)
def paragraph_of_one_sentence(response: Response, number: int) -> str | None:
    """Count the sentences of one paragraph."""
    if len(response.paragraphs) <= number:
        return f"only {len(response.paragraphs)} paragraphs"
    fault = differs(len(response.sentences_of(response.paragraphs[number - 1])), 1, "sentence")
    return fault and f"the {ordinal(number)} paragraph has {fault}"


CONSTRAINTS = tuple(each for each in globals().values() if isinstance(each, Constraint))
