"""`evolinstruct review`: what people decided about a run, and tasks for other tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from evolinstruct import defaults
from evolinstruct.cli.options import FILTERS, AsJson, Quiet, Verbose, takes, word
from evolinstruct.cli.reporting import Report, reported
from evolinstruct.errors import UsageError

_KEPT_FILTERS = {name: option for name, option in FILTERS.items() if name != "rule"}
_ELSEWHERE = "Reviewing in another tool"

_RunDir = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run, finished or not.")]
_Export = Annotated[
    tuple[str, Path] | None,
    word("Write what was kept as tasks for argilla or labelstudio.", "TOOL FILE", panel=_ELSEWHERE),
]
_Import = Annotated[
    Path | None,
    word(
        "Bring in what people said in such a tool, as it exports it.",
        "FILE",
        "--import",
        panel=_ELSEWHERE,
    ),
]
_As = Annotated[
    str | None,
    word("Whose decisions these are: they go to reviews/NAME.jsonl.", "NAME", "--as"),
]
_User = Annotated[
    str | None,
    word("Whose responses, where the tool has those of several.", "USER", panel=_ELSEWHERE),
]
_Sample = Annotated[str | None, word("Export this many, drawn by --seed.", "N", panel=_ELSEWHERE)]
_Seed = Annotated[
    str, typer.Option(metavar="N", help="What it is drawn by.", rich_help_panel=_ELSEWHERE)
]


@takes(_KEPT_FILTERS, "filters")
def command(
    run_dir: _RunDir,
    export: _Export = None,
    bring: _Import = None,
    name: _As = None,
    user: _User = None,
    sample: _Sample = None,
    seed: _Seed = str(defaults.SEED),
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    filters: Mapping[str, Any] = {},
) -> None:
    """Show what people decided about a run: how far they are, how they agree, where they differ.

    They decide in `evolinstruct view`, or in another tool, which --export and --import serve.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        if export is not None and bring is not None:
            raise UsageError("--export and --import are two commands; leave one of them out.")
        if (bring is None) != (name is None):
            raise UsageError("--import FILE and --as NAME go together; add the other one.")
        if export is not None:
            _export(report, run_dir, export, filters, (sample, seed))
        elif bring is not None:
            _import(report, run_dir, bring, name or "", user)
        else:
            _show(report, run_dir)


def _show(report: Report, run_dir: Path) -> None:
    from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow
    from evolinstruct.console.review import show  # noqa: PLC0415 - slow

    run = Run(run_dir)
    survey = run.survey()
    report.facts = survey.to_json()
    show(report.console, run, survey)


def _export(
    report: Report,
    run_dir: Path,
    export: tuple[str, Path],
    filters: Mapping[str, Any],
    drawn: tuple[str | None, str],
) -> None:
    from evolinstruct import annotation  # noqa: PLC0415 - slow
    from evolinstruct.analysis.browsing import LineBrowser  # noqa: PLC0415 - slow
    from evolinstruct.filters import whole_number  # noqa: PLC0415 - slow
    from evolinstruct.run_dir.directory import outside  # noqa: PLC0415 - slow
    from evolinstruct.text import counted  # noqa: PLC0415 - slow

    (tool, out), (sample, seed) = export, drawn
    size = whole_number("--sample", sample, 1)
    browser = LineBrowser(
        run_dir, filters, sample=size, seed=whole_number("--seed", seed) or 0, evolved=True
    )
    written = annotation.write_tasks(run_dir, browser, tool, outside(out))
    report.facts = {"file": str(out), "tasks": written}
    report.console.say(f"{counted(written, 'task')} for {tool}: {out}")


def _import(report: Report, run_dir: Path, file: Path, name: str, user: str | None) -> None:
    from evolinstruct import annotation  # noqa: PLC0415 - slow
    from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow
    from evolinstruct.console.review import told  # noqa: PLC0415 - slow

    run = Run(run_dir)
    counts = annotation.bring_in(run, name, annotation.read_responses(file, user))
    report.facts = {"file": str(file), **counts}
    report.console.say(told(counts, name))
