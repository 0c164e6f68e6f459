"""A file that a command writes beside what it prints: never over what it reads, nor into a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from evolinstruct.errors import InputError


class Listed(Protocol):
    """What a list has a line of."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""


def outside(out: Path, inputs: Iterable[Path] = ()) -> Path:
    """Return a file's path if it may be written.

    Raises:
        InputError: it lies in a run's directory, or is an input.
    """
    from evolinstruct.run_dir.directory import RunDir  # noqa: PLC0415 - slow

    folder = out.resolve().parent
    if RunDir(folder).is_run:
        raise InputError(f"{out} lies among the files of a run; name a file outside {folder}.")
    if out.exists() and any(each.exists() and out.samefile(each) for each in inputs):
        raise InputError(f"{out} is read here, and would be lost; name another file.")
    return out


@contextmanager
def listed(out: Path | None, inputs: Iterable[Path] = ()) -> Iterator[Callable[[Listed], None]]:
    """Lend what adds a line of JSON to a list, which is there when it is whole, or does nothing.

    Raises:
        InputError: the file may not or cannot be written.
    """
    if out is None:
        yield lambda _: None
        return
    from evolinstruct.atomic_write import replaced  # noqa: PLC0415 - slow

    with replaced(outside(out, inputs)) as file:
        yield lambda each: _write(file, each)


def _write(file: BinaryIO, each: Listed) -> None:
    file.write(json.dumps(each.to_json(), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
