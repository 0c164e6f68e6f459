"""`check` on the terminal: what each model in use answers, takes and costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from evolinstruct.connection_check import ConnectionResult
from evolinstruct.llm.base import Limits
from evolinstruct.text import counted, harmless, listed

if TYPE_CHECKING:
    from evolinstruct.console import Console


def show_results(console: Console, results: Sequence[ConnectionResult]) -> None:
    """Print the result for each model, and whether a run can start."""
    for result in results:
        console.show(_shown(result))
    problems = sum(result.problem is not None for result in results)
    console.say(
        f"{problems} of {counted(len(results), 'model')} cannot be used yet."
        if problems
        else "A run with the same settings can start."
    )


def _shown(result: ConnectionResult) -> Text:
    model = result.model or "the only model"
    place = f" at {result.server}" if result.server else ""
    text = Text()
    text.append(harmless(f"{model}{place}"), "bold")
    text.append(f" ({listed(list(result.purposes))})\n")
    lines = [result.problem] if result.problem else _lines(result)
    for line in lines:
        text.append(f"  {harmless(line)}\n", "red" if result.problem else "")
    return text


def _lines(result: ConnectionResult) -> Iterator[str]:
    other = result.answered_as not in {None, "", result.model}
    named = f", as {result.answered_as}" if other else ""
    yield f"answers    in {result.seconds:.2f} s{named}"
    yield f"takes      {', '.join(result.parameters or ()) or 'no parameter'}"
    if result.left_out:
        yield f"leaves out {', '.join(result.left_out)}"
    yield f"reasons    {'yes' if result.reasons else 'no'}"
    yield f"limits     {_limits(result.limits)}"
    yield f"price      {_price(result)}"
    for notice in result.notices:
        yield f"learned    {notice}"


def _limits(limits: Limits | None) -> str:
    if limits is None:
        return "none announced"
    windows = (
        ("request", limits.requests, limits.remaining_requests, limits.reset_requests),
        ("token", limits.tokens, limits.remaining_tokens, limits.reset_tokens),
    )
    told = [
        (f"{counted(limit, noun)}" if limit is not None else f"{noun}s")
        + f" ({left:,} left{_again(reset)})"
        for noun, limit, left, reset in windows
        if left is not None
    ]
    return "; ".join(told) or "none announced"


def _again(reset: float | None) -> str:
    return "" if reset is None else f", whole again in {reset:g} s"


def _price(result: ConnectionResult) -> str:
    if result.price is None:
        return "unknown; --price-in and --price-out name it, in dollars per million tokens"
    return f"${result.price.input} in, ${result.price.output} out, per million tokens"
