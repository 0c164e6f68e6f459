"""What is asked of an export, and what came of it. Checks names and ranges, reads nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from evolinstruct.errors import UsageError
from evolinstruct.export import trainers
from evolinstruct.export.formats import SHAPES, Shape
from evolinstruct.text import did_you_mean

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True, slots=True)
class Licences:
    """What the user states about rights; None where nothing is stated.

    Attributes:
        data: the Hub's name of the data set's licence, such as ``apache-2.0``.
        seeds: a note on the seeds.
        outputs: a note on the texts of the models.
    """

    data: str | None = None
    seeds: str | None = None
    outputs: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        format: the name of a shape.
        filters: the words of `selection.select`.
        parquet: Parquet instead of JSON lines.
        test: the share of families that is set apart; None for no test split.
        system: a system text for every row.
        seeds: whether the seeds go along.
        shuffle: whether rows are shuffled; otherwise they stand by generation, in seed order.
        seed: what is drawn by; None for the run's own.
        shard: at most so many bytes a file, before compression; None for one file.
        trainer: whose configuration is written too.
        title: the data set's name on its card; None for the run's.
        licences: what is stated about rights.
        force: replace an earlier export.
    """

    format: str
    filters: Mapping[str, object] = field(default_factory=dict)
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
    def shape(self) -> Shape:
        """The shape of the rows."""
        return SHAPES[self.format]

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: a name that there is not, a number out of range, or two things at odds.
        """
        _known("--format", self.format, SHAPES)
        if self.trainer is not None:
            _known("--trainer", self.trainer, trainers.TRAINERS)
            trainers.check(self.trainer, self.format, system=bool(self.system))
        if self.test is not None and not 0 < self.test < 1:
            raise UsageError(f"--test must be a share between 0 and 1 (given: {self.test:g}).")
        if self.parquet and self.format == "openai-finetune":
            raise UsageError("--format openai-finetune is JSONL only; leave --parquet out.")


@dataclass(slots=True)
class Exported:
    """What came of an export.

    Attributes:
        files: the names of the files of each split.
        rows: how many rows each split holds.
        made: how many rows each (generation, operation) made.
        models: how many rows each model answered.
        unanswered: instructions left out since they have no answer.
        notices: sentences that a user should know.
    """

    files: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    made: Counter[tuple[int, str]] = field(default_factory=Counter)
    models: Counter[str | None] = field(default_factory=Counter)
    unanswered: int = 0
    notices: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "files": self.files,
            "rows": self.rows,
            "made": [
                {"generation": number, "operation": name, "rows": count}
                for (number, name), count in sorted(self.made.items())
            ],
            "unanswered": self.unanswered,
            "notices": self.notices,
        }


def parse_size(words: str) -> int:
    """Read a number of bytes, such as ``500MB`` or ``1G``.

    Raises:
        UsageError: it is none.
    """
    text = words.strip().upper().removesuffix("B")
    unit = text[-1:] if text[-1:] in _UNITS else ""
    number = text.removesuffix(unit).strip()
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(f"--shard {words}: a size is needed, such as 500MB or 1GB.")
    return int(number) * _UNITS[unit]


def _known(flag: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        hint = did_you_mean(name, names)
        raise UsageError(f"{flag} {name}: there is none{hint}; there are {', '.join(names)}.")
