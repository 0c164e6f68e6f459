"""`evolinstruct view`: show runs in a browser, while they go on and afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evolinstruct.cli.options import Verbose
from evolinstruct.cli.reporting import reported

_PORT = 8765
_RunDirs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="RUN_DIR...",
        show_default=False,
        help="Runs, or directories that `evolinstruct judge` wrote; those in the current directory"
        " if none is named.",
    ),
]
_Host = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Where to listen. Beyond this machine it needs a password, in the variable"
        " EVOLINSTRUCT_VIEW_PASSWORD.",
    ),
]
_Port = Annotated[
    int, typer.Option(metavar="N", min=0, max=65535, help="At which port; 0 for any that is free.")
]


def command(
    run_dirs: _RunDirs = None, host: _Host = "127.0.0.1", port: _Port = _PORT, verbose: Verbose = 0
) -> None:
    """Show runs in a browser: how one that is going on goes, every line, what people decide.

    The address that is printed lets one browser in, on this machine. Nothing is asked of a model,
    and a run that is going on is neither locked nor slowed. Ctrl-C ends it.
    """
    with reported(verbose=verbose) as report:
        from evolinstruct.installation import import_extra  # noqa: PLC0415 - slow

        for module in ("starlette", "uvicorn"):
            import_extra(module, "view", "`evolinstruct view`")
        from evolinstruct import environment, web  # noqa: PLC0415 - needs an extra

        paths = run_dirs or web.shown_in(Path())
        web.serve(paths, host, port, environment.variable(web.PASSWORD) or None, report.console.say)
