"""The statistics of a run: `STATISTICS` states the name, value and format of each in one row.

The tables of the terminal, the CSV and JSON of `stats` and the report are all made from these rows,
so that a statistic is added here and nowhere else. `measure` reads a run once, family by family,
and holds counts only: lengths are counted, which keeps quartiles exact, and diversity is measured
on a sample that is drawn by a seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

from evolinstruct import defaults
from evolinstruct.analysis.diversity import Distinctness, Diversity
from evolinstruct.analysis.families import Family
from evolinstruct.analysis.run_state import State, Used
from evolinstruct.analysis.runs import Run
from evolinstruct.records import Kept
from evolinstruct.run.counts import Counts
from evolinstruct.statistics import BAND, Band, Quartiles
from evolinstruct.text import NONE, dollars, number, percent
from evolinstruct.words import count_words

# One group of instructions


@dataclass(slots=True)
class GroupStatistics:
    """What is counted of the seeds, a generation, an operation or a whole run.

    Attributes:
        counts: how its instructions have ended.
        added: by how many words each kept evolution of a plain in-depth operation grew.
        added_by_others: the same of the other operations, whose growth has no band.
        instruction_words: lengths of the kept instructions.
        output_words: lengths of their answers.
        calls: how many calls were made for it.
        prompt_tokens: tokens of all prompts; None if the service reported none.
        completion_tokens: tokens of all replies.
        cost: dollars; None where a price is unknown.
        distinctness: how diverse its instructions are, where that is measured.
    """

    counts: Counts = field(default_factory=Counts)
    added: Counter[int] = field(default_factory=Counter)
    added_by_others: Counter[int] = field(default_factory=Counter)
    instruction_words: Counter[int] = field(default_factory=Counter)
    output_words: Counter[int] = field(default_factory=Counter)
    calls: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = 0.0
    distinctness: Distinctness | None = None

    @property
    def tokens(self) -> int | None:
        """Tokens of prompts and replies together."""
        return _sum(self.prompt_tokens, self.completion_tokens)

    @property
    def band(self) -> Band | None:
        """How the growth by plain in-depth operations keeps to its band."""
        return Band.of(self.added)

    def per_kept(self, amount: float | None) -> float | None:
        """Return an amount for each kept instruction."""
        kept = self.counts.kept
        return None if amount is None or not kept else amount / kept

    def include(self, other: GroupStatistics) -> None:
        """Add another group to this one; diversity does not add up, and stays as it is."""
        self.counts.include(other.counts)
        for name in ("added", "added_by_others", "instruction_words", "output_words"):
            getattr(self, name).update(getattr(other, name))
        self.calls += other.calls
        self.prompt_tokens = _sum(self.prompt_tokens, other.prompt_tokens)
        self.completion_tokens = _sum(self.completion_tokens, other.completion_tokens)
        known = self.cost is not None and other.cost is not None
        self.cost = (self.cost or 0) + (other.cost or 0) if known else None

    def bill(self, used: Used) -> None:
        """Add what calls took."""
        self.include(
            GroupStatistics(
                calls=used.calls,
                prompt_tokens=used.prompt_tokens,
                completion_tokens=used.completion_tokens,
                cost=used.cost,
            )
        )

    def to_json(self) -> dict[str, Any]:
        """Return every statistic of the table ``json``; a dot in a key nests."""
        return _nested((each.key, each.value(self)) for each in in_table("json"))


_A = TypeVar("_A", int, float)


def _sum(one: _A | None, other: _A | None) -> _A | None:
    if one is None:
        return other
    return one if other is None else one + other


def _nested(values: Iterable[tuple[str, Value]]) -> dict[str, Any]:
    """Nest values at the dots of their keys; a group that says nothing is None."""
    nested: dict[str, Any] = {}
    for key, value in values:
        outer, _, name = key.rpartition(".")
        place = nested.setdefault(outer, {}) if outer else nested
        place[name] = dict(sorted(value.items())) if isinstance(value, Counter) else value
    return {
        key: None if isinstance(value, dict) and value and set(value.values()) == {None} else value
        for key, value in nested.items()
    }


# The table of statistics

Value = float | Counter[str] | None
"""A number, or numbers by name whose total is shown; None where there is nothing to say."""

Table = Literal[
    "json",  # `stats --json`
    "csv",  # `stats --csv`
    "generations",  # the terminal: rows by generation
    "operations",  # the terminal: columns by operation
    "purposes",  # the terminal and scripts: columns by purpose
    "comparison",  # the terminal and the report: rows of several runs side by side
    "diversity",  # the same, of whole runs alone
    "outcomes",  # the report: kept and rejected, by generation and by operation
    "growth",  # the report: words added by a rewrite
    "instruction lengths",  # the report
    "answer lengths",  # the report
    "spending",  # the report: what a kept instruction takes
    "tokens",  # the report: tokens and cost by purpose
]


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic: what it is called, how it is computed and written, and where it is shown.

    Attributes:
        key: its name for scripts; a dot nests in JSON, and is an underscore in CSV.
        label: its name for people.
        value: computes it from a group.
        write: writes it for people.
        tables: the tables that show it.
        section: the title that it stands under among the rows by generation.
        short: its name where a column has to be narrow.
    """

    key: str
    label: str
    value: Callable[[GroupStatistics], Value]
    write: Callable[[float | None], str]
    tables: frozenset[Table]
    section: str = ""
    short: str = ""

    @property
    def column(self) -> str:
        """Its name in CSV."""
        return self.key.replace(".", "_")

    def label_under(self, title: str) -> str:
        """Return its name under a title, which it need not repeat."""
        return self.label.removeprefix(f"{title}, ")

    def number(self, group: GroupStatistics) -> float | None:
        """Return it as one number."""
        value = self.value(group)
        return value.total() if isinstance(value, Counter) else value

    def text(self, group: GroupStatistics) -> str:
        """Write it for people."""
        return self.write(self.number(group))


def _money(value: float | None) -> str:
    return dollars(value) if value else NONE  # unknown, or free


def _fraction(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _row(
    key: str,
    label: str,
    value: Callable[[GroupStatistics], Value],
    write: Callable[[float | None], str],
    *tables: Table,
    section: str = "",
    short: str = "",
) -> Statistic:
    return Statistic(key, label, value, write, frozenset(tables), section, short or label)


_PARTS = {
    "count": "count",
    "least": "least",
    "lower": "lower quartile",
    "median": "median",
    "upper": "upper quartile",
    "most": "most",
}


def _quartiles(
    key: str, section: str, counter: str, shown: Mapping[Table, Iterable[str]]
) -> Iterator[Statistic]:
    """Yield a row for each part of the quartiles; `shown` has the parts that a table shows."""
    parts_of: dict[Table, Iterable[str]] = {"json": _PARTS, "csv": [*_PARTS][1:], **shown}
    for part, name in _PARTS.items():

        def value(group: GroupStatistics, part: str = part) -> float | None:
            quartiles = Quartiles.of(getattr(group, counter))
            return None if quartiles is None else getattr(quartiles, part)

        tables = [table for table, parts in parts_of.items() if part in parts]
        yield _row(f"{key}.{part}", f"{section}, {name}", value, number, *tables, section=section)


def _of_band(part: str) -> Callable[[GroupStatistics], float | None]:
    return lambda group: None if group.band is None else getattr(group.band, part)


def _of_sample(
    value: Callable[[Distinctness], float],
) -> Callable[[GroupStatistics], float | None]:
    return lambda group: None if group.distinctness is None else value(group.distinctness)


def _distinct(length: int) -> Callable[[GroupStatistics], float | None]:
    return _of_sample(lambda found: found.distinct[length - 1])


def _added_by_any(group: GroupStatistics) -> float | None:
    quartiles = Quartiles.of(group.added or group.added_by_others)
    return None if quartiles is None else quartiles.median


_INSTRUCTION = "words of an instruction"
_ANSWER = "words of an answer"
_ADDED = "words added, plain in-depth"
_DIVERSITY = "diversity"
_SPENT = "spent"
SECTIONS = ("", _INSTRUCTION, _ANSWER, _ADDED, "words added, others", _DIVERSITY, _SPENT)
"""The titles among the rows by generation, in their order."""
_HALF = ("lower", "median", "upper")
_ALL_FIVE = ("least", *_HALF, "most")
_OUTSIDE = f"outside {BAND[0]} to {BAND[1]}"

# fmt: off
STATISTICS: tuple[Statistic, ...] = (
    _row("pool", "pool", lambda group: group.counts.pool, number,
         "json", "csv", "generations", "operations", "comparison", short="drawn"),
    _row("finished", "finished", lambda group: group.counts.finished, number, "outcomes"),
    _row("kept", "kept", lambda group: group.counts.kept, number,
         "json", "csv", "generations", "operations", "comparison", "outcomes"),
    _row("kept_share", "kept share", lambda group: group.counts.kept_share, percent,
         "json", "csv", "generations", "operations", "comparison", "outcomes", short="share"),
    _row("rejected", "rejected", lambda group: group.counts.rejected, number,
         "json", "csv", "generations", "operations", "comparison", "outcomes"),
    _row("failed", "failed", lambda group: group.counts.failed, number,
         "json", "csv", "generations", "operations", "comparison", "outcomes"),
    _row("words_added_by_any.median", "words added, median", _added_by_any, number,
         "operations", short="added"),
    *_quartiles("words_added", _ADDED, "added",
                {"generations": _HALF, "comparison": ["median"], "growth": _ALL_FIVE}),
    *(_row(f"words_added_band.{part}", f"{_ADDED}, {part} the band", _of_band(part), number,
           "json", "csv")
      for part in ("below", "within", "above")),
    _row("words_added_band.outside", _OUTSIDE, _of_band("outside"), percent,
         "json", "csv", "generations", "operations", "comparison", "growth",
         section=_ADDED, short="outside"),
    *_quartiles("words_added_by_others", "words added, others", "added_by_others",
                {"comparison": ["median"], "growth": ["median"]}),
    *_quartiles("instruction_words", _INSTRUCTION, "instruction_words",
                {"generations": _HALF, "comparison": ["median"], "instruction lengths": _ALL_FIVE}),
    *_quartiles("output_words", _ANSWER, "output_words",
                {"generations": _HALF, "comparison": ["median"], "answer lengths": _ALL_FIVE}),
    _row("calls", "calls", lambda group: group.calls, number,
         "json", "csv", "purposes", "spending", "tokens"),
    _row("prompt_tokens", "tokens of prompts", lambda group: group.prompt_tokens, number,
         "tokens"),
    _row("completion_tokens", "tokens of replies", lambda group: group.completion_tokens, number,
         "tokens"),
    _row("tokens", "tokens", lambda group: group.tokens, number,
         "json", "csv", "generations", "purposes", "spending", section=_SPENT),
    _row("cost", "cost", lambda group: group.cost, _money,
         "json", "csv", "generations", "purposes", "tokens", section=_SPENT),
    _row("tokens_per_kept", "tokens per kept", lambda group: group.per_kept(group.tokens), number,
         "json", "csv", "generations", "operations", "comparison", "spending",
         section=_SPENT, short="tokens"),
    _row("cost_per_kept", "cost per kept", lambda group: group.per_kept(group.cost), _money,
         "json", "csv", "generations", "operations", "comparison", "spending",
         section=_SPENT, short="cost"),
    _row("texts", "texts in the sample", _of_sample(lambda found: found.texts), number,
         "csv", section=_DIVERSITY),
    _row("copies", "copies", _of_sample(lambda found: found.copies), percent,
         "csv", "generations", "diversity", section=_DIVERSITY),
    *(_row(f"distinct_{length}", f"distinct-{length}", _distinct(length), _fraction,
           "csv", "generations", "diversity", section=_DIVERSITY)
      for length in (1, 2, 3)),
)
# fmt: on
"""Every statistic of a group, in the order in which tables show them."""


def in_table(table: Table) -> list[Statistic]:
    """Return the statistics that a table shows, in their order."""
    return [statistic for statistic in STATISTICS if table in statistic.tables]


def find(key: str) -> Statistic:
    """Return the statistic of that key."""
    return next(statistic for statistic in STATISTICS if statistic.key == key)


def compare(table: Table, groups: Sequence[GroupStatistics]) -> Iterator[list[str]]:
    """Yield a row for each statistic of a table: its name, then that of each group, written."""
    for statistic in in_table(table):
        written = [statistic.text(group) for group in groups]
        if any(text != NONE for text in written):
            yield [statistic.label, *written]


# One run


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """The statistics of a run.

    Attributes:
        run: the directory, as it was named.
        state: what run.json says.
        seeds: the seeds.
        cells: by generation and operation.
        plain: names of the plain in-depth operations, whose growth has a band.
        distinctness: how diverse the instructions of each generation are; under None, of all.
        sample: diversity is measured on at most so many texts.
        sample_seed: the seed that draws them.
    """

    run: str
    state: State
    seeds: GroupStatistics
    cells: Mapping[tuple[int, str | None], GroupStatistics]
    plain: frozenset[str]
    distinctness: Mapping[int | None, Distinctness | None]
    sample: int
    sample_seed: int

    @property
    def generations(self) -> dict[int, GroupStatistics]:
        """The statistics by generation, from 1 up."""
        groups: dict[int, GroupStatistics] = {}
        for (name, _), cell in sorted(self.cells.items(), key=lambda item: item[0][0]):
            if name:
                new = GroupStatistics(distinctness=self.distinctness.get(name))
                groups.setdefault(name, new).include(cell)
        return groups

    def unfinished(self, generation: int) -> int:
        """Return how many instructions of a generation have not ended yet."""
        return self.seeds.counts.pool - self.generations[generation].counts.finished

    @property
    def operations(self) -> dict[str, GroupStatistics]:
        """The statistics by operation."""
        groups: dict[str, GroupStatistics] = {}
        for (_, name), cell in sorted(self.cells.items(), key=lambda item: item[0][1] or ""):
            if name:
                groups.setdefault(name, GroupStatistics()).include(cell)
        return groups

    @property
    def total(self) -> GroupStatistics:
        """The statistics of all evolutions, without the seeds; its diversity is with them."""
        total = GroupStatistics(distinctness=self.distinctness[None])
        for group in self.generations.values():
            total.include(group)
        return total

    @property
    def purposes(self) -> dict[str, GroupStatistics]:
        """Calls, tokens and cost by purpose, those for seeds included."""
        groups: dict[str, GroupStatistics] = {}
        for used in self.state.usage:
            groups.setdefault(used.purpose, GroupStatistics()).bill(used)
        return groups

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as plain data."""
        return {
            "run": self.run,
            "status": self.state.status,
            "seconds": self.state.seconds,
            "seeds": self.seeds.to_json(),
            "total": self.total.to_json(),
            "generations": {str(key): group.to_json() for key, group in self.generations.items()},
            "operations": {name: group.to_json() for name, group in self.operations.items()},
            "purposes": {
                name: {each.key: each.number(group) for each in in_table("purposes")}
                for name, group in self.purposes.items()
            },
            "variety": {
                "sample": self.sample,
                "seed": self.sample_seed,
                "all": _plain(self.distinctness[None]),
                "generations": {
                    str(key): _plain(found)
                    for key, found in self.distinctness.items()
                    if key is not None
                },
            },
            "band": list(BAND),
            "plain_operations": sorted(self.plain),
        }


def _plain(found: Distinctness | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def rows(runs: Iterable[RunStatistics]) -> Iterator[list[object]]:
    """Yield the rows of one flat table for spreadsheets, the names of its columns first.

    It has a row for each run, generation, operation, rule and purpose. A column that has nothing
    to say of a row is None.
    """
    columns = in_table("csv")
    yield ["run", "by", "name", *(each.column for each in columns)]
    for run in runs:
        for by, name, found in _groups(run):
            values = [found.get(each.column) for each in columns]
            yield [_harmless(cell) for cell in (run.run, by, name, *values)]


def _groups(run: RunStatistics) -> Iterator[tuple[str, str, dict[str, object]]]:
    def numbers(group: GroupStatistics, table: Table = "csv") -> dict[str, object]:
        return {each.column: each.number(group) for each in in_table(table)}

    yield "all", "", numbers(run.total)
    for key, group in {0: run.seeds, **run.generations}.items():
        yield "generation", str(key), numbers(group)
    for name, group in run.operations.items():
        yield "operation", name, numbers(group)
    for name, count in sorted(run.total.counts.rejected.items()):
        yield "rule", name, {"rejected": count}
    for name, group in run.purposes.items():
        yield "purpose", name, numbers(group, "purposes")


def _harmless(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_OF_FORMULAS) else cell


# Reading a run


def measure(
    run: Run, sample: int = defaults.DIVERSITY_SAMPLE, sample_seed: int = defaults.SEED
) -> RunStatistics:
    """Read a run once and return its statistics.

    Args:
        run: the run; one that is still going on is measured as far as it is written.
        sample: measure diversity on at most so many different texts of each generation.
        sample_seed: the seed that draws them.

    Raises:
        InputError: the run is empty, or a file of it is missing or wrong.
    """
    samples = {generation: Diversity(sample, sample_seed) for generation in run.generations}
    plain = frozenset(
        operation.name
        for operation in run.pack.operations
        if operation.kind == "in-depth" and not operation.uses_format
    )
    measuring = _Measuring(plain, samples)
    for family in run.families():
        measuring.see(family)
    for used in run.state.usage:
        of_seeds = used.operation is None
        cell = measuring.seeds if of_seeds else measuring.cell(used.generation, used.operation)
        cell.bill(used)
    every = sum(samples.values(), Diversity(sample, sample_seed))
    distinctness: dict[int | None, Distinctness | None] = {None: every.measured()}
    distinctness |= {generation: found.measured() for generation, found in samples.items()}
    measuring.seeds.distinctness = distinctness.get(0)
    return RunStatistics(
        run=str(run.path),
        state=run.state,
        seeds=measuring.seeds,
        cells=measuring.cells,
        plain=plain,
        distinctness=distinctness,
        sample=sample,
        sample_seed=sample_seed,
    )


class _Measuring:
    """Counts, family by family."""

    def __init__(self, plain: frozenset[str], samples: Mapping[int, Diversity]) -> None:
        self.seeds = GroupStatistics()
        self.cells: dict[tuple[int, str | None], GroupStatistics] = {}
        self._samples = samples
        self._plain = plain

    def cell(self, generation: int, operation: str | None) -> GroupStatistics:
        key = generation, operation
        if key not in self.cells:
            self.cells[key] = GroupStatistics()
        return self.cells[key]

    def see(self, family: Family) -> None:
        words = {family.seed.id: self._measure(self.seeds, family.seed)}
        for step in family.steps:
            line = step.line
            group = self.cell(line.generation, line.operation)
            if isinstance(line, Kept):
                count = words[line.id] = self._measure(group, line)
                plain = line.operation in self._plain
                growth = group.added if plain else group.added_by_others
                growth[count - words[step.parent.id]] += 1
            else:
                group.counts.pool += 1
                group.counts.add(line)

    def _measure(self, group: GroupStatistics, line: Kept) -> int:
        """Count a kept line; return how many words it has."""
        count = count_words(line.instruction)
        group.counts.pool += 1
        group.counts.add(line)
        group.instruction_words[count] += 1
        if line.output is not None:
            group.output_words[count_words(line.output)] += 1
        self._samples[line.generation].add(line.instruction)
        return count
