"""Judging: how the offline client orders texts, rates them, names their tags, or prefers one.

It goes by length and by words that stand in demands, with a little chance: no judge, but steady.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from hashlib import blake2b
from math import exp, log, log2

from evolinstruct.llm.base import Alternatives, CallContext
from evolinstruct.llm.offline.grammar import Writer, own_words

_DEMANDS = re.compile(
    r"[,;:?]|\b(?:and|but|without|at least|at most|exactly|only|must|unless|if|prove|compare"
    r"|explain|each|every|because|then)\b",
    re.IGNORECASE,
)
_JITTER = 0.8
_TIE = 0.1  # texts that are so near are level
_TAGS = 3
_FIRST = 0.1  # what the text that is shown first has ahead
_LEVEL, _CLEAR = 0.15, 0.9  # texts nearer than the one are level; farther than the other, clear
_SPREAD = 0.7  # of numbers that are weighed


def judge(context: CallContext, writer: Writer) -> str:
    """Return an order of the texts that are shown, a verdict, a number in the range, or tags."""
    if context.items:
        return _order(context.items, writer)
    if context.parent is not None:
        return "Equal" if writer.roll(3) else "Not Equal"
    if context.range is not None:
        least, most = context.range
        share = min(1.0, max(0.0, (_demands(context.instruction, writer) - 3) / 8))
        return str(round(least + share * (most - least)))
    return json.dumps(list(dict.fromkeys(own_words(context.instruction)))[:_TAGS] or ["general"])


def prefer(context: CallContext, writer: Writer) -> str:
    """Return a verdict on two texts: by a digest of each and its length, with a little chance."""
    (_, one), (_, other) = context.items
    ahead = _worth(one) - _worth(other) + _FIRST + _JITTER * (writer.share() - 0.5)
    if abs(ahead) < _LEVEL:
        return "Verdict: level"
    much = "much " if abs(ahead) > _CLEAR else ""
    return f"Verdict: {'A' if ahead > 0 else 'B'} is {much}better"


def _worth(text: str) -> float:
    """Return what a text is worth, from 0 to about 3: as good as drawn, but the same each time."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32 + 0.2 * log2(2 + len(text.split()))


def weigh(text: str, context: CallContext, writer: Writer) -> tuple[Alternatives, ...]:
    """Return how near the next numbers were, where a judgement is a number and no more."""
    if context.range is None or not text.isdecimal():
        return ()
    said, (least, most) = int(text), context.range
    middle = said + writer.share() - 0.5
    near = [number for number in (said, said - 1, said + 1) if least <= number <= most]
    weights = [exp(-(((number - middle) / _SPREAD) ** 2)) for number in near]
    shares = [log(weight / sum(weights)) for weight in weights]
    return (tuple((str(number), share) for number, share in zip(near, shares, strict=True)),)


def _order(items: tuple[tuple[str, str], ...], writer: Writer) -> str:
    found = sorted((_demands(text, writer), label) for label, text in items)
    said, before = found[0][1], found[0][0]
    for place, label in found[1:]:
        said += f" {'=' if place - before < _TIE else '<'} {label}"
        before = place
    return said


def _demands(text: str, writer: Writer) -> float:
    """Return about how much a text asks for, on a scale of no unit."""
    return _asked(text) + _JITTER * writer.share()


@lru_cache(maxsize=1_024)  # anchors are shown again and again, and a family twice
def _asked(text: str) -> float:
    return log2(2 + len(text.split())) + 0.25 * len(_DEMANDS.findall(text))
