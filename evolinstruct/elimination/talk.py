"""Talk: what an assistant says to whoever asked, instead of an answer or around it.

A linear classifier of sentences knows five kinds of talk in ten languages. `python -m training`
makes its weights from the sentences in `training/talk`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice, pairwise, repeat
from math import sqrt
from pathlib import Path
from typing import NamedTuple

from evolinstruct.words import count_words

KINDS = ("ask", "meta", "refuse", "defer", "polite")
"""Asks for what is missing; speaks of the work to come; refuses; points elsewhere or to later;
thanks, wishes, apologizes, praises."""

BIAS = -4.0
STEP = 0.25
"""Of a weight; in the file each is a character so many steps above or below `ZERO`."""
ZERO = ord("P")
_WEIGHTS = Path(__file__).parents[1] / "data" / "talk.txt"
_HEAD, _TAIL = 240, 160  # characters that are read
_EDGE = 80  # characters that tell whether to read on
_NONE = [-8.0] * len(KINDS)  # scores of what is no talk
_CUT = 0.6  # by so much a sentence may score more than its part that is looked at first
_BY_WORDS = 6.0  # the same, by its words alone
_STEM = 5  # letters
_GRAMS = (1, 2, 3)  # letters, in scripts whose words take no spaces or many endings

_FIELD, _MASK = 20, (1 << 20) - 1  # bits
_SHIFTS = range(_FIELD, _FIELD * (1 + len(KINDS)), _FIELD)
_UNKNOWN = sum([ZERO << shift for shift in _SHIFTS], 1)

_GRAMMED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_IS_GRAMMED = re.compile(f"[{_GRAMMED}]")
_TOKEN = re.compile(rf"[{_GRAMMED}]+|[^\W\d_{_GRAMMED}]+|[^\w\s]")
_ASCII_TOKEN = re.compile(r"[a-z]+|[^a-z0-9_\s]")
"""The same for lower-case ASCII, twice as fast."""
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]*[\"”»'’)*_]*")
_LETTER = re.compile(r"[^\W\d_]")
_CODE_SIGN = re.compile(r"[{}<>=\\|_#(](?:(?<!\()|(?<=[a-z]\())")
_CODE_LINE = re.compile(r"(?:for|while|if|elif|else|def)\b.*:")
_NO_TALK = re.compile(
    r"\"[^\"\n]{2,}\"|“[^”\n]{2,}”|«[^»\n]{2,}»|„[^“”\n]{2,}[“”]|「[^」\n]{2,}」|『[^』\n]{2,}』"
    r"|```.*?(?:```|\Z)|^\s*[—–][^\n]*"
    r"|^[ \t]*(?:[-•*]\s)?[*_]{0,2}[^\s:：]{1,20}(?: [^\s:：]{1,20})?[*_]{0,2}[:：](?!//)"
    r"[*_]{0,2}[^\n]+$",
    re.MULTILINE | re.DOTALL,
)
"""Quotes, code, and lines of a dialogue."""


class Sentence(NamedTuple):
    """A sentence, and how much of each kind of talk it is.

    Attributes:
        text: its words.
        words: how many it has.
        scores: one for each of `KINDS`; above 0, it is rather of that kind than of an answer.
        talk: the highest of them.
    """

    text: str
    words: int
    scores: Sequence[float]
    talk: float

    @property
    def asks(self) -> bool:
        """Whether it is a question."""
        return self.text.rstrip("\"”»'’)*_")[-1:] in "?？؟"


class Classifier:
    """Tells talk from answers by weights.

    Args:
        lines: those of a file of weights: a feature, a tab and a character for each of `KINDS`.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._known = dict(map(_weighed, lines))
        self._pairs = {tuple(f.split(" ")): own for f, own in self._known.items() if " " in f}
        self._weigh = lru_cache(maxsize=1 << 14)(self._weigh_parts)

    def may_talk(self, text: str, least: float) -> bool:
        """Tell whether the first sentence or the last may be talk, of such a score at least."""
        edges = [*islice(split(text[:_EDGE]), 1), *deque(split(text[-_EDGE:]), maxlen=1)]
        for edge in edges:
            words = tokens(edge)
            known = sum(map(self._weigh, words))
            if max(_scores(known)) < least - _BY_WORDS:
                continue
            if max(_scores(known + self._follow(words))) >= least - _CUT:
                return True
        return False

    def sentences(self, text: str) -> list[Sentence]:
        """Return the sentences of a text; lines of code are no talk."""
        return [self._read(each) for each in split(text)]

    def _read(self, text: str) -> Sentence:
        scores = _NONE if _is_code(text) else self.score(text)
        return Sentence(text, count_words(text), scores, max(scores))

    def score(self, text: str) -> list[float]:
        """Return how much of each of `KINDS` a sentence is."""
        words = tokens(text)
        return _scores(sum(map(self._weigh, words)) + self._follow(words))

    def _weigh_parts(self, word: str) -> int:
        return sum(map(self._known.get, parts(word), repeat(_UNKNOWN)))

    def _follow(self, words: Sequence[str]) -> int:
        return sum(map(self._pairs.get, pairs(words), repeat(_UNKNOWN)))


def _is_code(text: str) -> bool:
    return _CODE_SIGN.search(text) is not None or (
        text.endswith(":") and _CODE_LINE.match(text) is not None
    )


@cache
def shipped() -> Classifier:
    """Return the classifier of the weights that are shipped."""
    return Classifier(_WEIGHTS.read_text(encoding="utf-8").splitlines())


def _weighed(line: str) -> tuple[str, int]:
    """Return a feature and its weights in one number, and 1 below them to count features."""
    feature, own = line.split("\t")
    weights = zip(own.encode(), _SHIFTS, strict=True)
    return feature, sum([weight << shift for weight, shift in weights], 1)


def _scores(known: int) -> list[float]:
    count = known & _MASK
    zero, scale = ZERO * count, STEP * damping(count)
    return [BIAS + ((known >> shift & _MASK) - zero) * scale for shift in _SHIFTS]


def damping(count: int) -> float:
    """Return by what the sum of so many weights is multiplied: long sentences say little more."""
    return 2 / sqrt(count or 1)


def spoken(text: str) -> str:
    """Return the head and the tail of a text, without quotes, code and dialogue.

    A text of nothing else is returned as it is.
    """
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    own_words = _NO_TALK.sub(" ", text)
    return own_words if _LETTER.search(own_words) else text


def split(text: str) -> Iterator[str]:
    """Yield the sentences of a text."""
    for found in _SENTENCE.finditer(text):
        if _LETTER.search(found[0]):
            yield found[0].strip()


def tokens(text: str) -> list[str]:
    """Return the words of a text in lower case, and its signs."""
    text = text.lower()
    return (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text)


def features(words: Sequence[str]) -> list[str]:
    """Return all that is known of words in a row."""
    return [part for word in words for part in parts(word)] + list(map(" ".join, pairs(words)))


def parts(word: str) -> list[str]:
    """Return a word; of words that are read by their letters, the grams."""
    if _IS_GRAMMED.match(word):
        return [word[at : at + size] for size in _GRAMS for at in range(len(word) - size + 1)]
    return [word]


def pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the beginnings of each two words that stand side by side."""
    return pairwise([word[:_STEM] for word in words])
