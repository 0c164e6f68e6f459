"""Preference: which of two answers is better, as a judge says who is asked in both orders."""

from __future__ import annotations

from typing import Literal

from evolinstruct.judges import Judge, shown
from evolinstruct.llm.base import CallContext, Reply
from evolinstruct.reading import read_preference

Said = Literal["first_clearly", "first", "tie", "second", "second_clearly"]
"""Which one is better, and whether by far."""
_SIDES: dict[Said, int] = {
    "first_clearly": 2,
    "first": 1,
    "tie": 0,
    "second": -1,
    "second_clearly": -2,
}

JUDGE = "judge"
"""The purpose of the calls."""
TEMPERATURE = 0.0
"""At which a judge is asked unless the settings name one: it should say the same twice."""
_HEAD, _TAIL = 12_000, 4_000  # characters of a text that a judge is shown
_A, _B = "A", "B"


def texts_shown(instruction: str, first: str, second: str) -> dict[str, str]:
    """Return what fills the places of a judge's prompt; very long texts lose their middles."""
    return {
        "instruction": shown(instruction, _HEAD, _TAIL),
        "first": shown(first, _HEAD, _TAIL),
        "second": shown(second, _HEAD, _TAIL),
    }


async def said_of(
    judge: Judge, place: str, instruction: str, first: str, second: str, generation: int = 0
) -> Said:
    """Return what a judge says of two texts in the order in which they are given.

    Args:
        judge: who is asked.
        place: names the pair among all that are judged.
        instruction: what both are about.
        first: the text that is shown first.
        second: the other one.
        generation: the one that the call works for.

    Raises:
        NotJudgedError: there is no verdict.
        StopRun: no further call can have a reply.
    """
    texts = texts_shown(instruction, first, second)
    items = ((_A, texts["first"]), (_B, texts["second"]))
    context = CallContext(generation, None, None, None, instruction, items=items)
    return said_by_number(await judge.judged(place, texts, context, _preference))


def _preference(reply: Reply) -> int | None:
    return read_preference(reply.text)


def of_two_orders(as_given: Said | None, turned_: Said | None) -> tuple[Said | None, bool]:
    """Return the winner that both orders name, else a tie; and whether they name different ones.

    Where an order has no verdict, there is none. By far is only what both orders find so.
    """
    if as_given is None or turned_ is None:
        return None, False
    one, other = _SIDES[as_given], _SIDES[turned_]
    if one * other <= 0:
        return "tie", one * other < 0
    return min((as_given, turned_), key=lambda said: abs(_SIDES[said])), False


def said_by_number(number: int) -> Said:
    """Return a verdict by how much the first one is better: 2 clearly, to -2."""
    return next(said for said, side in _SIDES.items() if side == number)


def turned(said: Said) -> Said:
    """Return the same where the two change places."""
    return said_by_number(-_SIDES[said])
