"""`review` on the terminal: how far reviewers are, how they agree, where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from evolinstruct.run_dir.reviews import ACCEPTED, EDITED, REJECTED
from evolinstruct.text import command, counted, decimal, listed, one_line, percent

if TYPE_CHECKING:
    from evolinstruct.analysis.runs import Run
    from evolinstruct.console import Console
    from evolinstruct.run_dir.reviews import Survey

_SHOWN = 10


def show(console: Console, run: Run, survey: Survey) -> None:
    """Print what people decided about a run."""
    if not survey.names and not survey.of_rules:
        line = command("evolinstruct", "view", run.path)
        console.say(f"Nobody has decided about a line of {run.path} yet; begin with `{line}`.")
        return
    console.show(Text(), _table(run, survey))
    for sentence in _told(survey):
        console.say(sentence)
    if survey.agreed[REJECTED] or survey.agreed[EDITED]:
        console.say("Next: the run's `evolve` command with --reviews --update.")


def _table(run: Run, survey: Survey) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("reviewer", overflow="fold")
    for name in (ACCEPTED, REJECTED, EDITED, "void", "reviewed"):
        table.add_column(name, justify="right", no_wrap=True)
    kept = sum(counts.kept for counts in run.state.all_counts if counts.generation)
    for name in survey.names:
        said: Mapping[str, int] = survey.by_reviewer.get(name, {})
        decided = [said.get(each, 0) for each in (ACCEPTED, REJECTED, EDITED)]
        counts = [*decided, survey.void[name]]
        share = f"{sum(decided):,} of {kept:,}"
        table.add_row(one_line(name), *(f"{count:,}" for count in counts), share)
    return table


def _told(survey: Survey) -> Iterator[str]:
    """Yield sentences on agreement, conflicts and what is void."""
    for (one, other), agreed in survey.agreements():
        yield (
            f"{one_line(one)} and {one_line(other)} say the same of {percent(agreed.same)} of"
            f" {counted(agreed.things, 'line')} (Cohen's kappa {decimal(agreed.kappa)})."
        )
    if survey.conflicts:
        yield f"They differ about {counted(len(survey.conflicts), 'line')}, where nothing applies:"
    for line_id, decisions in [*survey.conflicts.items()][:_SHOWN]:
        said = [f"{one_line(name)} {each.decision}" for name, each in decisions.items()]
        yield f"    {line_id}  {listed(said)}"
    if len(survey.conflicts) > _SHOWN:
        yield f"    and {len(survey.conflicts) - _SHOWN:,} more, which --json lists."
    for rule, opinions in sorted(survey.of_rules.items()):
        wrong, whole = opinions[ACCEPTED] + opinions[EDITED], opinions.total()
        yield f"Of {counted(whole, 'line')} that {rule} dropped, people would keep {wrong:,}."
    if survey.void:
        yield (
            "Void are decisions about seeds, and about other texts than those in their places now."
        )


def told(counts: Mapping[str, int], name: str) -> str:
    """Say what was brought in."""
    return (
        f"{counted(counts['added'], 'decision')} added to reviews/{name}.jsonl;"
        f" {counts['known']:,} known already, {counts['elsewhere']:,} about lines that are not in"
        " the run."
    )
