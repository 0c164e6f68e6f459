"""`evolinstruct refilter`: a run under other rules, without a call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolinstruct.cli.listing import listed, outside
from evolinstruct.cli.options import SETTINGS, Verbose, rules_from, switch, takes
from evolinstruct.cli.reporting import reported
from evolinstruct.errors import InputError

if TYPE_CHECKING:
    from evolinstruct.analysis.refilter import Refiltered
    from evolinstruct.analysis.runs import Run
    from evolinstruct.contamination import Items
    from evolinstruct.settings import Recipe

_OPTIONS = ("rule", "no_rule", "against", "strict", "eliminate", "compare", "recipe")

_Source = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run.")]
_Write = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="Write the run's data set without the lines that would be dropped.",
    ),
]
_Lines = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", show_default=False, help="Write each line that changes: id, rule, evidence."
    ),
]
_Cascade = Annotated[
    bool, switch("--cascade", about="Drop the descendants of a dropped line with it.")
]
_AsJson = Annotated[bool, switch("--json", about="Print the counts as one JSON object on stdout.")]


@takes({name: SETTINGS[name] for name in _OPTIONS}, "flags")
def command(
    source: _Source,
    write: _Write = None,
    lines: _Lines = None,
    cascade: _Cascade = False,
    as_json: _AsJson = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Say what other rules would drop of a run, and what they would let through; no call is made.

    The rules are those of the run, changed by the options. What follows from a line that is let
    through takes calls: `evolve --update` with the same options says how many, and makes them.
    """
    with reported(verbose=verbose, as_json=as_json) as report:
        from evolinstruct import elimination  # noqa: PLC0415 - slow
        from evolinstruct.analysis.refilter import Refilter, refilter  # noqa: PLC0415 - slow
        from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow

        run = Run(source)
        recipe = _changed(run.state.recipe, flags)
        rules = elimination.choose(
            recipe.rules, eliminate=recipe.eliminate, test_items=_against(recipe, flags)
        )
        refiltering = Refilter(run, rules, compare=recipe.compare, cascade=cascade)
        thin = None if write is None else (_dataset(run), outside(write))
        with listed(lines) as on_change:
            found = refilter(refiltering, on_change, thin)
        report.facts = found.to_json()
        if not as_json:
            _tell(found, write)


def _changed(recipe: Recipe, flags: Mapping[str, Any]) -> Recipe:
    """Lay the options over the run's own recipe."""
    from evolinstruct import settings as recipes  # noqa: PLC0415 - slow

    names = ("rules", "against", "eliminate", "compare")
    own = {name: getattr(recipe, name) for name in names}
    if "recipe" in flags:
        file = recipes.read_file(Path(flags["recipe"])).values
        own |= {name: file[name] for name in names if name in file}
    given = {name: flags[name] for name in names if name in flags}
    if rules := rules_from(flags):
        given["rules"] = rules
    layers = recipes.Layer(given), recipes.Layer(own)
    return recipes.resolve(*layers).recipe


def _against(recipe: Recipe, flags: Mapping[str, Any]) -> Items | None:
    """Read the test sets: those that are named, or else those of the run itself."""
    from evolinstruct.seeds.items import read_items  # noqa: PLC0415 - slow

    try:
        return read_items(recipe.against) if recipe.against else None
    except InputError as error:
        if "against" in flags:
            raise
        raise InputError(
            f"The run was held against test sets, which are needed here too; {error}"
        ) from error


def _dataset(run: Run) -> Path:
    return run.path / "dataset.jsonl"


def _tell(found: Refiltered, written: Path | None) -> None:
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


def _tell_rules(found: Refiltered, fate: Any, counts: Mapping[str, int]) -> None:
    for rule, count in sorted(counts.items(), key=lambda item: -item[1]):
        typer.echo(f"  {rule:<22}{count:>8,}")
        for change in found.examples[fate, rule]:
            evidence = " ".join(change.evidence.split())[:90]
            typer.echo(f"    {change.line.id}  generation {change.line.generation}: {evidence}")
