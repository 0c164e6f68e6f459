"""Tells a text that asks for something from one that does not, in English."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_VERBS = Path(__file__).parents[1] / "data" / "request_verbs.txt"
_MODIFIERS = (
    r"(?:please|kindly|now|next|then|first|second|third|also|and|or|can you|could you|let's|let us"
    r"|(?!reply|supply|apply|multiply)[a-z]+ly)"
)
_FIRST_WORD = re.compile(
    rf"[\s#>*_\"'“‘(\[-]*(?:(?:\d+|[a-z])[.)]\s+)?(?:{_MODIFIERS},?\s+)*([a-z]+(?:[-'][a-z]+)?)",
    re.IGNORECASE,
)
_QUESTION_WORDS = frozenset(
    (
        *("what", "what's", "which", "who", "whom", "whose", "when", "where", "why", "how"),
        *("is", "are", "was", "were", "do", "does", "did", "can", "could", "would", "will"),
        *("should", "has", "have", "may"),
    )
)


_ADVISE = frozenset(
    (
        *("use", "using", "note", "add", "take", "put", "make", "set", "try", "check", "consider"),
        *(
            "start",
            "get",
            "change",
            "choose",
            "select",
            "cut",
            "join",
            "mark",
            "turn",
            "share",
            "play",
        ),
        *(
            "bring",
            "think",
            "look",
            "show",
            "replace",
            "remove",
            "insert",
            "test",
            "update",
            "return",
        ),
        *(
            "break",
            "let",
            "let's",
            "begin",
            "come",
            "go",
            "give",
            "say",
            "tell",
            "ask",
            "read",
            "find",
        ),
        *(
            "research",
            "plan",
            "practice",
            "create",
            "identify",
            "develop",
            "establish",
            "mix",
            "work",
        ),
        *("imagine", "drop", "map", "combine", "track", "limit", "count", "spot", "focus", "visit"),
        *(
            "repeat",
            "enter",
            "send",
            "fit",
            "pay",
            "apply",
            "store",
            "open",
            "form",
            "sum",
            "shift",
        ),
    )
)
"""Verbs that answers have too: requests only in the first two sentences and the last one."""


@cache
def request_verbs() -> frozenset[str]:
    """Return English verbs with which requests begin, in lower case."""
    lines = _VERBS.read_text(encoding="utf-8").splitlines()
    return frozenset(" ".join(line for line in lines if not line.startswith("#")).split())


def first_word(text: str) -> str:
    """Return the first word of a text in lower case, without signs and words such as "please"."""
    found = _FIRST_WORD.match(text)
    if not found or (found[1].isupper() and not text.isupper() and len(found[1]) > 1):
        return ""  # SELECT is code
    return found[1].lower()


_SENTENCE = re.compile(r"(?:(?<=[.!?:。！？：])|(?<=[.!?][\"”’')]))[ \t]+|(?<=[。！？：])|\n+")
_NOTE = re.compile(r"\W*note (?:that|how|:)", re.IGNORECASE)
_ITEM = re.compile(r"[ \t]{2,}\S|\s*(?:[-*•–]|\(?\d+[.)]|[a-zA-Z][.)])\s")
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_OPENS = frozenset(
    (
        *("given", "for", "in", "based", "from", "on", "if", "after", "before", "during", "when"),
        *(
            "while",
            "with",
            "without",
            "using",
            "to",
            "as",
            "by",
            "considering",
            "assuming",
            "under",
        ),
        *("starting", "taking", "referring", "at", "because", "since", "out", "of", "rather"),
        *("instead", "like", "about", "once", "where", "through", "within", "between", "over"),
    )
)
_CLAUSE = re.compile(r",[\"”']?\s+")
_ASKS = re.compile(
    r"\b(?:please|I(?:'d| would) (?:like|love)|I (?:want|need|wish|am looking for)|I'm looking for"
    r"|(?:help|tell|give|show|teach) (?:me|us)|your (?:task|job|turn|goal|assignment)"
    r"|you (?:are|have been) (?:an?|the|asked|given|required|provided|tasked|to|my|working|now)"
    r"|(?:is|are) (?:needed|wanted|required)|in this task)\b"
    r"|\byou (?:need to|have to|must|should) (?P<verb>[a-z]+)",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """Tell whether a text asks for something: a question, an order or a wish."""
    if "?" in text or "？" in text:
        return True
    prose = _FENCE.sub("\n", text)
    verbs = request_verbs()
    if any(found["verb"] is None or found["verb"] in verbs for found in _ASKS.finditer(prose)):
        return True
    sentences = [each for each in _SENTENCE.split(prose) if not _ITEM.match(each)]
    ends = (0, 1, len(sentences) - 1)
    return any(orders(each, advises=place in ends) for place, each in enumerate(sentences))


def orders(sentence: str, *, advises: bool = True) -> bool:
    """Tell whether a sentence is an order, or a question without its sign.

    Args:
        sentence: the sentence.
        advises: whether verbs of advice count.
    """
    word = first_word(sentence)
    if word in _ADVISE:
        return advises and not _NOTE.match(sentence)
    if word in request_verbs() or word in _QUESTION_WORDS:
        return True
    clauses = _CLAUSE.split(sentence)[1:] if word in _OPENS or word.endswith("ing") else ()
    return any(first_word(clause) in request_verbs() for clause in clauses)
