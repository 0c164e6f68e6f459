"""Seed sources: what the names on the command line mean, and the rows of each source.

A name is a file, a folder of files, seeds that come with the program, standard input (``-``), or a
data set of the Hugging Face Hub (``hf:owner/name``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from evolinstruct.errors import InputError, UsageError
from evolinstruct.installation import data_folder
from evolinstruct.seeds import hub
from evolinstruct.seeds.files import COMPRESSED, copied, is_pipe, open_file, suffix_of
from evolinstruct.seeds.formats import read_rows
from evolinstruct.seeds.problems import SeedRow, names_quoted, shown_name
from evolinstruct.text import did_you_mean

STDIN = "stdin"
"""The name of the source that is standard input."""
_STDIN_NAMES = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_SEED_SUFFIXES = (
    *(".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather"),
    *(".xlsx", ".xlsm"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """One file, standard input or data set that a name means.

    Attributes:
        name: as the user gave it; ``stdin`` for standard input.
        path: the file; None for standard input and for a data set.
    """

    name: str
    path: Path | None


class OpenSource(NamedTuple):
    """An open source.

    Attributes:
        name: safe to print.
        rows: to be read once.
        notes: sentences on what is read of it, and what is not.
    """

    name: str
    rows: Iterator[SeedRow]
    notes: Sequence[str] = ()


def find_sources(names: Sequence[str]) -> list[Source]:
    """Return the sources that the names mean, in their order.

    Raises:
        InputError: there is no such file, or a folder has no seed file.
        UsageError: standard input is named twice, or a data set's name is wrong.
    """
    if sum(map(is_stdin, names)) > 1:
        raise UsageError("Standard input (-) can be read once only; name it once.")
    return [source for name in names for source in _find(name)]


def is_stdin(name: str) -> bool:
    """Tell whether a name is that of standard input."""
    return name in _STDIN_NAMES


def copy_streams(names: Sequence[str]) -> dict[Source, BinaryIO]:
    """Return copies of the sources that can be read but once.

    Raises:
        InputError: a name means nothing, or a source cannot be read.
        UsageError: standard input is named twice, or a data set's name is wrong.
    """
    return {
        source: copied(source.name, source.path)
        for source in find_sources(names)
        if source.name == STDIN or (source.path is not None and is_pipe(source.path))
    }


@contextmanager
def open_source(
    source: Source, mapping: Mapping[str, str], streams: Mapping[Source, BinaryIO]
) -> Iterator[OpenSource]:
    """Open a source for one reading.

    Args:
        source: what to open.
        mapping: the field of each part that the user named.
        streams: what is read in the place of a source; seekable.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    if hub.is_hub(source.name):
        yield OpenSource(source.name, hub.read(source.name))
        return
    with open_file(source.name, source.path, streams.get(source)) as file:
        yield OpenSource(file.name, read_rows(file, mapping), file.notes)


def _find(name: str) -> list[Source]:
    if hub.is_hub(name):
        hub.parse(name)
        return [Source(name, None)]
    if is_stdin(name):
        return [Source(STDIN, None)]
    path = Path(name)
    try:
        if path.is_dir():
            return _files_in(name, path)
        return [Source(writable(name), path if path.exists() else _shipped(name))]
    except OSError as error:
        raise InputError(f"{shown_name(name)} cannot be read: {error.strerror}.") from error


def _files_in(name: str, folder: Path) -> list[Source]:
    """Return the seed files of a folder, in the order of their names, without hidden ones.

    Of a data set that was cloned, they are those of its folder ``data``.
    """
    if (folder / "run.json").exists():
        raise InputError(
            f"{shown_name(name)} is a run; name a file in it, such as"
            f" {shown_name(str(folder / 'dataset.jsonl'))}."
        )
    paths = _seed_files(folder) or _seed_files(folder / _DATA)
    if not paths:
        raise InputError(
            f"{shown_name(name)} is a folder that holds no seed file{_instead(folder)}"
        )
    return [Source(writable(str(path)), path) for path in paths]


_DATA = "data"
_ABOUT_DATA = re.compile(
    r"(?:dataset_infos?|dataset_dict|state|config|package|croissant)\.json|cache-.*\.arrow"
    r"|(?:readme|licen[cs]e|notice|authors|contributing|changelog|citation|requirements).*\.txt",
    re.IGNORECASE,
)
"""Files that data sets have beside their rows."""


def _seed_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir())
        if suffix_of(path) in _SEED_SUFFIXES
        and path.is_file()
        and not path.name.startswith(".")
        and not _ABOUT_DATA.fullmatch(path.name)
    ]


def _instead(folder: Path) -> str:
    """Say what to name in the place of a folder without seed files."""
    within = [path for path in sorted(folder.iterdir()) if _seed_files(path)]
    if within:
        names = ", ".join(shown_name(str(path)) for path in within)
        return f"; folders in it are not read, so name the one that you want: {names}."
    return (
        f" ({', '.join(_SEED_SUFFIXES)}, each also with {' or '.join(COMPRESSED)}); name another."
    )


def writable(name: str) -> str:
    """Return a file name that a line can hold: in one that is not UTF-8, bytes become escapes."""
    return name.encode(errors="backslashreplace").decode()


def _shipped(name: str) -> Path:
    """Return the file of seeds that come with the program, by its name without an extension."""
    stems = {path.stem: path for path in data_folder("seeds").glob("*.jsonl")}
    if name in stems:
        return stems[name]
    path = Path(name)
    neighbours = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    raise InputError(
        f"{shown_name(name)}: no such file{did_you_mean(path.name, [*neighbours, *stems])}, and not"
        f" one of the seeds that come with evolinstruct ({names_quoted(sorted(stems))});"
        " check the path."
    )
