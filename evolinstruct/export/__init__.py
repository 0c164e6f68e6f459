"""Export: writes a run, finished or not, as a data set for a trainer.

The data set is a folder with rows in a trainer's format, split and in shards, a card and checksums.
Only `push` sends anything off this machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from evolinstruct import elimination, parquet, prompts
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.scores import measures_of
from evolinstruct.errors import InputError
from evolinstruct.export import card, files
from evolinstruct.export.files import TEST, TRAIN, RowBuffer
from evolinstruct.export.formats import FORMATS, SEED, is_verifiable, worse
from evolinstruct.export.options import ExportOptions, ExportResult, Licences, parse_size
from evolinstruct.export.reviewed import Reviewed, read_reviewed
from evolinstruct.export.subset import Subset, read_subset
from evolinstruct.export.trainers import TRAINERS, ExportedData
from evolinstruct.filters import Selection, select
from evolinstruct.records import Kept
from evolinstruct.text import command, counted

__all__ = [
    "FORMATS",
    "TRAINERS",
    "ExportOptions",
    "ExportResult",
    "Licences",
    "export",
    "parse_size",
]

_LEAST_FOR_OPENAI = 10
_encode = json.JSONEncoder(ensure_ascii=False).encode


def export(run: Run, out: Path, options: ExportOptions) -> ExportResult:
    """Write a run as a data set.

    Args:
        run: finished or not; what it has answered so far is exported.
        out: the folder, made if it does not exist.
        options: what to export, and how.

    Raises:
        UsageError: an option is wrong.
        InputError: the run cannot be read, there is nothing to export, or the folder cannot be
            written or holds other files.
    """
    options.validate()
    files.check_folder(out, force=options.force)
    if options.parquet:
        parquet.require_pyarrow()
    known = {"operation": [operation.name for operation in run.pack.operations]}
    selection = select(options.filters, known | {"rule": elimination.RULES}, measures_of(run.path))
    seed = run.state.recipe.seed if options.seed is None else options.seed
    result = ExportResult()
    subset = read_subset(options.only, options.without, result.notices.append)
    reviewed = read_reviewed(run.path, options.reviewed)
    with files.replacing(out) as folder:
        with closing(RowBuffer(folder, seed, shuffled=options.shuffle)) as buffer:
            for line in _chosen(run, selection, subset, reviewed, options, result):
                row = options.rows_format.row(line, options.system)
                buffer.add(line, _encode(row).encode() + b"\n")
            _refuse_empty(run, options, result)
            if options.test is not None:
                buffer.split(options.test)
            for split in (TRAIN, TEST) if options.test is not None else (TRAIN,):
                _write(buffer, split, folder, options, result)
        result.notices += [*reviewed.notices(), *_notices(run, options, subset, result)]
        _write_companions(run, out, folder, options, result)
    return result


def _chosen(
    run: Run,
    selection: Selection,
    subset: Subset,
    reviewed: Reviewed,
    options: ExportOptions,
    result: ExportResult,
) -> Iterator[Kept]:
    """Yield the lines to export, and count them."""
    for found in run.instructions(*selection.generations):
        if not selection.takes(found) or (found.generation == 0 and not options.seeds):
            continue
        line = reviewed.taken(found) if subset.takes(found) else None
        if line is None:
            continue
        if not _has_what_it_takes(line, options, result):
            continue
        result.made[line.generation, line.operation or SEED] += 1
        result.models[line.model] += 1
        yield line


def _has_what_it_takes(line: Kept, options: ExportOptions, result: ExportResult) -> bool:
    """Tell whether a line has what its format is of, and count it where it has not."""
    if options.rows_format.of == "demands":
        result.unverifiable += not (has := is_verifiable(line))
        return has
    if line.output is None:
        result.unanswered += 1
        return False
    if options.rows_format.of == "pairs":
        result.unpaired += not (has := worse(line) is not None)
        return has
    return True


def _refuse_empty(run: Run, options: ExportOptions, result: ExportResult) -> None:
    if result.made:
        return
    if result.unverifiable:
        raise InputError(
            f"None of the {result.unverifiable:,} instructions chosen of {run.path} demands what"
            " code can verify; evolve with the pack verifiable."
        )
    if result.unpaired:
        raise InputError(
            f"None of the {result.unpaired:,} answers chosen of {run.path} was taken in place of a"
            " worse one; evolve with --answers 4 and --pick judge or vote, or with the pack"
            " verifiable."
        )
    if result.unanswered:
        raise InputError(
            f"None of the {result.unanswered:,} instructions chosen of {run.path} has an answer;"
            " run `evolve` without --no-answers, or with --answer-seeds for seeds without one."
        )
    what = "these filters" if options.is_part else "what was asked for"
    raise InputError(
        f"No instruction of {run.path} passes {what}, so nothing is exported;"
        f" `{command('evolinstruct', 'stats', run.path)}` shows what there is."
    )


def _write(
    buffer: RowBuffer, split: str, folder: Path, options: ExportOptions, result: ExportResult
) -> None:
    columns = options.rows_format.columns(options.system)

    def begin(path: Path) -> files.RowFile:
        return parquet.Writer(path, columns) if options.parquet else path.open("wb")

    suffix = ".parquet" if options.parquet else ".jsonl"
    names, rows = files.write_shards(
        buffer.rows(split), folder, split, suffix, begin, options.shard
    )
    result.files[split], result.rows[split] = names, rows


def _write_companions(
    run: Run, out: Path, folder: Path, options: ExportOptions, result: ExportResult
) -> None:
    """Write the card, the prompts, the trainer's configuration, and at last the checksums."""
    text = card.write(run, out, options, result)
    (folder / "README.md").write_text(text, encoding="utf-8")
    prompts.copy(run.path / "prompts", folder / "prompts")
    if options.trainer is not None:
        data = ExportedData(out.resolve().name, options.format, result.files, bool(options.system))
        for name, content in TRAINERS[options.trainer].configure(data).items():
            (folder / name).write_text(content, encoding="utf-8")
    files.write_checksums(folder)


def _notices(
    run: Run, options: ExportOptions, subset: Subset, result: ExportResult
) -> Iterator[str]:
    yield from run.notices
    state = run.state
    if not state.is_done:
        why = "it is still running, or was cut off" if state.exit_code is None else state.status
        yield (
            f"{run.path} is not finished ({why.rstrip('.')}); what it has so far is exported, up"
            f" to generation {max(number for number, _ in result.made)} of"
            f" {state.recipe.generations}."
        )
    if state.preview_of is not None:
        yield f"{run.path} is a preview, of a part of its seeds only."
    if result.unanswered:
        yield f"{result.unanswered:,} instructions have no answer and are left out."
    if result.unverifiable:
        yield (
            f"{counted(result.unverifiable, 'instruction')} left out, because nothing that they"
            " demand can be verified."
        )
    if result.unpaired:
        yield (
            f"{counted(result.unpaired, 'instruction')} left out, because no answer to them is"
            " known to be worse than the one that was taken."
        )
    lost = len(subset.only or ()) - result.made.total() - result.left_out
    if lost > 0:
        yield (
            f"{counted(lost, 'instruction')} of {options.only} left out, because of the filters, or"
            f" because {run.path} does not hold that text in that place."
        )
    rows = result.rows[TRAIN]
    if options.format == "openai-finetune" and rows < _LEAST_FOR_OPENAI:
        yield f"Fine-tuning at OpenAI needs at least {_LEAST_FOR_OPENAI} rows; there are {rows}."
