"""Draws: which operation evolves which instruction, and which data format it is given.

Made from the run's seed and the place alone, never from a global generator or the order in which
calls end: the same place draws the same at any concurrency, on any machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b


def _digest(seed: int, child_id: str, what: str) -> int:
    return int.from_bytes(blake2b(f"{seed}/{child_id}/{what}".encode(), digest_size=8).digest())


def draw_operation(weights: Mapping[str, float], seed: int, child_id: str) -> str:
    """Return one of the named operations, each as likely as its share of the weights."""
    point = _digest(seed, child_id, "operation") / 2**64 * sum(weights.values())
    for name in sorted(weights):
        point -= weights[name]
        if point < 0:
            return name
    return max(name for name in weights if weights[name] > 0)


def fitting(weights: Mapping[str, float], unfit: Collection[str]) -> Mapping[str, float]:
    """Return the weights without those of operations that do not fit, unless none is left."""
    left = {name: weight for name, weight in weights.items() if name not in unfit}
    return left if sum(left.values()) > 0 else weights


def draw_order(names: Iterable[str], seed: int, child_id: str) -> list[str]:
    """Return the names in a drawn order, every order being equally likely."""
    return sorted(names, key=lambda name: _digest(seed, child_id, name))


SAMPLES = 64
"""Of a bootstrap: a byte of the longest digest for each."""
_TIMES = bytes([0] * 94 + [1] * 94 + [2] * 47 + [3] * 16 + [4] * 4 + [5])


def draw_times(seed: int, name: str) -> bytes:
    """Return how often a thing is in each of the samples of a bootstrap: once in the mean.

    As in a Poisson distribution, so that no thing's draw depends on another's.
    """
    return blake2b(f"{seed}/{name}/samples".encode()).digest().translate(_TIMES)
