"""`evolinstruct merge`: take the files of shards into the journal of their run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evolinstruct.cli.options import AsJson, Quiet, Verbose
from evolinstruct.cli.reporting import reported

_Run = Annotated[
    Path, typer.Argument(metavar="RUN_DIR", show_default=False, help="The run of the shards.")
]
_Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILES", show_default=False, help="What `evolinstruct work` made, in any order."
    ),
]


def command(
    run: _Run,
    files: _Files,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Take the files of shards into the journal of their run, where evolve finds their replies.

    A reply wins over a failure, what the run has over a shard's, a lower shard's over a higher
    one's. It can be repeated, also with files that have grown: what was spent is counted once.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        from evolinstruct.console.shards import show_merged, show_missing  # noqa: PLC0415 - slow
        from evolinstruct.run import merging  # noqa: PLC0415 - slow

        merged = []
        for shard in merging.merge(run, files):
            show_merged(report.console, shard)
            merged.append(shard)
        missing = merging.missing(run)
        unfinished = not all(shard.is_done for shard in merged)
        show_missing(report.console, missing, unfinished=unfinished)
        report.facts = {
            "shards": [shard.to_json() for shard in merged],
            "missing": [*map(str, missing)],
        }
