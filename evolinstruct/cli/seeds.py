"""`evolinstruct seeds`: look at seed files before a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from evolinstruct.cli.options import OPTIONS, Sources, Verbose, switch, takes
from evolinstruct.cli.reporting import reported

_AsJson = Annotated[bool, switch("--json", about="Print one JSON object on stdout.")]


@takes({name: OPTIONS[name] for name in ("map", "field")}, "keys")
def command(
    sources: Sources,
    as_json: _AsJson = False,
    verbose: Verbose = 0,
    keys: Mapping[str, Any] = {},
) -> None:
    """Show what a run would read of seed files: shapes, fields, counts, lengths, every problem.

    Nothing is written. Ends with 1 if a row cannot be read.
    """
    with reported(verbose=verbose, as_json=as_json) as report:
        from evolinstruct.seeds.summary import summarize_seeds  # noqa: PLC0415 - slow
        from evolinstruct.settings import read_map  # noqa: PLC0415 - slow

        summary = summarize_seeds(sources, read_map(keys))
        report.facts = summary.to_json()
        report.exit_code = 1 if summary.bad or not summary.seeds else 0
        if not as_json:
            from evolinstruct.console.page import Page  # noqa: PLC0415 - slow
            from evolinstruct.console.seeds import show  # noqa: PLC0415 - slow

            show(Page(), summary)
