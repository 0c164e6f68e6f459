"""What each operation does: its statistics, its prompt, and examples with their words marked."""

from __future__ import annotations

from collections.abc import Sequence

from evolinstruct.analysis.difficulty import Placed
from evolinstruct.analysis.families import FamilyStep
from evolinstruct.analysis.measurement import RunStatistics
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.statistics import find
from evolinstruct.filters import draw_sample
from evolinstruct.prompts import Operation
from evolinstruct.records import Kept
from evolinstruct.report.markup import Html, folded, join, tag, text
from evolinstruct.report.passages import passage, plain
from evolinstruct.report.sample import Sample, difference
from evolinstruct.text import counted
from evolinstruct.words import count_words

_EXAMPLES = 3
_SHORT = 110
"""Examples have at most so many words, unless there are only longer ones."""


def show_operations(
    runs: Sequence[Run], measured: Sequence[RunStatistics], samples: Sequence[Sample], seed: int
) -> Html:
    """Return a card for each operation, with examples of each run."""
    known = {op.name: op for run in runs for op in run.pack.operations}
    names = sorted({name for found in measured for name in found.operations} & known.keys())
    each = max(1, _EXAMPLES // len(runs))
    cards = []
    for name in names:
        parts: list[Html] = []
        for run, found, sample in zip(runs, measured, samples, strict=True):
            label = run.path.name if len(runs) > 1 else ""
            parts.append(_figures(found, name, label))
            parts += [_example(step) for step in _drawn(sample, name, each, seed)]
        cards.append(_card(known[name], parts))
    return tag("div", *cards, class_="operations")


def show_losses(measured: Sequence[RunStatistics], samples: Sequence[Sample]) -> Html:
    """Return the rewrites that lost most difficulty, with their words marked; nothing of none."""
    drawn = {family.seed.id for sample in samples for family in sample.families}
    fell = [
        placed
        for found in measured
        if found.difficulties is not None
        for placed in found.difficulties.fell
    ]
    shown = [_loss(placed, has_family=placed.line.seed_id in drawn) for placed in fell]
    if not shown:
        return Html("")
    about = f"Of the rewrites that did not get harder, the {len(shown)} that lost most."
    title = tag("h3", text("What did not get harder"))
    return tag("section", title, tag("p", text(about), class_="kind"), *shown, class_="card")


def _loss(placed: Placed, *, has_family: bool) -> Html:
    if placed.step is None or placed.gain is None:
        return Html("")
    before, after = placed.value - placed.gain, placed.value
    about = f"generation {placed.line.generation} · {placed.line.operation} · difficulty"
    about += f" {before:z.2f} → {after:z.2f}"
    return _rewrite(placed.step, placed.line, about, has_family=has_family)


def _card(operation: Operation, parts: Sequence[Html]) -> Html:
    kind = f"{operation.kind}, with data of a drawn format" * operation.uses_format
    return tag(
        "section",
        tag("h3", tag("code", text(operation.name))),
        tag("p", text(kind or operation.kind), class_="kind"),
        *parts,
        folded("The prompt", tag("pre", text(operation.template.text), class_="prompt")),
        class_="card",
    )


def _figures(measured: RunStatistics, name: str, label: str) -> Html:
    group = measured.operations.get(name)
    if group is None:
        return tag("p", text(f"{label}: not in this run"), class_="figures")
    said = [
        f"drawn {counted(group.counts.pool, 'time')}",
        f"{find('kept_share').text(group)} kept",
    ]
    grown, tokens = find("words_added_by_any.median"), find("tokens_per_kept")
    if (words := grown.number(group)) is not None:
        said.append(f"median {words:+z,.0f} words")
    if tokens.number(group) is not None:
        said.append(f"{tokens.text(group)} {tokens.label}")
    begun = [tag("strong", text(label), dir="auto"), text(": ")] if label else []
    return tag("p", *begun, text(" · ".join(said)), class_="figures")


def _drawn(sample: Sample, operation: str, count: int, seed: int) -> list[FamilyStep]:
    """Draw kept steps of an operation, short ones first."""
    steps = [
        step
        for family in sample.families
        for step in family.steps
        if isinstance(step.line, Kept) and step.line.operation == operation
    ]
    short = [step for step in steps if _words(step) <= _SHORT]
    return draw_sample(short or steps, count, seed, lambda step: step.line.id)


def _words(step: FamilyStep) -> int:
    return count_words(step.line.instruction) if isinstance(step.line, Kept) else 0


def _example(step: FamilyStep) -> Html:
    line = step.line
    if not isinstance(line, Kept):
        return Html("")
    grown = count_words(line.instruction) - count_words(step.parent.instruction)
    about = f"generation {line.generation} · {grown:+,} words"
    if line.format:
        about += f" · {line.format}"
    return _rewrite(step, line, about, has_family=True)


def _rewrite(step: FamilyStep, line: Kept, about: str, *, has_family: bool) -> Html:
    """Return a rewrite with its words marked, what is said of it, and a link to its family."""
    parts = difference(step)
    if parts is not None:
        shown = passage(parts)
    else:
        shown = join([plain(step.parent.instruction, "text before"), plain(line.instruction)])
    family = [text(" · "), tag("a", text("its family"), href=f"#{line.id}")]
    said = tag("p", text(about), *(family if has_family else ()), class_="about")
    return tag("article", shown, said, class_="example")
