"""A run as a data set that trainers take and others can trust.

Reads a run, finished or not, and writes rows in a trainer's shape, split, in shards, with a card
and checksums: a folder that is put in place whole. Only `push` lets anything leave the machine.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from evolinstruct import elimination, parquet
from evolinstruct.analysis.runs import Run
from evolinstruct.errors import InputError
from evolinstruct.export import card, files
from evolinstruct.export.formats import SEED, SHAPES
from evolinstruct.export.options import Exported, Licences, Request, parse_size
from evolinstruct.export.split import TEST, TRAIN, Spool
from evolinstruct.export.trainers import TRAINERS, Data
from evolinstruct.filters import Selection, select
from evolinstruct.records import Kept

__all__ = ["SHAPES", "TRAINERS", "Exported", "Licences", "Request", "export", "parse_size"]

_LEAST_FOR_OPENAI = 10
_encode = json.JSONEncoder(ensure_ascii=False).encode


def export(run: Run, out: Path, request: Request) -> Exported:
    """Write a run as a data set.

    Args:
        run: finished or not; what it has kept and answered so far is taken.
        out: the folder, made if need be.
        request: what is asked for.

    Raises:
        UsageError: the request is wrong.
        InputError: the run cannot be read, nothing is left to export, or the folder cannot be
            written or holds something else.
    """
    request.check()
    files.check(out, force=request.force)
    if request.parquet:
        parquet.require_pyarrow()
    known = {"operation": [operation.name for operation in run.pack.operations]}
    selection = select(request.filters, known | {"rule": elimination.RULES})
    seed = run.state.recipe.seed if request.seed is None else request.seed
    exported = Exported()
    with files.replacing(out) as folder:
        with Spool(folder, seed, shuffled=request.shuffle) as spool:
            for line in _chosen(run, selection, request, exported):
                row = request.shape.row(line, request.system)
                spool.add(line, _encode(row).encode() + b"\n")
            _refuse_nothing(run, request, exported)
            if request.test is not None:
                spool.split(request.test)
            for split in (TRAIN, TEST) if request.test is not None else (TRAIN,):
                _write(spool, split, folder, request, exported)
        exported.notices += _notices(run, request, exported)
        _write_companions(run, out, folder, request, exported)
    return exported


def _chosen(run: Run, selection: Selection, request: Request, exported: Exported) -> Iterator[Kept]:
    """Yield the lines that are exported, and count them."""
    for line in run.instructions(*selection.generations):
        if not selection.takes(line) or (line.generation == 0 and not request.seeds):
            continue
        if line.output is None:
            exported.unanswered += 1
            continue
        exported.made[line.generation, line.operation or SEED] += 1
        exported.models[line.model] += 1
        yield line


def _refuse_nothing(run: Run, request: Request, exported: Exported) -> None:
    if exported.made:
        return
    if exported.unanswered:
        raise InputError(
            f"None of the {exported.unanswered:,} instructions chosen of {run.path} has an answer;"
            " run `evolve` without --no-answers, or with --answer-seeds for seeds without one."
        )
    what = "these filters" if request.filters else "what was asked for"
    raise InputError(
        f"No instruction of {run.path} passes {what}, so nothing is exported;"
        f" `evolinstruct stats {run.path}` shows what there is."
    )


def _write(spool: Spool, split: str, folder: Path, request: Request, exported: Exported) -> None:
    columns = request.shape.columns(request.system)

    def begin(path: Path) -> files.RowFile:
        return parquet.Writer(path, columns) if request.parquet else path.open("wb")

    suffix = ".parquet" if request.parquet else ".jsonl"
    names, rows = files.write_shards(spool.rows(split), folder, split, suffix, begin, request.shard)
    exported.files[split], exported.rows[split] = names, rows


def _write_companions(
    run: Run, out: Path, folder: Path, request: Request, exported: Exported
) -> None:
    """Write the card, the prompts, the trainer's configuration and the checksums."""
    text = card.write(run, out, request, exported)
    (folder / "README.md").write_text(text, encoding="utf-8")
    shutil.copytree(run.path / "prompts", folder / "prompts")
    if request.trainer is not None:
        data = Data(out.resolve().name, request.format, exported.files, bool(request.system))
        for name, content in TRAINERS[request.trainer].configure(data).items():
            (folder / name).write_text(content, encoding="utf-8")
    files.write_checksums(folder)


def _notices(run: Run, request: Request, exported: Exported) -> Iterator[str]:
    yield from run.notices
    state = run.state
    if not state.is_done:
        why = "it is still going on, or was cut off" if state.exit_code is None else state.status
        yield (
            f"{run.path} is not finished ({why.rstrip('.')}); what it has so far is exported, up"
            f" to generation {max(number for number, _ in exported.made)} of"
            f" {state.recipe.generations}."
        )
    if state.preview_of is not None:
        yield f"{run.path} is a preview, of a part of its seeds only."
    if exported.unanswered:
        yield f"{exported.unanswered:,} instructions have no answer and are left out."
    rows = exported.rows[TRAIN]
    if request.format == "openai-finetune" and rows < _LEAST_FOR_OPENAI:
        yield f"Fine-tuning at OpenAI needs {_LEAST_FOR_OPENAI} rows at least; these are {rows}."
