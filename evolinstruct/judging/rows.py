"""Rows of files of questions and answers: their texts, and the fields that say what they are.

Any shape that seeds have is read. Keys count in small letters, as ``Instruction``, ``Skill`` and
``Difficulty`` of the paper's test set. A row that has but an id and an answer is read, too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolinstruct.errors import InputError
from evolinstruct.records import join_input, seed_id
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.seeds.layouts import OUTPUTS, extract_texts
from evolinstruct.seeds.problems import BadRow, Fields, shown_name, text_or_none
from evolinstruct.seeds.sources import find_sources, open_source
from evolinstruct.text import is_utf8

_IDS = ("question_id", "id", "idx")
_SKILLS = ("skill", "category")
_MODELS = ("model", "generator")
_BAND = re.compile(r"\d{1,2}-\d{1,2}")
_BANDS = ((4.5, "1-4"), (7.5, "5-7"), (math.inf, "8-10"))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        place: the file and the line, for messages.
        instruction: its instruction with the input joined; None where it has but an answer.
        output: its answer; None if there is none.
        fields: all its fields, by their names in small letters.
    """

    place: str
    instruction: str | None
    output: str | None
    fields: Fields

    @property
    def own_id(self) -> str | None:
        """The id that the file gives it."""
        return self._first(_IDS)

    @property
    def digest(self) -> str | None:
        """The digest of its instruction, as seeds have it for an id."""
        return None if self.instruction is None else seed_id(self.instruction)

    @property
    def family(self) -> str | None:
        """The id of the seed that it comes from, if it is a line of a run; else its own id."""
        return self._first(("seed_id", *_IDS))

    @property
    def generation(self) -> int:
        """The generation that made it; 0 where it does not say."""
        found = self.fields.get("generation")
        return found if type(found) is int else 0

    @property
    def model(self) -> str | None:
        """The model that wrote it, if it says so."""
        return self._first(_MODELS)

    @property
    def skill(self) -> str | None:
        """What it takes, if it says so, or was selected for it."""
        return self._first(("band",) if self.fields.get("taken_for") == "skill" else _SKILLS)

    @property
    def difficulty(self) -> float | None:
        """Its difficulty, if it says so."""
        try:
            number = float(self.fields["difficulty"])
        except (KeyError, TypeError, ValueError):
            return None
        return number if math.isfinite(number) else None

    @property
    def band(self) -> str | None:
        """The band of its difficulty, or that for which it was selected."""
        if (difficulty := self.difficulty) is not None:
            return next(name for end, name in _BANDS if difficulty < end)
        named = self._first(("band",))
        return named if named and _BAND.fullmatch(named) else None

    def _first(self, names: tuple[str, ...]) -> str | None:
        for name in names:
            value: Any = self.fields.get(name)
            if type(value) is int or (isinstance(value, str) and value.strip() and is_utf8(value)):
                return str(value).strip()
        return None


def read_rows(name: str) -> Iterator[Row]:
    """Yield the rows of a file, of standard input, or of the generations of a run.

    Raises:
        InputError: it cannot be read, is empty, or a row has neither an instruction nor an answer.
    """
    sources = find_sources(_files(Path(name)) if RunDir(Path(name)).is_run else [name])
    for source in sources:
        is_empty = True
        with open_source(source, {}, {}) as opened:
            for row in opened.rows:
                is_empty = False
                place = f"{opened.name}, {row.place}"
                try:
                    yield _row(place, row.fields)
                except BadRow as error:
                    raise InputError(f"{place}: {error}; correct it.") from error
        if is_empty:
            raise InputError(f"{shown_name(source.name)} has no row; name another file.")


def _files(run: Path) -> list[str]:
    """Return the files of what a run kept, the seeds first."""
    found = sorted(run.glob("generation-*.jsonl"), key=lambda path: (len(path.name), path.name))
    return [str(path) for path in found if path.name.count(".") == 1]


def _row(place: str, given: Fields) -> Row:
    fields = {**{key.lower(): value for key, value in given.items()}, **given}
    try:
        texts = extract_texts(fields, {})
    except BadRow:
        answers = (text_or_none(fields.get(name), name) for name in OUTPUTS)
        answer = next(filter(None, answers), None)
        if answer is None or not any(name in fields for name in _IDS):
            raise
        return Row(place, None, answer, fields)
    return Row(place, join_input(texts.instruction, texts.input), texts.output, fields)
