"""What a checkup found, as lines for a terminal. Prints nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from evolinstruct.connection_check import Finding
from evolinstruct.console.texts import harmless
from evolinstruct.llm.base import Limits
from evolinstruct.text import counted, listed


def shown(finding: Finding) -> Text:
    """Return a finding as a heading and lines below it."""
    model = finding.model or "the only model"
    place = f" at {finding.server}" if finding.server else ""
    text = Text()
    text.append(harmless(f"{model}{place}"), "bold")
    text.append(f" ({listed(list(finding.purposes))})\n")
    lines = [finding.problem] if finding.problem else _lines(finding)
    for line in lines:
        text.append(f"  {harmless(line)}\n", "red" if finding.problem else "")
    return text


def _lines(finding: Finding) -> Iterator[str]:
    other = finding.answered_as not in {None, "", finding.model}
    named = f", as {finding.answered_as}" if other else ""
    yield f"answers    in {finding.seconds:.2f} s{named}"
    yield f"takes      {', '.join(finding.parameters or ()) or 'no parameter'}"
    if finding.left_out:
        yield f"leaves out {', '.join(finding.left_out)}"
    yield f"reasons    {'yes' if finding.reasons else 'no'}"
    yield f"limits     {_limits(finding.limits)}"
    yield f"price      {_price(finding)}"
    for notice in finding.notices:
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


def _price(finding: Finding) -> str:
    if finding.price is None:
        return "unknown; --price-in and --price-out name it, in dollars per million tokens"
    return f"${finding.price.input} in, ${finding.price.output} out, per million tokens"
