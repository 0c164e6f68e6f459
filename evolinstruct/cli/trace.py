"""`evolinstruct trace`: print the family of an instruction."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from evolinstruct.cli.options import Verbose, switch
from evolinstruct.cli.reporting import reported

_RunDir = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The id of any line, or its beginning.")]
_Calls = Annotated[
    bool,
    switch(
        "--calls",
        about="Show the prompts and the replies as they came: of this line, or, for a seed, of all"
        " its family.",
    ),
]


def command(run_dir: _RunDir, line_id: _Id, calls: _Calls = False, verbose: Verbose = 0) -> None:
    """Print the family of an instruction: from its seed through every generation.

    Added and removed words are coloured, or marked {+so+} and [-so-] where there is no colour.
    """
    with reported(verbose=verbose) as report, ExitStack() as stack:
        from evolinstruct.analysis.replay import replaying  # noqa: PLC0415 - slow
        from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow
        from evolinstruct.analysis.scores import ScoreBook  # noqa: PLC0415 - slow
        from evolinstruct.console.page import Page  # noqa: PLC0415 - slow
        from evolinstruct.console.trace import show_family  # noqa: PLC0415 - slow

        run = Run(run_dir)
        meant = run.find(line_id)
        family = run.family(meant)
        calls_of = stack.enter_context(replaying(run)).around(meant) if calls else None
        show_family(Page(), family, ScoreBook.open(run_dir), meant=meant, calls_of=calls_of)
        for notice in run.notices:
            report.console.say(notice)
