"""The diversity of runs and files: their instructions, read, embedded and surveyed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
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
    sets, vectors, model = [], [], ""
    for source, folder in zip(sources, folders, strict=True):
        texts = TextSet.of(str(source), lines_of(source, say))
        embedder = make(folder)
        model = embedder.model
        found = _embedded(texts, folder, embedder, shown, say)
        sets.append(found[0])
        vectors.append(found[1])
    return surveyed(sets, vectors, model, options)


def _folder(source: Path, out: Path | None) -> Path:
    if out is None and source.is_file():
        raise UsageError(
            f"{source} is no run; name with -o the folder that is to keep its embeddings."
        )
    folder = source / store.FOLDER if out is None else out
    if RunDir(folder).is_run:
        raise InputError(f"{folder} is a run's directory; name another folder with -o.")
    return folder


def _embedded(
    texts: TextSet, folder: Path, embedder: Embedder, shown: Shown, say: Say
) -> tuple[TextSet, Vectors]:
    """Return the instructions that have a vector, with their vectors."""
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
        vectors, places = stored(texts.texts, kept, embedder.model)
    if not len(vectors):
        raise InputError(f"No instruction of {texts.name} could be embedded by {embedder.model}.")
    if lost := len(texts.ids) - len(vectors):
        say(f"{counted(lost, 'instruction')} of {texts.name} could not be embedded: left out.")
    return texts.only(places), vectors


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
    sets, vectors = [], []
    for run in runs:
        texts = TextSet.of(str(run.path), run.instructions())
        with store.opened(_file(run), only_read=True) as kept:
            found, places = stored(texts.texts, kept, model)
        if not len(found):
            return None
        sets.append(texts.only(places))
        vectors.append(found)
    return surveyed(sets, vectors, model, options)


def _file(run: Run) -> Path:
    return run.path / store.FOLDER / store.NAME
