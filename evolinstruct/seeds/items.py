"""Test sets of every shape that seeds come in, as the items that data are held against.

Knows which text of a row is the question, and how a file and its place are named. A row that gives
none is an error: what is left out of a test set would be missed in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evolinstruct.contamination import Item, Items
from evolinstruct.errors import InputError, UsageError
from evolinstruct.records import join_input
from evolinstruct.seeds.files import STDIN, Source
from evolinstruct.seeds.layouts import FIELD_HINT, take
from evolinstruct.seeds.problems import BadRow, shown_name
from evolinstruct.seeds.sources import find_all, open_rows

_HINT = "--against KEY=FILE names the one that holds it"


def read_items(names: Sequence[str]) -> Items:
    """Return the items of test sets.

    Args:
        names: names as seeds have them, or ``KEY=NAME`` where the question is in a field that is
            none of the known ones.

    Raises:
        InputError: a file cannot be read, has a row without a question, or no item.
        UsageError: standard input is named.
    """
    try:
        return Items(
            item
            for name in names
            for source, mapping in _named(name)
            for item in _of_file(source, mapping)
        )
    except InputError as error:
        raise InputError(f"--against: {error}".replace(FIELD_HINT, _HINT)) from error


def paths_of(names: Sequence[str]) -> list[Path]:
    """Return the files that `read_items` reads; data sets of a hub are none.

    Raises:
        InputError: there is no such file.
        UsageError: standard input is named.
    """
    found = (source.path for name in names for source, _ in _named(name))
    return [path for path in found if path is not None]


def _named(name: str) -> Iterator[tuple[Source, dict[str, str]]]:
    """Yield the files that a name means, with the field that holds the question, if it is named."""
    key, equals, rest = name.partition("=")
    is_keyed = bool(equals) and key.isidentifier() and not Path(name).exists()
    mapping = {"instruction": key} if is_keyed else {}
    if (source := rest if is_keyed else name) == STDIN:
        raise UsageError("--against: standard input (-) is no test set; name a file.")
    for found in find_all([source]):
        yield found, mapping


def _of_file(source: Source, mapping: dict[str, str]) -> Iterator[Item]:
    has_items = False
    with open_rows(source, mapping, None) as opened:
        for place, row in opened.rows:
            try:
                if isinstance(row, BadRow):
                    raise row
                texts = take(row, mapping)
            except BadRow as error:
                raise InputError(
                    f"{opened.name}, {place}: {error}; correct it, as no item may be left out."
                ) from error
            has_items = True
            yield Item(Path(source.name).name, place, join_input(texts.instruction, texts.input))
    if not has_items:
        raise InputError(f"{shown_name(source.name)} holds no item: it has no row.")
