"""`evolinstruct select`: take the best instructions of a run or a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from evolinstruct import defaults
from evolinstruct.cli.options import FILTERS, AsJson, Quiet, Verbose, takes, word
from evolinstruct.cli.reporting import reported

_KEPT_FILTERS = {name: option for name, option in FILTERS.items() if name != "rule"}
_WHERE = "Where scores and embeddings are"

_Target = Annotated[
    Path,
    typer.Argument(
        metavar="RUN_DIR|FILE", show_default=False, help="A run, or any file of instructions."
    ),
]
_Count = Annotated[str, typer.Option("-n", metavar="N", help="How many to take.")]
_Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")]
_By = Annotated[
    str,
    typer.Option(
        metavar="EXPRESSION",
        help="What makes one better: measures, numbers, + - * /, brackets, min(), max(); words is"
        " the length.",
    ),
]
_Apart = Annotated[
    float | None,
    word(
        "Pass over what is more alike than this (cosine, such as 0.9) to something better that is"
        " taken.",
        "X",
    ),
]
_Diverse = Annotated[
    str | None,
    word(
        "Spread over all of them: k-centre begins with the best and goes on so that each has one"
        " nearby; facility takes those that stand for all (facility location).",
        "HOW",
    ),
]
_Balance = Annotated[
    str | None,
    word(
        "Take alike of each band of difficulty, or of each skill (the tags); or by shares, as"
        " difficulty=1-4:40,5-7:35,8-10:25.",
        "BY",
    ),
]
_HoldOut = Annotated[
    list[Path] | None,
    word(
        "Take nothing of the families in this run, file or export, as for a test set. May be"
        " repeated.",
        "PATH",
        "--hold-out",
    ),
]
_Seed = Annotated[str, typer.Option(metavar="N", help="What decides between equals.")]
_Scores = Annotated[
    Path | None,
    word("The scores, or their folder (default: beside the instructions).", "PATH", panel=_WHERE),
]
_Embeddings = Annotated[
    Path | None,
    word(
        "The folder that `evolinstruct diversity` keeps embeddings in (default: the run's).",
        "DIR",
        panel=_WHERE,
    ),
]


@takes(_KEPT_FILTERS, "filters")
def command(
    target: _Target,
    count: _Count,
    out: _Out,
    by: _By = defaults.SELECTED_BY,
    apart: _Apart = None,
    diverse: _Diverse = None,
    balance: _Balance = None,
    hold_out: _HoldOut = None,
    seed: _Seed = str(defaults.SEED),
    scores: _Scores = None,
    embeddings: _Embeddings = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    filters: Mapping[str, Any] = {},
) -> None:
    """Take the best instructions of a run or a file, by their scores, and no two alike.

    Each line of the file says why it was taken; what was passed over is counted by reason. Nothing
    is asked of a model: `evolinstruct score` and `evolinstruct diversity` come first.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        from evolinstruct import selection  # noqa: PLC0415 - slow
        from evolinstruct.console.select import told  # noqa: PLC0415 - slow
        from evolinstruct.filters import whole_number  # noqa: PLC0415 - slow

        wish = selection.Wish(
            target,
            whole_number("-n", count, 1) or 0,
            by,
            filters,
            scores,
            apart,
            diverse,
            balance,
            tuple(hold_out or ()),
            embeddings,
            whole_number("--seed", seed) or 0,
        )
        found = selection.select(wish, report.console.say, out)
        report.facts = {"file": str(out), **found.to_json()}
        for sentence in told(found, out):
            report.console.say(sentence)
