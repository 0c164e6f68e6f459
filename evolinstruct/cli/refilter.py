"""`evolinstruct refilter`: apply other rules to a run, without a call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolinstruct.cli.options import OPTIONS, Verbose, read_rules, switch, takes, word
from evolinstruct.cli.reporting import json_list, reported
from evolinstruct.errors import InputError

if TYPE_CHECKING:
    from evolinstruct.analysis.refilter import RefilterResult
    from evolinstruct.analysis.runs import Run
    from evolinstruct.contamination import Items
    from evolinstruct.settings import Recipe

_OF_RULES = ("rules", "no_rules", "against", "strict", "eliminate", "compare", "recipe")

_Source = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run.")]
_Write = Annotated[
    Path | None,
    word("Write the run's data set without the lines that would be dropped.", "FILE"),
]
_Lines = Annotated[Path | None, word("Write each line that changes: id, rule, evidence.", "FILE")]
_Cascade = Annotated[
    bool, switch("--cascade", about="Also drop the descendants of a dropped line.")
]
_AsJson = Annotated[bool, switch("--json", about="Print the counts as one JSON object on stdout.")]


@takes({name: OPTIONS[name] for name in _OF_RULES}, "flags")
def command(
    source: _Source,
    write: _Write = None,
    lines: _Lines = None,
    cascade: _Cascade = False,
    as_json: _AsJson = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Say what other rules would drop of a run and what they would keep; no call is made.

    The rules are those of the run, changed by the options. To evolve the lines that would be kept
    takes calls: `evolve --update` with the same options says how many, and makes them.
    """
    with reported(verbose=verbose, as_json=as_json) as report:
        from evolinstruct import elimination  # noqa: PLC0415 - slow
        from evolinstruct.analysis.refilter import Refilter, refilter  # noqa: PLC0415 - slow
        from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow
        from evolinstruct.run_dir.directory import outside  # noqa: PLC0415 - slow

        run = Run(source)
        recipe = _changed(run.state.recipe, flags)
        rules = elimination.choose(
            recipe.rules, eliminate=recipe.eliminate, test_items=_against(recipe, flags)
        )
        refiltering = Refilter(run, rules, compare=recipe.compare, cascade=cascade)
        thin = None if write is None else (_dataset(run), outside(write))
        with json_list(lines) as on_change:
            found = refilter(refiltering, on_change, thin)
        report.facts = found.to_json()
        if not as_json:
            _tell(found, write)


def _changed(recipe: Recipe, flags: Mapping[str, Any]) -> Recipe:
    """Return the run's own recipe with the options laid over it."""
    from evolinstruct import settings  # noqa: PLC0415 - slow

    names = ("against", "eliminate", "compare", "rules")
    own = {name: getattr(recipe, name) for name in names}
    if "recipe" in flags:
        file = settings.read_file(Path(flags["recipe"])).values
        own |= {name: file[name] for name in names if name in file}
    given = {name: flags[name] for name in names[:-1] if name in flags}
    if rules := read_rules(flags):
        given["rules"] = rules
    return settings.resolve(settings.Layer(given), settings.Layer(own)).recipe


def _against(recipe: Recipe, flags: Mapping[str, Any]) -> Items | None:
    """Read the test sets: those that are named, or else those of the run itself."""
    from evolinstruct.seeds.test_items import read_test_items  # noqa: PLC0415 - slow

    try:
        return read_test_items(recipe.against) if recipe.against else None
    except InputError as error:
        if "against" in flags:
            raise
        raise InputError(
            f"The run was held against test sets, which are needed here too; {error}"
        ) from error


def _dataset(run: Run) -> Path:
    return run.path / "dataset.jsonl"


def _tell(found: RefilterResult, written: Path | None) -> None:
    dropped, let_through = found.dropped.total(), found.let_through.total()
    typer.echo(f"Of {found.kept:,} kept lines, {dropped:,} would be dropped.")
    _tell_rules(found, "dropped", found.dropped)
    typer.echo(
        f"Of {found.rejected:,} rejected lines, {let_through:,} would be let through;"
        f" {found.unanswered:,} of them lack an answer."
    )
    _tell_rules(found, "let_through", found.let_through)
    if found.unjudged:
        typer.echo(f"{found.unjudged.total():,} lines could not be judged:")
        _tell_rules(found, "unjudged", found.unjudged)
    if written is not None:
        typer.echo(f"{written}: {found.written:,} lines.")


def _tell_rules(found: RefilterResult, outcome: Any, counts: Mapping[str, int]) -> None:
    for rule, count in sorted(counts.items(), key=lambda item: -item[1]):
        typer.echo(f"  {rule:<22}{count:>8,}")
        for change in found.examples[outcome, rule]:
            evidence = " ".join(change.evidence.split())[:90]
            typer.echo(f"    {change.line.id}  generation {change.line.generation}: {evidence}")
