"""Where seeds come from: files, folders and standard input, each as rows with their places.

Knows which reader a source needs. Knows nothing of what the rows mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from evolinstruct.errors import UsageError
from evolinstruct.seeds import hub
from evolinstruct.seeds.files import STDIN, Source, find, opened
from evolinstruct.seeds.rows import Row, read_rows


class Opened(NamedTuple):
    """A source's name, fit to be shown, and its rows, to be read once."""

    name: str
    rows: Iterator[Row]


def find_all(names: Sequence[str]) -> list[Source]:
    """Return the sources that the names mean, in their order.

    Raises:
        InputError: there is no such file or data set.
        UsageError: standard input is named twice, or a data set's name is wrong.
    """
    if names.count(STDIN) > 1:
        raise UsageError("Standard input (-) can be read once only; name it once.")
    found = []
    for name in names:
        if hub.is_hub(name):
            hub.parse(name)
            found.append(Source(name, None))
        else:
            found += find(name)
    return found


@contextmanager
def open_rows(
    source: Source, mapping: Mapping[str, str], stdin: BinaryIO | None
) -> Iterator[Opened]:
    """Open a source for one reading.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    if hub.is_hub(source.name):
        yield Opened(source.name, hub.read(source.name))
        return
    with opened(source, stdin) as content:
        yield Opened(content.name, read_rows(content, mapping.get("instruction")))
