"""Export options and their check, and the result of an export."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evolinstruct.errors import UsageError
from evolinstruct.export import trainers
from evolinstruct.export.formats import FORMATS, Format
from evolinstruct.export.reviewed import WISHES
from evolinstruct.text import did_you_mean, is_utf8, shorten

_SHOWN = 40
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True, slots=True)
class Licences:
    """What the user states about rights; None for what is not stated.

    Attributes:
        data: the Hub's name of the data set's licence, such as ``apache-2.0``.
        seeds: a note on the seeds.
        outputs: a note on the texts of the models.
    """

    data: str | None = None
    seeds: str | None = None
    outputs: str | None = None


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to export, and how.

    Attributes:
        format: the name of the rows' format.
        filters: which lines to export, as `filters.select` takes them.
        only: a selection, of which alone lines are exported; None for all.
        without: a selection, of whose families no line is exported; None for none.
        reviewed: export what reviewers ``accepted``, or what is ``not-rejected``; None for all.
        parquet: write Parquet instead of JSON lines.
        test: the share of families in the test split; None for no test split.
        system: a system text for every row.
        seeds: export the seeds that have an answer, too.
        shuffle: shuffle the rows; otherwise they are in the order of generations and seeds.
        seed: the seed of shuffling and splitting; None for the run's own.
        shard: the most bytes of a file, before compression; None for one file.
        trainer: the trainer to write a configuration for; None for none.
        title: the data set's name on its card; None for the run's.
        licences: what the user states about rights.
        force: replace the files of an earlier export.
    """

    format: str
    filters: Mapping[str, object] = field(default_factory=dict)
    only: Path | None = None
    without: Path | None = None
    reviewed: str | None = None
    parquet: bool = False
    test: float | None = None
    system: str | None = None
    seeds: bool = True
    shuffle: bool = True
    seed: int | None = None
    shard: int | None = None
    trainer: str | None = None
    title: str | None = None
    licences: Licences = field(default_factory=Licences)
    force: bool = False

    @property
    def is_part(self) -> bool:
        """Whether lines of the run may be left out."""
        wishes = (self.filters, self.only, self.without, self.reviewed)
        return any(wishes) or not self.seeds

    @property
    def rows_format(self) -> Format:
        """The format of the rows."""
        return FORMATS[self.format]

    def validate(self) -> None:
        """Refuse values that are wrong or do not go together.

        Raises:
            UsageError: a name is unknown, a number out of range, or two options conflict.
        """
        if self.format in trainers.TRAINERS:
            raise UsageError(
                f"--format {self.format}: this is a trainer; name a format of rows, and"
                f" --trainer {self.format} beside it, as in --format chat --trainer {self.format}."
            )
        _require_known("format", self.format, FORMATS)
        if self.reviewed is not None and self.reviewed not in WISHES:
            hint = did_you_mean(self.reviewed, WISHES)
            raise UsageError(f"--reviewed {self.reviewed}: choose {' or '.join(WISHES)}{hint}.")
        if self.trainer is not None:
            _require_known("trainer", self.trainer, trainers.TRAINERS)
            trainers.check_format(self.trainer, self.format, system=bool(self.system))
        if self.test is not None and not 0 < self.test < 1:
            raise UsageError(f"--test must be a share between 0 and 1 (given: {self.test:g}).")
        if self.parquet and self.format == "openai-finetune":
            raise UsageError("--format openai-finetune is JSONL only; leave --parquet out.")
        if self.system is not None and not is_utf8(self.system):
            raise UsageError("--system is not valid UTF-8; write the text in UTF-8.")


@dataclass(slots=True)
class ExportResult:
    """What an export wrote.

    Attributes:
        files: the names of the files of each split.
        rows: the number of rows of each split.
        made: the number of rows of each generation and operation.
        models: the number of rows that each model answered.
        unanswered: instructions left out because they have no answer.
        unverifiable: instructions left out because nothing that they demand can be verified.
        unpaired: instructions left out because no answer is known to be worse than theirs.
        notices: sentences that the user should read.
    """

    files: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    made: Counter[tuple[int, str]] = field(default_factory=Counter)
    models: Counter[str | None] = field(default_factory=Counter)
    unanswered: int = 0
    unverifiable: int = 0
    unpaired: int = 0
    notices: list[str] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        """How many instructions lack what their rows would hold."""
        return self.unanswered + self.unverifiable + self.unpaired

    def to_json(self) -> dict[str, object]:
        """Return it as plain data, for a script."""
        return {
            "files": self.files,
            "rows": self.rows,
            "made": [
                {"generation": number, "operation": name, "rows": count}
                for (number, name), count in sorted(self.made.items())
            ],
            "unanswered": self.unanswered,
            "unverifiable": self.unverifiable,
            "unpaired": self.unpaired,
            "notices": self.notices,
        }


def parse_size(words: str) -> int:
    """Read a number of bytes, such as ``500MB`` or ``1G``.

    Raises:
        UsageError: it is not a size.
    """
    text = words.strip().upper().removesuffix("B")
    unit = text[-1:] if text[-1:] in _UNITS else ""
    number = text.removesuffix(unit).strip()
    if not re.fullmatch(r"\d{1,15}", number) or int(number) < 1:
        raise UsageError(
            f"--shard must be a size such as 500MB or 1GB (given: {shorten(words, _SHOWN)})."
        )
    return int(number) * _UNITS[unit]


def _require_known(noun: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        raise UsageError(
            f"--{noun} {name}: unknown {noun}{did_you_mean(name, names)};"
            f" the {noun}s are {', '.join(names)}."
        )
