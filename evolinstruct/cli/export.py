"""`evolinstruct export`: write a run as a data set for a trainer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from evolinstruct.cli.options import FILTERS, AsJson, Quiet, Verbose, switch, takes, word
from evolinstruct.cli.reporting import reported
from evolinstruct.errors import UsageError

_KEPT_FILTERS = {name: option for name, option in FILTERS.items() if name != "rule"}
_CARD = "What the card says"
_SHARING = "Sharing"

_RunDir = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run, finished or not.")]
_Out = Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The folder to write.")]
_Format = Annotated[
    str | None,
    word(
        "alpaca, chat, prompt-completion, sharegpt or openai-finetune; dpo or dpo-plain (an answer"
        " and a worse one); rlvr (what code can verify).",
        "NAME",
        "--format",
    ),
]
_Only = Annotated[Path | None, word("Only what this file of `evolinstruct select` names.", "FILE")]
_Without = Annotated[
    Path | None,
    word(
        "Nothing of the families in this file of `evolinstruct select`, so that it can test.",
        "FILE",
    ),
]
_Reviewed = Annotated[
    str | None,
    word(
        "Only what reviewers accepted, or all but what they rejected, as they edited it: accepted"
        " or not-rejected.",
        "WHICH",
    ),
]
_Parquet = Annotated[bool, switch("--parquet", about="Write Parquet instead of JSON lines.")]
_Test = Annotated[
    float | None, word("Set this share of the families apart for testing, as 0.02.", "SHARE")
]
_System = Annotated[str | None, word("A system text for every row.", "TEXT")]
_Seeds = Annotated[
    bool,
    typer.Option("--seeds/--no-seeds", metavar="", help="Include the seeds that have an answer."),
]
_Shuffle = Annotated[
    bool,
    typer.Option(
        "--shuffle/--no-shuffle",
        metavar="",
        help="Shuffle the rows, or leave them by generation and seed.",
    ),
]
_Seed = Annotated[int | None, word("What draws are made from (default: the run's seed).", "N")]
_Shard = Annotated[
    str | None, word("Write several files of at most this size, uncompressed.", "SIZE")
]
_Trainer = Annotated[
    str | None, word("Write the configuration of trl, axolotl or llama-factory too.", "NAME")
]
_Force = Annotated[bool, switch("--force", about="Replace the files of an earlier export.")]
_Push = Annotated[
    str | None,
    word("Upload it to the Hugging Face Hub, as this data set.", "OWNER/NAME", panel=_SHARING),
]
_Private = Annotated[
    bool, switch("--private", about="Make the uploaded data set private.", panel=_SHARING)
]
_Title = Annotated[
    str | None, word("The data set's name (default: the run's).", "TEXT", panel=_CARD)
]
_License = Annotated[
    str | None, word("Its licence, as the Hub names it, such as apache-2.0.", "NAME", panel=_CARD)
]
_SeedLicense = Annotated[
    str | None, word("A note on the rights in the seeds.", "TEXT", panel=_CARD)
]
_OutputLicense = Annotated[
    str | None, word("A note on the rights in the models' texts.", "TEXT", panel=_CARD)
]


@takes(_KEPT_FILTERS, "filters")
def command(
    run_dir: _RunDir,
    out: _Out,
    format: _Format = None,  # noqa: A002 - the name of the flag
    only: _Only = None,
    without: _Without = None,
    reviewed: _Reviewed = None,
    parquet: _Parquet = False,
    test: _Test = None,
    system: _System = None,
    seeds: _Seeds = True,
    shuffle: _Shuffle = True,
    seed: _Seed = None,
    shard: _Shard = None,
    trainer: _Trainer = None,
    force: _Force = False,
    title: _Title = None,
    license: _License = None,  # noqa: A002 - the name of the flag
    seed_license: _SeedLicense = None,
    output_license: _OutputLicense = None,
    push: _Push = None,
    private: _Private = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    filters: Mapping[str, Any] = {},
) -> None:
    """Write a run as a data set for a trainer: rows in its shape, a card, checksums.

    Of an unfinished run, it writes what there is so far. Nothing leaves this machine without
    --push.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        from evolinstruct import export  # noqa: PLC0415 - slow
        from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow
        from evolinstruct.console.export import told  # noqa: PLC0415 - slow
        from evolinstruct.export import push as uploading  # noqa: PLC0415 - slow

        if format is None:
            raise UsageError(f"Name a format with --format: {', '.join(export.FORMATS)}.")
        options = export.ExportOptions(
            format=format,
            filters=filters,
            only=only,
            without=without,
            reviewed=reviewed,
            parquet=parquet,
            test=test,
            system=system,
            seeds=seeds,
            shuffle=shuffle,
            seed=seed,
            shard=None if shard is None else export.parse_size(shard),
            trainer=trainer,
            title=title,
            licences=export.Licences(license, seed_license, output_license),
            force=force,
        )
        if push is not None:
            uploading.check_access(push)
        result = export.export(Run(run_dir), out, options)
        report.facts = result.to_json()
        for sentence in told(out, options, result):
            report.console.say(sentence)
        if push is not None:
            address = uploading.push(out, push, private=private)
            report.facts["address"] = address
            report.console.say(f"Uploaded to {address}")
