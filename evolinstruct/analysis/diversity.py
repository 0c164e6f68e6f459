"""The diversity of runs and files: their instructions, read, embedded and surveyed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from evolinstruct.analysis.contamination import lines_of
from evolinstruct.analysis.runs import Run
from evolinstruct.diversity import store
from evolinstruct.diversity.embedding import stored
from evolinstruct.diversity.survey import Options, Survey, TextSet, surveyed
from evolinstruct.diversity.vectors import Vectors
from evolinstruct.embedding import Embedder, Embedding, EmbeddingJob, Expected
from evolinstruct.errors import InputError, UsageError
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.text import counted

MakeEmbedder = Callable[[Path], Embedder]
"""Makes what embeds texts whose vectors are kept in a folder."""
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


def prepare(sources: Sequence[Path], out: Path | None, make: MakeEmbedder, say: Say) -> SurveyJob:
    """Read the instructions of runs and files, and check all that can be checked; write nothing.

    Args:
        sources: run directories, or any files that seeds may have.
        out: the folder that keeps the vectors; None for the folder `diversity` of each run.
        make: makes what embeds.
        say: called with sentences on whatever was left out.

    Raises:
        UsageError: a source is named twice, or a file without a folder to keep its vectors.
        InputError: a source cannot be read or has no instruction; or a folder cannot be used.
    """
    if len({*map(str, sources)}) < len(sources):
        raise UsageError("A run or file is named twice; name each of them once.")
    places = [_folder(source, out) for source in sources]
    embedders = {folder: make(folder) for folder in places}
    return SurveyJob([_read(source, say) for source in sources], places, embedders, say)


def _folder(source: Path, out: Path | None) -> Path:
    if out is None and source.is_file():
        raise UsageError(
            f"{source} is no run; name with -o the folder that is to keep its embeddings."
        )
    folder = source / store.FOLDER if out is None else out
    if RunDir(folder).is_run:
        raise InputError(f"{folder} is a run's directory; name another folder with -o.")
    return folder


def _read(source: Path, say: Say) -> TextSet:
    texts = TextSet.of(str(source), lines_of(source, say))
    if not texts.ids:
        raise InputError(f"{texts.name} has no instruction; name a run or a file that has one.")
    return texts


class SurveyJob:
    """Embeds what is not embedded yet, folder by folder, and surveys all of it."""

    def __init__(
        self,
        sets: Sequence[TextSet],
        places: Sequence[Path],
        embedders: dict[Path, Embedder],
        say: Say,
    ) -> None:
        """Take the instructions, the folder for each set, and what embeds the texts of a folder."""
        self._sets = sets
        self._places = places
        self._say = say
        self._model = next(iter(embedders.values())).model
        self._jobs = [
            EmbeddingJob(folder, self._texts_of(folder), embedder)
            for folder, embedder in embedders.items()
        ]

    def _texts_of(self, folder: Path) -> list[str]:
        pairs = zip(self._sets, self._places, strict=True)
        return [text for texts, place in pairs if place == folder for text in texts.texts]

    def expected(self) -> list[Expected]:
        """Return what embedding is likely to take, for each folder.

        Raises:
            InputError: a file of embeddings cannot be read.
        """
        return [job.expected() for job in self._jobs]

    async def events(self) -> AsyncGenerator[Embedding]:
        """Embed, from wherever an earlier command left it.

        Raises:
            InputError: a file cannot be used, or a reply is no vector.
            StopRun: it ended early; the same command goes on.
        """
        for job in self._jobs:
            async with aclosing(job.events()) as events:
                async for event in events:
                    yield event

    @property
    def exit_code(self) -> int:
        """The exit code of a command that has embedded: whether more got no vector than may."""
        return max(job.exit_code for job in self._jobs)

    def interrupt(self) -> None:
        """Stop for a person who asked for it; asked twice, at once."""
        for job in self._jobs:
            job.interrupt()

    def survey(self, options: Options) -> Survey:
        """Return how diverse the instructions are that have a vector by now.

        Raises:
            InputError: a file of embeddings cannot be read, or has no vector of a set.
        """
        pairs = zip(self._sets, self._places, strict=True)
        return _surveyed([self._embedded(texts, folder) for texts, folder in pairs], options)

    def _embedded(self, texts: TextSet, folder: Path) -> Embedded:
        with store.opened(folder / store.NAME, only_read=True) as kept:
            found = _found(texts, kept, self._model)
        if not found.texts.ids:
            raise InputError(f"No instruction of {texts.name} could be embedded by {self._model}.")
        if lost := len(texts.ids) - len(found.texts.ids):
            self._say(f"{counted(lost, 'instruction')} of {texts.name} could not be embedded.")
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
