"""The diversity of runs and files: their instructions, read, embedded and surveyed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from evolinstruct.analysis.contamination import lines_of
from evolinstruct.analysis.runs import Run
from evolinstruct.diversity import store
from evolinstruct.diversity.embedding import Embedder, OnProgress, embed, missing, stored
from evolinstruct.diversity.survey import Options, Survey, TextSet, surveyed
from evolinstruct.diversity.vectors import Vectors
from evolinstruct.errors import InputError, UsageError
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.text import counted

MakeEmbedder = Callable[[Path], Embedder]
"""Makes what embeds texts whose vectors are kept in a folder."""
Shown = Callable[[int, str], AbstractContextManager[OnProgress]]
"""Shows how the embedding of so many texts by a model goes."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Instructions with their vectors.

    Attributes:
        texts: the instructions of a run or a file that have a vector, in their order.
        vectors: a row for each of them.
        model: what made the vectors.
    """

    texts: TextSet
    vectors: Vectors
    model: str


def survey(
    sources: Sequence[Path],
    out: Path | None,
    make: MakeEmbedder,
    options: Options,
    shown: Shown,
    say: Say,
) -> Survey:
    """Return how diverse runs and files are; what is not embedded yet is embedded and kept.

    Args:
        sources: run directories, or any files that seeds may have.
        out: the folder that keeps the vectors; None for the folder `diversity` of each run.
        make: makes what embeds.
        options: how to go about the rest.
        shown: shows how embedding goes.
        say: called with sentences on whatever was left out.

    Raises:
        UsageError: a source is named twice, or a file without a folder to keep its vectors.
        InputError: a source cannot be read or has no instruction; or a folder cannot be used.
    """
    if len({*map(str, sources)}) < len(sources):
        raise UsageError("A run or file is named twice; name each of them once.")
    folders = [_folder(source, out) for source in sources]
    found = [
        _embedded(source, folder, make(folder), shown, say)
        for source, folder in zip(sources, folders, strict=True)
    ]
    return _surveyed(found, options)


def embedded(
    source: Path, out: Path | None, make: MakeEmbedder, shown: Shown, say: Say
) -> Embedded:
    """Return the instructions of a run or file with their vectors; see `survey`."""
    folder = _folder(source, out)
    return _embedded(source, folder, make(folder), shown, say)


def _folder(source: Path, out: Path | None) -> Path:
    if out is None and source.is_file():
        raise UsageError(
            f"{source} is no run; name with -o the folder that is to keep its embeddings."
        )
    folder = source / store.FOLDER if out is None else out
    if RunDir(folder).is_run:
        raise InputError(f"{folder} is a run's directory; name another folder with -o.")
    return folder


def _embedded(source: Path, folder: Path, embedder: Embedder, shown: Shown, say: Say) -> Embedded:
    texts = TextSet.of(str(source), lines_of(source, say))
    if not texts.ids:
        raise InputError(f"{texts.name} has no instruction; name a run or a file that has one.")
    with store.opened(folder / store.NAME) as kept:
        new = missing(texts.texts, kept, embedder.model)
        if new:
            if kept.last_model not in {None, embedder.model}:
                say(f"{texts.name} was embedded by {kept.last_model} before; that stays, too.")
            with shown(len(new), embedder.model) as on_progress:
                embed(new, kept, embedder, on_progress)
        kept.use(embedder.model)
        found = _found(texts, kept, embedder.model)
    if not found.texts.ids:
        raise InputError(f"No instruction of {texts.name} could be embedded by {embedder.model}.")
    if lost := len(texts.ids) - len(found.texts.ids):
        say(f"{counted(lost, 'instruction')} of {texts.name} could not be embedded: left out.")
    return found


def _found(texts: TextSet, kept: store.Store, model: str) -> Embedded:
    """Return the instructions whose vectors are kept."""
    vectors, places = stored(texts.texts, kept, model)
    return Embedded(texts.only(places), vectors, model)


def _surveyed(found: Sequence[Embedded], options: Options) -> Survey:
    texts, vectors = [each.texts for each in found], [each.vectors for each in found]
    return surveyed(texts, vectors, found[0].model, options)


# What is known already


def known(runs: Sequence[Run], options: Options) -> Survey | None:
    """Return how diverse runs are, as far as their instructions are embedded.

    The model is that which was used last for the first of them; None where it has embedded no
    instruction of one. Nothing is embedded or written.

    Raises:
        InputError: a run or a file of embeddings cannot be read.
    """
    if not all(_file(run).is_file() for run in runs):
        return None
    with store.opened(_file(runs[0]), only_read=True) as kept:
        model = kept.last_model
    if model is None:
        return None
    found = []
    for run in runs:
        texts = TextSet.of(str(run.path), run.instructions())
        with store.opened(_file(run), only_read=True) as kept:
            found.append(_found(texts, kept, model))
    return _surveyed(found, options) if all(each.texts.ids for each in found) else None


def _file(run: Run) -> Path:
    return run.path / store.FOLDER / store.NAME
