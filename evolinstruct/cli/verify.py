"""`evolinstruct verify`: run the checkers of constraints over answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evolinstruct.cli.options import Verbose, switch
from evolinstruct.cli.reporting import json_list, reported

_File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="JSON lines with constraints (or checks) and an answer: an export of the format rlvr"
        " with completions added, or a generation file of a run.",
    ),
]
_Answer = Annotated[
    str | None,
    typer.Option(
        "--answer",
        metavar="FIELD",
        show_default=False,
        help="The field of the answer; otherwise completion, response, output, answer or"
        " generation.",
    ),
]
_Lines = Annotated[
    Path | None,
    typer.Option(
        "--lines",
        metavar="FILE",
        show_default=False,
        help="Write for each answer: row, id, whether it holds, what is wrong by constraint.",
    ),
]
_Fail = Annotated[bool, switch("--fail", about="Exit with 1 if any constraint is not met.")]
_AsJson = Annotated[bool, switch("--json", about="Print one JSON object on stdout.")]


def command(
    file: _File,
    answer: _Answer = None,
    lines: _Lines = None,
    fail: _Fail = False,
    as_json: _AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Say which constraints answers meet, verified by code; no call is made."""
    with reported(verbose=verbose, as_json=as_json) as report:
        from evolinstruct.analysis.verification import verify_file  # noqa: PLC0415 - slow

        with json_list(lines, [file]) as on_answer:
            found = verify_file(file, on_answer, answer)
        report.facts = {"file": str(file), **found.to_json()}
        report.exit_code = int(fail and found.whole < found.answers)
        if not as_json:
            from evolinstruct.console.page import Page  # noqa: PLC0415 - slow
            from evolinstruct.console.verify import show  # noqa: PLC0415 - slow

            show(Page(), found)
