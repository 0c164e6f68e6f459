"""`evolinstruct show`: read the instructions of a run, or of a file of it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from evolinstruct import defaults
from evolinstruct.cli.options import Verbose, switch, takes_filters
from evolinstruct.cli.reporting import reported

_Source = Annotated[
    Path, typer.Argument(metavar="RUN_DIR|FILE", help="A run, or one of its JSONL files.")
]
_Rejected = Annotated[bool, switch("--rejected", about="Show what rules eliminated, and why.")]
_Failed = Annotated[bool, switch("--failed", about="Show what got no answer from the service.")]
_Full = Annotated[bool, switch("--full", about="Show texts whole.")]
_AsJson = Annotated[bool, switch("--json", about="Print all lines as they stand in the files.")]
_Limit = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        show_default=False,
        help=f"Show at most this many; 0 for all (default {defaults.SHOWN}, with --json all).",
    ),
]
_Sample = Annotated[
    str | None,
    typer.Option(metavar="N", show_default=False, help="Choose this many, drawn by --seed."),
]
_Seed = Annotated[str, typer.Option(metavar="N", help="What a sample is drawn by.")]
_Sort = Annotated[
    str | None,
    typer.Option(
        metavar="MEASURE",
        show_default=False,
        help="Sort by a score such as difficulty, the highest first; by -difficulty, the lowest.",
    ),
]


@takes_filters
def command(
    source: _Source,
    rejected: _Rejected = False,
    failed: _Failed = False,
    sample: _Sample = None,
    seed: _Seed = str(defaults.SEED),
    sort: _Sort = None,
    limit: _Limit = None,
    full: _Full = False,
    as_json: _AsJson = False,
    verbose: Verbose = 0,
    filters: Mapping[str, Any] = {},
) -> None:
    """Print what a run made: its seeds and kept instructions, or what was rejected or failed.

    The run may still be going on.
    """
    with reported(verbose=verbose) as report:
        from evolinstruct.analysis.browsing import LineBrowser  # noqa: PLC0415 - slow
        from evolinstruct.console.page import Page  # noqa: PLC0415 - slow
        from evolinstruct.console.show import show_lines  # noqa: PLC0415 - slow
        from evolinstruct.filters import whole_number  # noqa: PLC0415 - slow

        drawn = whole_number("--sample", sample, 1)
        browse = LineBrowser(
            source,
            filters,
            rejected=rejected,
            failed=failed,
            sample=drawn,
            seed=whole_number("--seed", seed) or 0,
            sort=sort,
        )
        most = whole_number("--limit", limit)
        if as_json:
            for entry in islice(browse.entries(), most or None):
                typer.echo(entry.raw, nl=False)
        else:
            most = (defaults.SHOWN if drawn is None else 0) if most is None else most
            said = show_lines(Page(), browse.entries(), browse.scores, most, whole=full)
            report.console.say(said)
        for notice in browse.notices:
            report.console.say(notice)
