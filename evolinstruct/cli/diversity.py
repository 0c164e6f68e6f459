"""`evolinstruct diversity`: say how unlike each other the instructions of runs are in meaning."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolinstruct import defaults
from evolinstruct.cli.interrupts import interruptible
from evolinstruct.cli.options import OPTIONS, Quiet, Verbose, read_settings, switch, takes
from evolinstruct.cli.reporting import Report, reported
from evolinstruct.errors import UsageError
from evolinstruct.settings import flag_of

if TYPE_CHECKING:
    from evolinstruct.analysis.diversity import MakeEmbedder, SurveyJob
    from evolinstruct.diversity.survey import Options

_Sources = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN_DIR", help="A run, or any file of instructions; several to compare."
    ),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        show_default=False,
        help="The folder that keeps the embeddings; for a run, unless given, its folder diversity.",
    ),
]
_Embed = Annotated[
    str,
    typer.Option(
        metavar="MODEL",
        help="What embeds: local, the model that the extra brings; or a model of the service that"
        " the options below name.",
    ),
]
_Sample = Annotated[
    str, typer.Option(metavar="N", help="Compare at most N texts of each group with each other.")
]
_Clusters = Annotated[str, typer.Option(metavar="N", help="How many clusters to look for.")]
_Near = Annotated[
    str, typer.Option(metavar="X", help="Two texts more alike than this (cosine) are a near pair.")
]
_Seed = Annotated[str, typer.Option(metavar="N", help="What samples and clusters are drawn by.")]
_AsJson = Annotated[bool, switch("--json", about="Print one JSON object on stdout.")]
_AsCsv = Annotated[
    bool, switch("--csv", about="Print a row for each run or file, generation and operation.")
]
_DryRun = Annotated[bool, switch("--dry-run", about="Say what it would take; make no call.")]

_OF_SERVICES = {
    name: OPTIONS[name]
    for name in (
        *("client", "provider", "base_url", "api_key_env", "profile", "param", "concurrency"),
        *("max_concurrency", "rpm", "tpm", "timeout", "max_reply_mb", "max_wait"),
        "allow_failures",
        *("max_calls", "max_tokens_total", "max_cost", "price_in"),
    )
}
"""The options that say which service embeds, and how it is asked."""


@takes(_OF_SERVICES, "flags")
def command(
    sources: _Sources,
    out: _Out = None,
    embed: _Embed = defaults.LOCAL,
    sample: _Sample = str(defaults.COMPARED_SAMPLE),
    clusters: _Clusters = str(defaults.CLUSTERS),
    near: _Near = str(defaults.NEAR),
    seed: _Seed = str(defaults.SEED),
    as_json: _AsJson = False,
    as_csv: _AsCsv = False,
    dry_run: _DryRun = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Say how unlike each other instructions are in meaning, by generation and operation.

    Each instruction is embedded once, on this machine or by a service; the vectors are kept, and
    the same command goes on where it was stopped. Several runs or files stand side by side.
    docs/diversity.md explains each figure.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        if as_json and as_csv:
            raise UsageError("--json and --csv cannot both be given; name one of them.")
        from evolinstruct import diversity  # noqa: PLC0415 - slow

        diversity.require()
        from evolinstruct.analysis.diversity import prepare  # noqa: PLC0415 - slow
        from evolinstruct.diversity.survey import Options  # noqa: PLC0415 - slow
        from evolinstruct.filters import whole_number  # noqa: PLC0415 - slow

        options = Options(
            sample=whole_number("--sample", sample, 2) or 0,
            seed=whole_number("--seed", seed) or 0,
            near=_share("--near", near),
            clusters=whole_number("--clusters", clusters, 1) or 0,
        )
        console = report.console
        job = prepare(sources, out, _embedders(embed, flags, console.say), console.warn)
        if dry_run:
            _tell(job, report)
        else:
            _embed(job, report)
            report.exit_code = job.exit_code
            _show(job, options, report, as_json=as_json, as_csv=as_csv)


def _tell(job: SurveyJob, report: Report) -> None:
    from evolinstruct.console.diversity import show_expected  # noqa: PLC0415 - slow

    expected = job.expected()
    show_expected(report.console, expected)
    report.facts = {"expected": [each.to_json() for each in expected]}


def _embed(job: SurveyJob, report: Report) -> None:
    from evolinstruct.console.diversity import show_embedding  # noqa: PLC0415 - slow

    interruptible(report, job.interrupt, lambda: show_embedding(report.console, job.events()))


def _show(job: SurveyJob, options: Options, report: Report, *, as_json: bool, as_csv: bool) -> None:
    found = job.survey(options)
    if as_json:
        report.facts = found.to_json()
    elif as_csv:
        csv.writer(sys.stdout).writerows(found.rows())
    else:
        from evolinstruct.console.diversity import show  # noqa: PLC0415 - slow
        from evolinstruct.console.page import Page  # noqa: PLC0415 - slow

        show(Page(), found)


def _embedders(model: str, flags: Mapping[str, Any], say: Callable[[str], None]) -> MakeEmbedder:
    """Return what makes the embedder of a folder.

    Raises:
        UsageError: a flag about a service is wrong, or given without a model of one.
    """
    if model == defaults.LOCAL:
        if flags:
            raise UsageError(
                f"{flag_of(next(iter(flags)))} is about a service; name its model with --embed."
            )
        from evolinstruct.embedding import LocalEmbedder  # noqa: PLC0415 - slow

        return lambda _: LocalEmbedder()
    from evolinstruct.embedding import ServiceEmbedder, with_model  # noqa: PLC0415 - slow

    settings = with_model(read_settings(flags), model)
    return lambda folder: ServiceEmbedder(settings, folder, say)


def _share(flag: str, word: str) -> float:
    """Return a share as a number.

    Raises:
        UsageError: it is not a number from 0 to 1.
    """
    try:
        share = float(word)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"{flag} must be a number from 0 to 1 (given: {word}).")
    return share
