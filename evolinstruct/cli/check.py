"""`evolinstruct check`: one tiny call to each model in use, before a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evolinstruct.cli.options import AsJson, Quiet, Verbose, read_settings, takes_settings
from evolinstruct.cli.reporting import reported


@takes_settings
def command(
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Ask each model in use for one word, and say what a run can count on.

    Takes the options of evolve, without SEEDS and -o, and the same variables of the environment.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        from evolinstruct import connection_check  # noqa: PLC0415 - slow
        from evolinstruct.console.check import show_results  # noqa: PLC0415 - slow

        results = connection_check.check_connections(read_settings(flags))
        show_results(report.console, results)
        report.exit_code = int(any(result.problem for result in results))
        report.facts = {
            "exit_code": report.exit_code,
            "endpoints": [result.to_json() for result in results],
        }
