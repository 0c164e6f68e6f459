"""`evolinstruct seeds`: what would be read of seed files."""

from __future__ import annotations

from typing import Annotated

import typer

from evolinstruct.cli.options import Sources, Verbose, switch
from evolinstruct.cli.reporting import reported

_Field = Annotated[
    str | None,
    typer.Option(metavar="KEY", show_default=False, help="The key of the instruction."),
]
_Map = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PART=KEY",
        show_default=False,
        help="The keys of several parts, as instruction=question,input=context,output=answer.",
    ),
]
_AsJson = Annotated[bool, switch("--json", about="Print one JSON object on stdout.")]


def command(
    sources: Sources,
    field: _Field = None,
    map: _Map = None,  # noqa: A002 - the name of the flag
    as_json: _AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Show what would be read of seed files: shapes, fields, counts, lengths, every problem.

    Nothing is written. Ends with 1 if a row cannot be read.
    """
    with reported(verbose=verbose, as_json=as_json) as report:
        from evolinstruct.seeds.summary import summarize_seeds  # noqa: PLC0415 - slow
        from evolinstruct.settings import seed_fields  # noqa: PLC0415 - slow

        summary = summarize_seeds(sources, seed_fields(field, map))
        report.facts = summary.to_json()
        report.exit_code = 1 if summary.bad or not summary.seeds else 0
        if not as_json:
            from evolinstruct.console.page import Page  # noqa: PLC0415 - slow
            from evolinstruct.console.seeds import show  # noqa: PLC0415 - slow

            show(Page(), summary)
