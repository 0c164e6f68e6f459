"""A pack that can be tuned: one whose in-depth operations differ in their methods alone.

`evolinstruct tune` rewrites the method. In the tuned pack one operation stands in the place of all
that share a frame, drawn as often as they were together; everything else stays as it is.
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from evolinstruct.errors import UsageError
from evolinstruct.prompts.pack import IN_DEPTH, Pack, parse, read_files, read_operation
from evolinstruct.prompts.templates import Passage
from evolinstruct.text import listed

TUNED = "tuned"
"""The operation that a tuned pack has, and the end of the pack's name."""
_FILE = f"operations/{TUNED}.txt"
_FOLDER = "operations/"
_ONE_OF = "Change it in that one of these ways which suits it best:"
_PLACE = "{{"


class _Framed(NamedTuple):
    """An operation that has but a method of its own."""

    file: str
    name: str
    weight: float
    skips: frozenset[str]
    method: str


@dataclass(frozen=True, slots=True)
class Tunable:
    """A pack whose method can be exchanged.

    Attributes:
        pack: as it was read.
        method: the method that its operations have together.
        prompt: the frame, with a place for the method.
        operations: the names of those that one takes the place of.
    """

    pack: Pack
    method: str
    prompt: str
    operations: tuple[str, ...]
    _folder: Path = field(repr=False)
    _kept: Mapping[str, Passage] = field(repr=False)
    _header: str = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Tunable:
        """Read a pack and find its method.

        Raises:
            InputError: a file is missing or wrong.
            UsageError: no in-depth operation of it has a frame and a method without places.
        """
        found = read_files(folder)
        pack = parse(folder, found)
        frame, framed = _framed(pack, found)
        weight = sum(each.weight for each in framed)
        skips = frozenset.intersection(*(each.skips for each in framed))
        header = [f"name: {TUNED}", f"kind: {IN_DEPTH}", f"weight: {weight:g}", f"frame: {frame}"]
        header += [f"skips: {', '.join(sorted(skips))}"] if skips else []
        gone = {each.file for each in framed}
        kept = {name: text for name, text in found.items() if name not in gone}
        return cls(
            pack,
            _joined([each.method for each in framed]),
            found[f"frames/{frame}.txt"].text,
            tuple(each.name for each in framed),
            folder,
            {**kept, "pack.toml": _renamed(kept["pack.toml"])},
            "\n".join([*header, "---", ""]),
        )

    def with_method(self, method: str) -> Pack:
        """Return the tuned pack that has this method, checked as any pack.

        Raises:
            InputError: the method makes no pack; says why.
        """
        return parse(self._folder, self._passages(method))

    def files(self, method: str) -> dict[str, bytes]:
        """Return the files of the tuned pack that has this method, by their names in it."""
        return {name: text.text.encode() for name, text in sorted(self._passages(method).items())}

    def _passages(self, method: str) -> dict[str, Passage]:
        text = f"{self._header}{method}\n"
        return {**self._kept, _FILE: Passage(self._folder / _FILE, 1, text)}


def _framed(pack: Pack, found: Mapping[str, Passage]) -> tuple[str, list[_Framed]]:
    """Return the frame that is drawn most often, and the operations that a method can stand for."""
    by_frame: defaultdict[str, list[_Framed]] = defaultdict(list)
    skips = {operation.name: operation.skips for operation in pack.operations}
    for file, text in found.items():
        if not file.startswith(_FOLDER):
            continue
        header, body = read_operation(text)
        method, name = body.body().text, header["name"].text
        if header["kind"].text == IN_DEPTH and "frame" in header and _PLACE not in method:
            each = _Framed(file, name, float(header["weight"].text), skips[name], method)
            by_frame[header["frame"].text].append(each)
    weights = {frame: sum(each.weight for each in framed) for frame, framed in by_frame.items()}
    if not any(weights.values()):
        raise UsageError(
            f"The pack {pack.name} cannot be tuned: no in-depth operation of it has a frame, and a"
            " method without places of its own, in which alone it differs from others"
            f" (it has {listed([each.name for each in pack.operations])}); name another one with"
            " --from."
        )
    frame = max(sorted(weights), key=lambda name: weights[name])
    return frame, by_frame[frame]


def _joined(methods: Sequence[str]) -> str:
    """Return one method that leaves the choice among several."""
    if len(methods) == 1:
        return methods[0]
    return "\n".join([_ONE_OF, *(f"- {' '.join(method.split())}" for method in methods)])


def _renamed(text: Passage) -> Passage:
    """Return pack.toml with the name of a tuned pack; of another tuned pack, as it is."""
    said = tomllib.loads(text.text)
    if said["name"].endswith(f"_{TUNED}"):
        return text
    said["description"] = f"Tuned from {said['name']}. {said['description']}"
    said["name"] += f"_{TUNED}"
    return Passage(text.path, 1, _toml(said))


def _toml(said: Mapping[str, Any]) -> str:
    """Return the text of a pack.toml; what JSON has of values, TOML has too."""
    tables = {
        f"{key}.{name}": table
        for key, value in said.items()
        if isinstance(value, dict)
        for name, table in value.items()
    }
    plain = {key: value for key, value in said.items() if not isinstance(value, dict)}
    parts = [_pairs(plain), *(f"\n[{name}]\n{_pairs(table)}" for name, table in tables.items())]
    return "".join(parts)


def _pairs(values: Mapping[str, Any]) -> str:
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    return "".join(f"{line}\n" for line in lines)
