"""Batches as files: calls go into a folder, and whoever carries them out puts results beside them.

NAME.jsonl            calls, a line each, as `vllm run-batch -i` takes them
NAME.results.jsonl    what came of them, as `vllm run-batch -o` writes it
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Container
from contextlib import suppress
from pathlib import Path
from shutil import copyfileobj

from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError
from evolinstruct.llm.openai.batches import Batch, BatchService, Result, Terms
from evolinstruct.llm.secrets import Secrets


class BatchFiles(BatchService):
    """A folder instead of a service. Raises InputError where it cannot be read or written."""

    def __init__(self, folder: Path, secrets: Secrets) -> None:
        """Write nothing yet; hide these secrets in what comes."""
        self.terms = Terms(size=2_000_000_000)
        self._secrets = secrets
        self._folder = folder

    async def upload(self, lines: Path, name: str, first: str, size: int) -> str:  # noqa: ARG002
        """Put a file of calls into the folder, whole or not at all; return its name."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with lines.open("rb") as file, replaced(self._folder / name) as whole:
                copyfileobj(file, whole)
        except OSError as error:
            raise self._unusable(error) from error
        return name

    async def create(self, source: str, mark: str, lines: Path | None) -> Batch:  # noqa: ARG002
        """Return the batch of a file, which is made as soon as the file is there."""
        return self._described(source)

    async def find(self, source: str, known: Container[str]) -> Batch | None:  # noqa: ARG002
        """Return the batch of a file, whether anything is there or not."""
        return self._described(source)

    async def look(self, name: str) -> Batch | None:
        """Return what became of a batch: it has ended when there is a line for each call.

        It ends early where somebody takes the file of its calls away.
        """
        return self._described(name)

    async def results(self, name: str) -> AsyncGenerator[tuple[str, Result | None]]:
        """Yield from a file of results the id of each call, and what came of it."""
        try:
            with (self._folder / name).open("rb") as file:
                for line in file:
                    if (result := self._result(line)) is not None:
                        yield result
        except OSError as error:
            raise self._unusable(error) from error

    async def aclose(self) -> None:
        """Do nothing."""

    def _described(self, name: str) -> Batch:
        calls, results = self._folder / name, Path(name).with_suffix(".results.jsonl").name
        try:
            size, done = _lines(calls), _lines(self._folder / results)
        except OSError as error:
            raise self._unusable(error) from error
        is_complete = 0 < size <= done
        there = (results,) if done else ()
        return Batch(name, name, not size or is_complete, is_complete, there, done)

    def _unusable(self, error: OSError) -> InputError:
        return InputError(
            f"The folder {self._folder} of --batch-files cannot be used: {error.strerror};"
            " put that right, then run the same command again."
        )


def _lines(path: Path) -> int:
    """Return how many whole lines a file has, 0 where it is not there."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)
    return 0
