"""Whatever a client brings is within bounds before anything else sees it."""

from __future__ import annotations

import asyncio
import math
import sys
from typing import Any

import pytest

from evolinstruct.errors import (
    CallFailed,
    CallRejected,
    ClientBroken,
    ServiceRefused,
    TryAgain,
)
from evolinstruct.llm.base import CallContext, CallId, Limits, Reply, Request, Usage
from evolinstruct.llm.budget import Budget, BudgetedClient, Caps
from evolinstruct.llm.intake import Intake
from evolinstruct.llm.secrets import Secrets
from tests.scripted import Scripted

REQUEST = Request(
    CallId("c", "answer"),
    CallContext(1, "deepen", "in-depth", None, "Why?"),
    (("user", "x" * 184),),  # at most 100 tokens
    "m",
    max_tokens=50,
)
NO_NUMBERS: list[Any] = [2**64, 10**400, -1, math.nan, math.inf, "7", True, None, [7]]


def brought(end: Any) -> tuple[Any, int]:
    """Return what becomes of what a client brings, and the tokens that it counts as."""
    budget = Budget(Caps(), lambda *_: None)
    script = (lambda _: end()) if callable(end) else (lambda _: end)
    client = BudgetedClient(Scripted(script), budget, Intake(Secrets(), "Your client 'c:C'"))

    async def asked() -> Any:
        return (await asyncio.gather(client.complete(REQUEST), return_exceptions=True))[0]

    return asyncio.run(asked()), budget.spent.tokens


@pytest.mark.parametrize("number", [*NO_NUMBERS, 7.5])
def test_a_count_of_tokens_that_can_be_none_is_unknown_and_feared(number: Any) -> None:
    end = Reply("hi", "stop", Usage(*[number] * 5), "m")
    assert brought(end) == (Reply("hi", "stop", Usage(), "m"), 150)


def test_a_service_may_name_a_few_tiers_and_no_number_of_them() -> None:
    intake = Intake(Secrets())
    ends = [Reply("hi", "stop", Usage(1, 1, tier=f"tier_{n}"), "m") for n in range(1_000)]
    assert len({intake.reply(end).usage.tier for end in ends}) <= 10
    assert intake.reply(ends[0]).usage.tier == "tier_0"


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_limit_that_can_be_none_is_unknown(number: Any) -> None:
    limits = Limits(number, 7, number, number, number, 7.5)
    found, _ = brought(Reply("hi", "stop", Usage(1, 1), "m", limits))
    assert found.limits == Limits(None, 7, None, None, None, 7.5)


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_the_numbers_of_an_error_are_within_bounds(number: Any) -> None:
    again, _ = brought(TryAgain("busy", "wait", number, limits=Limits(number)))
    assert (again.retry_after, again.limits) == (None, Limits())
    failed, _ = brought(CallFailed("broken", "no", number))
    assert failed.attempts == 1


def test_names_and_messages_of_any_length_are_short() -> None:
    found, _ = brought(Reply("hi", "s" * 10_000, Usage(1, 1), "m" * 10_000))
    assert (len(found.finish_reason), len(found.model)) == (200, 200)
    for end in (CallRejected("r" * 10_000, "m" * 10_000), TryAgain("r" * 10_000, "m" * 10_000)):
        error, _ = brought(end)
        assert (len(error.error), len(error.message), len(str(error))) == (200, 1_000, 1_202)


def test_logprobs_are_few_and_within_bounds_and_none_spells_out_a_secret() -> None:
    wrong = [*NO_NUMBERS[:2], 700.0, True, None, "7", math.nan, math.inf, -math.inf, -(10**400)]
    told = (*[(("7", -0.5), *((str(n), number) for n, number in enumerate(wrong)))] * 50,)
    brief = (*[(("7", -0.5),)] * 20,)
    hides = Intake(Secrets("4711-0815-4711"))
    for text, kept in (("7", brief), ("It is 4711-0815-4711.", ())):
        assert hides.reply(Reply(text, "stop", Usage(), "m", logprobs=told)).logprobs == kept


def test_what_cannot_be_utf8_is_replaced() -> None:
    found, _ = brought(Reply("a\ud83dz", "stop\ud83d", Usage(1, 1), "m\ud83d"))
    assert found == Reply("a\ufffdz", "stop\ufffd", Usage(1, 1), "m\ufffd")


BROKEN: dict[str, tuple[Any, str]] = {
    "nothing": (None, "returned None; a client returns a Reply."),
    "no text": (
        Reply(None, "stop", Usage(), "m"),  # type: ignore[arg-type]
        "; a Reply has a string as its text, and a Usage.",
    ),
    "no usage": (
        Reply("hi", "stop", None, "m"),  # type: ignore[arg-type]
        "; a Reply has a string as its text, and a Usage.",
    ),
    "logprobs of another kind": (
        Reply("7", "stop", Usage(), "m", logprobs=(("7", -0.5),)),  # type: ignore[arg-type]
        "; the logprobs of a Reply are pairs of a text and a number for each token.",
    ),
    "a bug": (KeyError("usage"), "raised KeyError: 'usage'; mend it, -vv shows where."),
    "an end": (sys.exit, "raised SystemExit; mend it, -vv shows where."),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bug_of_a_client_ends_the_run_and_what_it_took_is_feared(case: str) -> None:
    end, told = BROKEN[case]
    error, tokens = brought(end)
    assert isinstance(error, ClientBroken)
    assert str(error).startswith("Your client 'c:C' r")
    assert (str(error).endswith(told), tokens) == (True, 150)


def test_a_refusal_passes_and_costs_nothing() -> None:
    refusal = ServiceRefused("The key is wrong.")
    assert brought(refusal) == (refusal, 0)
