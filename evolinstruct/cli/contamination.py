"""`evolinstruct contamination`: look for test items in a run's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evolinstruct.cli.options import Verbose, switch
from evolinstruct.cli.reporting import json_list, reported
from evolinstruct.errors import UsageError

_Source = Annotated[
    Path, typer.Argument(metavar="RUN_DIR", help="A run, or any file of instructions.")
]
_Against = Annotated[
    list[str],
    typer.Option(
        metavar="FILE",
        help="A file of test items, in any shape that seeds have; or as KEY=FILE, where the"
        " question is in another field than the usual ones. May be repeated.",
    ),
]
_Near = Annotated[
    bool, switch("--near", about="Also look for instructions that are similar to an item.")
]
_Likeness = Annotated[
    str,
    typer.Option(
        metavar="SHARE", help="How similar, with --near: the share of word shingles in common."
    ),
]
_Answers = Annotated[bool, switch("--answers", about="Also look at answers.")]
_Lines = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="Write every line that overlaps with an item: id, item, how, the n-gram.",
    ),
]
_Fail = Annotated[bool, switch("--fail", about="Exit with 1 if any item is found.")]
_AsJson = Annotated[bool, switch("--json", about="Print one JSON object on stdout.")]


def command(
    source: _Source,
    against: _Against,
    near: _Near = False,
    likeness: _Likeness = "0.8",
    answers: _Answers = False,
    lines: _Lines = None,
    fail: _Fail = False,
    as_json: _AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Say which test items a run holds, by generation and operation; no call is made.

    A line is contaminated if it shares 13 words in a row with an item, or holds 70% of its 8-grams;
    it must equal an item of fewer than 8 words. Other shared 8-grams are weak: read some.
    """
    with reported(verbose=verbose, as_json=as_json) as report:
        alike = _share(likeness)
        from evolinstruct.analysis.contamination import Search, lines_of  # noqa: PLC0415 - slow
        from evolinstruct.seeds.test_items import paths_of_test_sets, read_test_items  # noqa: PLC0415 - slow

        notices: list[str] = []
        read = lines_of(source, notices.append)
        items = read_test_items(against)
        search = Search(items, near=alike if near else None, answers=answers)
        with json_list(lines, [source, *paths_of_test_sets(against)]) as on_finding:
            found = search.through(read, on_finding)
        report.facts = {"source": str(source), **found.to_json()}
        report.exit_code = int(fail and not found.is_clean)
        if not as_json:
            from evolinstruct.console.contamination import show  # noqa: PLC0415 - slow
            from evolinstruct.console.page import Page  # noqa: PLC0415 - slow

            show(Page(), source, found)
        for notice in notices:
            report.console.say(notice)


def _share(word: str) -> float:
    """Return a share as a number.

    Raises:
        UsageError: it is not a number from 0.1 to 1.
    """
    try:
        share = float(word)
    except ValueError:
        share = 0.0
    if not 0.1 <= share <= 1:  # noqa: PLR2004 - as the rule has it
        raise UsageError(f"--likeness must be a number from 0.1 to 1 (given: {word}).")
    return share
