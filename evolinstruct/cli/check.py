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

        findings = connection_check.check(read_settings(flags))
        report.console.findings(findings)
        report.exit_code = int(any(finding.problem for finding in findings))
        report.facts = {
            "exit_code": report.exit_code,
            "endpoints": [finding.to_json() for finding in findings],
        }
