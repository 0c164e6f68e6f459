"""Tells a text that asks for something from one that does not, in English."""

from __future__ import annotations

import re

from evolinstruct.words import word_lists

_MODIFIERS = (
    r"(?:please|kindly|now|next|then|first|second|third|also|and|or|can you|could you|let's|let us"
    r"|(?!reply|supply|apply|multiply)[a-z]+ly)"
)
_FIRST_WORD = re.compile(
    rf"[\s#>*_\"'“‘(\[-]*(?:(?:\d+|[a-z])[.)]\s+)?(?:{_MODIFIERS},?\s+)*([a-z]+(?:[-'][a-z]+)?)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?:(?<=[.!?:])|(?<=[.!?][\"”’')]))[ \t]+|(?<=[。！？：])")
_NOTE = re.compile(r"\W*note (?:that|how|:)", re.IGNORECASE)
_ITEM = re.compile(r"[ \t]{2,}\S|\s*(?:[-*•–]|\(?\d+[.)]|[a-zA-Z][.)])\s")
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CLAUSE = re.compile(r",[\"”']?\s+")
_ASKS = re.compile(
    r"\b(?:please|I(?:'d| would) (?:like|love)|I (?:want|need|wish|am looking for)|I'm looking for"
    r"|(?:help|tell|give|show|teach) (?:me|us)|your (?:task|job|turn|goal|assignment)"
    r"|you (?:are|have been) (?:an?|the|asked|given|required|provided|tasked|to|my|working|now)"
    r"|in this task)\b"
    r"|\byou (?:need to|have to|must|should) (?P<verb>[a-z]+)",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """Tell whether a text asks for something: a question, an order or a wish."""
    if "?" in text or "？" in text:
        return True
    prose = _FENCE.sub("\n", text)
    orders = _words("orders")
    if any(found["verb"] is None or found["verb"] in orders for found in _ASKS.finditer(prose)):
        return True
    sentences = _sentences(prose)
    ends = (0, 1, len(sentences) - 1)
    return any(is_order(each, advises=place in ends) for place, each in enumerate(sentences))


def _sentences(text: str) -> list[str]:
    """Return the sentences of a text, without the items of its lists and indented code."""
    lines = [line for line in text.splitlines() if line.strip() and not _ITEM.match(line)]
    return [sentence for line in lines for sentence in _SENTENCE_END.split(line)]


def is_order(sentence: str, *, advises: bool = True) -> bool:
    """Tell whether a sentence is an order, or a question without its sign.

    Args:
        sentence: the sentence.
        advises: whether verbs count with which answers give advice too.
    """
    word = first_word(sentence)
    if word in _words("advice"):
        return advises and not _NOTE.match(sentence)
    if word in _words("orders"):
        return True
    if word in _words("questions"):
        # "When the sun is low, its light …" asks nothing.
        return word not in _OPEN_CLAUSES or _asks_after(sentence, word)
    has_clauses = word in _words("openers") or word.endswith("ing")
    return has_clauses and any(map(begins_with_order, _CLAUSE.split(sentence)[1:]))


_OPEN_CLAUSES = frozenset(("when", "where"))


def _asks_after(sentence: str, word: str) -> bool:
    """Tell whether a word opens a question: a verb such as "is" follows it."""
    _, _, rest = sentence.lower().partition(word)
    following = rest.split(None, 1)[:1]
    return not following or following[0].strip(",.!?") in _words("questions")


def begins_with_order(text: str) -> bool:
    """Tell whether the first word of a text is a verb with which requests begin."""
    word = first_word(text)
    return word in _words("orders") or word in _words("advice")


def first_word(text: str) -> str:
    """Return the first word of a text in lower case, without signs and words such as "please"."""
    found = _FIRST_WORD.match(text)
    if not found or (found[1].isupper() and not text.isupper() and len(found[1]) > 1):
        return ""  # SELECT is code
    word = found[1].lower()
    is_label = text[found.end() : found.end() + 4].lstrip(" *_").startswith(":") and word in _words(
        "labels"
    )
    return "" if is_label else word


def _words(name: str) -> frozenset[str]:
    return word_lists("request_words")[name]
