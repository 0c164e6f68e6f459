"""Talk: what an assistant says to whoever asked, instead of an answer or around it.

Linear classifiers by words and pairs of words, in ten languages: of sentences, which may be of five
kinds of talk; of answers, by how they sound; of instructions, by how those sound that get none.
`python -m training` makes their weights from the texts in `training/talk`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain, pairwise, repeat
from math import sqrt
from pathlib import Path
from typing import NamedTuple

from evolinstruct.words import count_words

KINDS = ("ask", "meta", "refuse", "defer", "polite")
"""Asks for what is missing; speaks of the work to come; refuses; points elsewhere or to later;
thanks, wishes, apologizes, praises."""
COLUMNS = (*KINDS, "sounds", "asked")
"""Of the file of weights: one for each kind, for answers that are none, for their instructions."""

BIAS = -4.0
"""Score of a sentence of which nothing is known."""
BIAS_OF_TEXTS = -1.0
"""The same of an answer or an instruction."""
STEP = 0.25
"""Of a weight; in the file each is a character so many steps above or below `ZERO`."""
ZERO = ord("P")
_WEIGHTS = Path(__file__).parents[1] / "data" / "talk.txt"
_HEAD, _TAIL = 240, 160  # characters that are read
_EDGE = 80  # characters that tell whether to read on
_NONE = [-8.0] * len(KINDS)  # scores of what is no talk
_LEAST = -0.6  # score of a sentence that may be talk
_STEM = 5  # letters
_GRAMS = (1, 2, 3)  # letters, in scripts whose words take no spaces or many endings

_FIELD, _MASK = 20, (1 << 20) - 1  # bits
_SHIFTS = range(_FIELD, _FIELD * (1 + len(COLUMNS)), _FIELD)
_OF_KINDS = _SHIFTS[: len(KINDS)]
_SOUNDS, _ASKED = _SHIFTS[len(KINDS) :]
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
        known: the sum of its weights.
    """

    text: str
    words: int
    scores: Sequence[float]
    talk: float
    known: int

    @property
    def asks(self) -> bool:
        """Whether it is a question."""
        return self.text.rstrip("\"”»'’)*_")[-1:] in "?？؟"


class Classifier:
    """Tells talk from answers by weights.

    Args:
        lines: those of a file of weights: a feature, a tab and a character for each of `COLUMNS`.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._known = dict(map(_weighed, lines))
        self._pairs = {tuple(f.split(" ")): own for f, own in self._known.items() if " " in f}
        # What stands between white space recurs, so most of it need not be taken apart.
        self._weigh = lru_cache(maxsize=1 << 14)(self._weigh_piece)

    def may_talk(self, text: str) -> bool:
        """Tell whether the first sentence or the last may be talk, by some of its words."""
        first = next(split(text[:_EDGE]), "")
        if _highest_score(self._weigh_text(first)) >= _LEAST:
            return True
        last = deque(split(text[-_EDGE:]), maxlen=1)
        return bool(last) and _highest_score(self._weigh_text(last[0])) >= _LEAST

    def sentences(self, text: str) -> list[Sentence]:
        """Return the sentences of a text; lines of code are no talk."""
        return [self._read(each) for each in split(text)]

    def sounds(self, said: Iterable[Sentence]) -> float:
        """Return how much an answer of such sentences sounds like none; above 0, rather so."""
        return _score(sum([each.known for each in said]), _SOUNDS)

    def asked(self, instruction: str) -> float:
        """Return how much an instruction sounds like one that gets no answer; above 0, it does."""
        return _score(self._weigh_text(instruction), _ASKED)

    def _read(self, text: str) -> Sentence:
        known = self._weigh_text(text)
        scores = _NONE if _is_code(text) else _scores(known)
        return Sentence(text, count_words(text), scores, max(scores), known)

    def _weigh_text(self, text: str) -> int:
        pieces = [*map(self._weigh, text.lower().split())]
        if _NO_WORD in pieces:
            pieces = [piece for piece in pieces if piece is not _NO_WORD]
        if not pieces:
            return 0
        known, beginnings, ends = zip(*pieces, strict=True)
        total: int = sum(known)
        return total + self._follow(zip(ends, beginnings[1:], strict=False))

    def _weigh_piece(self, text: str) -> _Piece:
        words = tokens(text)
        if not words:
            return _NO_WORD
        known = sum(map(self._known.get, chain(*map(parts, words)), repeat(_UNKNOWN)))
        return known + self._follow(pairs(words)), words[0][:_STEM], words[-1][:_STEM]

    def _follow(self, pairs: Iterable[tuple[str, str]]) -> int:
        return sum(map(self._pairs.get, pairs, repeat(_UNKNOWN)))


_Piece = tuple[int, str, str]
"""What is known of a piece of text between white space, and the stems at its ends."""
_NO_WORD: _Piece = (0, "", "")


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
    return [BIAS + ((known >> shift & _MASK) - zero) * scale for shift in _OF_KINDS]


def _highest_score(known: int) -> float:
    """Return the highest of the scores for kinds, in half the time."""
    count = known & _MASK
    most = max([known >> shift & _MASK for shift in _OF_KINDS])
    return BIAS + (most - ZERO * count) * STEP * damping(count)


def _score(known: int, shift: int) -> float:
    count = known & _MASK
    return BIAS_OF_TEXTS + ((known >> shift & _MASK) - ZERO * count) * STEP * damping(count)


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
