"""`trace` and `preview` on the terminal: a family as a tree, with its calls where asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.text import Text

from evolinstruct.analysis.families import Family, FamilyStep
from evolinstruct.analysis.preview import Extrapolation
from evolinstruct.analysis.replay import Call
from evolinstruct.analysis.scores import ScoreBook
from evolinstruct.console.page import Page, page_text
from evolinstruct.console.show import ANSWER_LINES, gains_of, heading, scores_of, show_outcome
from evolinstruct.llm.base import Request
from evolinstruct.records import Failed, Kept, Line
from evolinstruct.text import command, counted, dollars, listed
from evolinstruct.words import compare_words, count_words, is_new_text

CallsOf = Callable[[FamilyStep | Kept], Sequence[Call]]
"""The calls of a step, or of a seed."""


def show_family(
    page: Page,
    family: Family,
    scores: ScoreBook,
    *,
    meant: str | None = None,
    calls_of: CallsOf | None = None,
) -> None:
    """Print a family as a tree.

    Args:
        page: where to print.
        family: the seed and its steps.
        scores: those of the run.
        meant: the id of the line that was asked for, which is marked.
        calls_of: returns the calls of a step or a seed; without it, no calls are shown.
    """
    seed = family.seed
    page.print(_pointed(heading(seed, scores=scores_of(scores, seed)), seed, meant))
    stem = _stem(has_children=bool(family.steps), indent="")
    page.print(page_text(seed.instruction), stem)
    for line in (seed, *([family.unanswered] if family.unanswered else [])):
        show_outcome(page, line, stem, ANSWER_LINES)
    _show_calls(page, calls_of(seed) if calls_of else (), stem)
    _show_children(page, family.steps, scores, "", meant, calls_of)


def _show_children(
    page: Page,
    steps: Sequence[FamilyStep],
    scores: ScoreBook,
    indent: str,
    meant: str | None,
    calls_of: CallsOf | None,
) -> None:
    """Print the steps of one parent, up to the first kept one, and then that one's own steps."""
    for number, step in enumerate(steps, 1):
        later = steps[number:]
        is_last = isinstance(step.line, Kept) or not later
        page.print(f"{indent}│")
        _show_step(page, step, scores, indent, meant, is_last=is_last, has_children=bool(later))
        below = indent + ("   " if is_last else "│  ")
        if calls_of:
            stem = _stem(has_children=isinstance(step.line, Kept) and bool(later), indent=below)
            _show_calls(page, calls_of(step), stem)
        if isinstance(step.line, Kept):
            _show_children(page, later, scores, below, meant, calls_of)
            return


def _show_step(
    page: Page,
    step: FamilyStep,
    scores: ScoreBook,
    indent: str,
    meant: str | None,
    *,
    is_last: bool,
    has_children: bool,
) -> None:
    line = step.line
    below = indent + ("   " if is_last else "│  ")
    stem = _stem(has_children=isinstance(line, Kept) and has_children, indent=below)
    grown = None
    if isinstance(line, Kept):
        grown = count_words(line.instruction) - count_words(step.parent.instruction)
    gains = gains_of(scores, line, step.parent)
    title = _pointed(heading(line, grown, gains), line, meant)
    page.print(title, indent + ("└─ " if is_last else "├─ "), below)
    if isinstance(line, Failed):
        page.print(page_text(line.message), stem)
    elif line.instruction:
        page.print(_rewritten(page, step.parent.instruction, line.instruction), stem)
    show_outcome(page, line, stem, ANSWER_LINES)


def _stem(*, has_children: bool, indent: str) -> str:
    return indent + ("│  " if has_children else "   ")


def _pointed(title: Text, line: Line, meant: str | None) -> Text:
    return title + Text(" ◀", style="bold yellow") if line.id == meant else title


def _rewritten(page: Page, before: str, after: str) -> Text:
    """Return the difference, or only the later text where hardly a word of the earlier is left."""
    parts = compare_words(before, after)
    if is_new_text(before, parts):
        return Text.assemble(("(a new text) ", "green"), page_text(after))
    return page.diff(parts)


def _show_calls(page: Page, calls: Sequence[Call], stem: str) -> None:
    for call in calls:
        page.print("", stem)
        page.print(Text(f"▸ {_asked(call.request)}", style="cyan"), stem)
        for role, content in call.request.messages:
            page.print(Text(f"{role}:", style="dim"), stem + "  ")
            page.print(page_text(content), stem + "    ")
        page.print(Text(f"◂ {_came(call)}", style="cyan"), stem)
        if call.reply is not None:
            page.print(page_text(call.reply.text) or "(nothing)", stem + "    ")


def _asked(request: Request) -> str:
    settings = {"model": request.model or None, **request.parameters()}
    said = ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)
    again = f", attempt {request.call_id.attempt + 1}" if request.call_id.attempt else ""
    return f"{request.purpose}{again}: {page_text(said)}"


def _came(call: Call) -> str:
    if call.reply is None:
        return f"no reply: {page_text(call.trouble or '')}"
    usage = call.reply.usage
    tokens = ""
    if usage.prompt_tokens is not None and usage.completion_tokens is not None:
        tokens = f", {usage.prompt_tokens:,} tokens in, {usage.completion_tokens:,} out"
    return (
        f"{page_text(call.reply.model) or 'reply'}: {page_text(call.reply.finish_reason)}{tokens}"
    )


def show_preview(
    page: Page,
    families: Iterable[Family],
    scores: ScoreBook,
    whole: Extrapolation,
    out: Path | None,
) -> None:
    """Print what became of the seeds of a preview, and what the whole run would take."""
    for family in families:
        show_family(page, family, scores)
        page.print()
    page.heading(Text("The whole run at this rate", style="bold"))
    parts = [f"about {counted(whole.calls, 'call')}"]
    if whole.tokens is not None:
        parts.append(f"{whole.tokens:,} tokens")
    if whole.cost:
        parts.append(dollars(whole.cost))
    page.print(
        f"{counted(whole.seeds, 'seed')}, at the rate of the {whole.drawn:,} drawn here:"
        f" {listed(parts)}."
    )
    if out is not None:
        page.print(
            "Next: `evolinstruct evolve` with the same options and"
            f" {command('-o', out)} makes it whole and pays for nothing twice."
        )
