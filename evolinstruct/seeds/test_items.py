"""Test item reader: reads the questions of test sets, to find them in the data.

Test sets come in the same files and layouts as seeds. A row without a question is an error, because
an item that is left out would never be found, and nobody would know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evolinstruct.contamination import Item, Items
from evolinstruct.errors import InputError, UsageError
from evolinstruct.records import join_input
from evolinstruct.seeds.layouts import FIELD_HINT, extract_texts
from evolinstruct.seeds.problems import BadRow, shown_name
from evolinstruct.seeds.sources import Source, find_sources, is_stdin, open_source

_HINT = "--against KEY=FILE names the one that holds it"


def read_test_items(names: Sequence[str]) -> Items:
    """Return the items of test sets.

    Args:
        names: names of files as for seeds, or ``KEY=NAME`` if the question is in another field
            than the known ones.

    Raises:
        InputError: a file cannot be read, has a row without a question, or has no item.
        UsageError: standard input is named.
    """
    try:
        return Items(
            item
            for name in names
            for source, mapping in _find(name)
            for item in _read(source, mapping)
        )
    except InputError as error:
        raise InputError(f"--against: {error}".replace(FIELD_HINT, _HINT)) from error


def paths_of_test_sets(names: Sequence[str]) -> list[Path]:
    """Return the files that `read_test_items` reads, without data sets of the Hub.

    Raises:
        InputError: there is no such file.
        UsageError: standard input is named.
    """
    found = (source.path for name in names for source, _ in _find(name))
    return [path for path in found if path is not None]


def _find(name: str) -> Iterator[tuple[Source, dict[str, str]]]:
    """Yield the sources that a name means, each with the field of the question if one is named."""
    key, equals, rest = name.partition("=")
    is_keyed = bool(equals) and key.isidentifier() and not Path(name).exists()
    mapping = {"instruction": key} if is_keyed else {}
    if is_stdin(source := rest if is_keyed else name):
        raise UsageError("--against: standard input (-) cannot be a test set; name a file.")
    for found in find_sources([source]):
        yield found, mapping


def _read(source: Source, mapping: dict[str, str]) -> Iterator[Item]:
    has_items = False
    with open_source(source, mapping, {}) as opened:
        for row in opened.rows:
            try:
                texts = extract_texts(row.fields, mapping)
            except BadRow as error:
                raise InputError(
                    f"{opened.name}, {row.place}: {error};"
                    " correct it, because no item may be left out."
                ) from error
            has_items = True
            text = join_input(texts.instruction, texts.input)
            yield Item(Path(source.name).name, row.place, text)
    if not has_items:
        raise InputError(f"{shown_name(source.name)} holds no item: it has no row.")
