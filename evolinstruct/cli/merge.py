"""`evolinstruct merge`: take the files of shards into the journal of their run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolinstruct.cli.options import AsJson, Quiet, Verbose
from evolinstruct.cli.reporting import Report, reported

if TYPE_CHECKING:
    from evolinstruct.run.merging import MergedShard

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
        from evolinstruct.console.shards import show_missing  # noqa: PLC0415 - slow
        from evolinstruct.run import merging  # noqa: PLC0415 - slow

        shards = take_in(report, run, files)
        missing = merging.missing(run)
        unfinished = not all(shard.is_done for shard in shards)
        show_missing(report.console, missing, unfinished=unfinished)
        report.facts = {
            "shards": [shard.to_json() for shard in shards],
            "missing": [*map(str, missing)],
        }


def take_in(report: Report, run: Path, files: Sequence[Path]) -> list[MergedShard]:
    """Merge files, and show what each one brought."""
    from evolinstruct.console.shards import show_merged  # noqa: PLC0415 - slow
    from evolinstruct.run import merging  # noqa: PLC0415 - slow

    shards = []
    for shard in merging.merge(run, files):
        show_merged(report.console, shard)
        shards.append(shard)
    return shards
