"""Answers that are none: all they hold is talk to whoever asked.

Boosted trees tell them from answers: some ask only for signs in the answer, such as how much of
each kind of talk its sentences are; the others for excuses too, which the instruction may give.
`python -m training` makes them from the answers in `training/talk/pairs.jsonl`.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from math import fsum, sqrt  # versions of Python differ in the last digit of `sum`
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple

from evolinstruct.elimination.asked_for import DEMANDS, demands, given_text, without_ban
from evolinstruct.elimination.rule import Answer
from evolinstruct.elimination.talk import KINDS, Classifier, Sentence, shipped, spoken, tokens
from evolinstruct.words import count_words

_TREES = Path(__file__).parents[1] / "data" / "unanswered.txt"
_SURE = 0.8  # sum of all trees from which on an answer is none
_HOPELESS = -1.5  # sum of those that ask for signs alone, below which the others need not be asked
_MOST = 8.0  # a score says no more
_NEUTRAL = -4.0  # score of a given text that is plainly no talk
HEAD, _TAIL = 400, 200
"""Characters of an instruction that are read."""
_COUNTED = 1000  # characters of an answer in which signs and new words are counted
_ITEM = re.compile(r"\s*(?:[-*•]|\d+[.)])\s")
_DIGITS, _QUOTES = "0123456789", '"«“「'
_MANY = 20  # more of a sign say no more
_ALIKE = 0.3, 2.5  # times the length of a given text: its translation, or the like
_WORD, _STEM = 3, 5  # letters of a word that may name something; that tell it from others
_TRACE = 0.45  # of the most telling score: with less, a kind is but a trace in another one
_TELLING = 1.0  # score of a sentence that tells the kind
_IN_ORDER = ("ask", "refuse", "defer"), ("meta",), ("polite",)


@lru_cache(maxsize=64)
def find_talk(answer: Answer) -> tuple[str, Sentence] | None:
    """Return the kind of talk that stands for an answer, and the sentence that tells most.

    None if the answer may well be one.
    """
    classifier, trees = shipped(), _trees()
    said = hear(answer.response, classifier)
    if not said:
        return None
    found = signs(answer.response, said, classifier)
    told = trees.for_signs.sum(found)
    if told < _HOPELESS:
        return None
    told += trees.for_all.sum({**found, **excuses(answer, classifier)})
    return _most_telling(said) if told >= _SURE else None


def hear(response: str, classifier: Classifier) -> Sequence[Sentence]:
    """Return the sentences of an answer that may be none; nothing where it plainly is one."""
    if not classifier.may_talk(response):
        return ()
    return classifier.sentences(spoken(response))


def signs(response: str, said: Sequence[Sentence], classifier: Classifier) -> dict[str, float]:
    """Return what an answer that may be none tells, by name."""
    length = sum([sentence.words for sentence in said]) or 1
    columns = zip(*[sentence.scores for sentence in said], strict=True)
    most = {kind: _bounded(max(column)) for kind, column in zip(KINDS, columns, strict=True)}
    seen = response[:_COUNTED]
    lines = seen.split("\n")
    return most | {
        "sounds": classifier.sounds(said),
        "talk": fsum([_bounded(each.talk) * each.words for each in said]) / length,
        "most": max(most.values()),
        "least": _bounded(min([sentence.talk for sentence in said])),
        "first": _bounded(said[0].talk),
        "last": _bounded(said[-1].talk),
        "last_asks": float(said[-1].asks),
        "words": sqrt(sqrt(count_words(response))),
        "sentences": sqrt(sqrt(len(said))),
        "asking": sum([each.words for each in said if each.asks]) / length,
        "lines": float(min(len(lines), _MANY)),
        "items": float(min(len([*filter(_ITEM.match, lines)]), _MANY)),
        "digits": float(min(sum(map(seen.count, _DIGITS)), _MANY)),
        "quotes": float(min(sum(map(seen.count, _QUOTES)), _MANY)),
    }


def excuses(answer: Answer, classifier: Classifier) -> dict[str, float]:
    """Return what in the instruction may call for an answer that sounds like talk, by name."""
    instruction = answer.instruction
    if len(instruction) > HEAD + _TAIL:
        instruction = f"{instruction[:HEAD]}\n{instruction[-_TAIL:]}"
    instruction = without_ban(instruction)
    text, demanded = given_text(instruction), demands(instruction)
    talk = [_bounded(sentence.talk) for sentence in classifier.sentences(text)]
    least, most = _ALIKE
    said = [word[:_STEM] for word in tokens(answer.response[:_COUNTED]) if len(word) >= _WORD]
    asked = {word[:_STEM] for word in tokens(instruction)}
    new = [word for word in said if word not in asked]
    return {
        "asked": classifier.asked(instruction[:HEAD]),
        "given_talk": max([_NEUTRAL, *talk]) - _NEUTRAL,
        "as_long_as_given": float(least * len(text) <= len(answer.response) <= most * len(text)),
        "is_question": float(instruction.rstrip().endswith(("?", "？", "؟"))),
        "length": sqrt(sqrt(len(answer.instruction))),
        "new": len(new) / (len(said) or 1),
        "new_words": sqrt(len(set(new))),
        **{each: float(each in demanded) for each in DEMANDS},
    }


def _bounded(score: float) -> float:
    return max(-_MOST, min(_MOST, score))


def _most_telling(said: Sequence[Sentence]) -> tuple[str, Sentence]:
    """Return the kind of talk and the sentence; promises and thanks count if there is no other.

    What ends in a question asks, whatever it promises before.
    """
    most = max(sentence.talk for sentence in said)
    least = min(_TELLING, most)
    talk = [sentence for sentence in said if sentence.talk >= least]
    columns = dict(
        zip(KINDS, zip(*[sentence.scores for sentence in talk], strict=True), strict=True)
    )
    enough = min(most, max(least, most * _TRACE))
    told = ([kind for kind in kinds if max(columns[kind]) >= enough] for kinds in _IN_ORDER)
    kind = max(next(filter(None, told)), key=lambda kind: fsum(columns[kind]))
    if kind != "refuse" and said[-1].asks:
        return "ask", said[-1]
    return kind, talk[columns[kind].index(max(columns[kind]))]


# Trees

Tree = float | list[Any]
"""A number, or a list: a name, a bound, the tree for what is at most that, and the other."""
_FIELD = 16  # bits: one for each leaf of a tree


class Forest:
    """Trees that are asked for the same values, all at once (QuickScorer, Lucchese et al. 2015).

    The leaves of all trees are bits of one number. A value takes those away that it rules out; of
    what is left of a tree, the first is its answer.

    Args:
        trees: those that are asked, with at most 16 leaves each.
    """

    def __init__(self, trees: Sequence[Tree]) -> None:
        self._leaves: list[dict[int, float]] = []
        ruled_out: _RuledOut = defaultdict(Counter)
        for place, tree in enumerate(trees):
            values: list[float] = []
            _split(tree, place * _FIELD, values, ruled_out)
            self._leaves.append({1 << number: value for number, value in enumerate(values)})
        self._all = (1 << len(trees) * _FIELD) - 1
        self._first = sum(1 << place * _FIELD for place in range(len(trees)))
        self._features = [(name, *self._left(nodes)) for name, nodes in ruled_out.items()]
        self._unpack = Struct(f"<{len(trees)}H").unpack

    def _left(self, ruled_out: Mapping[float, int]) -> tuple[list[float], list[int]]:
        """Return the bounds of a value, and the leaves that are left beyond so many of them."""
        bounds = sorted(ruled_out)
        gone = [ruled_out[bound] for bound in bounds]
        return bounds, [*accumulate(gone, lambda left, more: left & ~more, initial=self._all)]

    def sum(self, found: Mapping[str, float]) -> float:
        """Return what the trees say of values, by their names, added up."""
        left = self._all
        for name, bounds, leaves in self._features:
            left &= leaves[bisect_left(bounds, found[name])]
        lowest = left & ~(left - self._first)
        said = self._unpack(lowest.to_bytes(len(self._leaves) * _FIELD // 8, "little"))
        return fsum([values[leaf] for values, leaf in zip(self._leaves, said, strict=True)])


_RuledOut = defaultdict[str, Counter[float]]
"""The leaves that a bound rules out where a value is beyond it, by the names of values."""


def _split(tree: Tree, start: int, leaves: list[float], ruled_out: _RuledOut) -> None:
    """Note a tree's leaves, and which of them its bounds rule out."""
    if isinstance(tree, float):
        leaves.append(tree)
        return
    name, bound, low, high = tree
    begin = len(leaves)
    _split(low, start, leaves, ruled_out)
    mask = (1 << len(leaves)) - (1 << begin)
    ruled_out[name][bound] |= mask << start
    _split(high, start, leaves, ruled_out)


class _Trees(NamedTuple):
    """Those that ask for signs alone, and those that ask for excuses too."""

    for_signs: Forest
    for_all: Forest


@cache
def _trees() -> _Trees:
    parts = _TREES.read_text(encoding="utf-8").split("\n\n")
    return _Trees(*(Forest([*map(json.loads, part.splitlines())]) for part in parts))
