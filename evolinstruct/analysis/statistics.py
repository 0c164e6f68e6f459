"""The statistics of a run: `STATISTICS` states the name, value and format of each in one row.

The tables of the terminal, the CSV and JSON of `stats` and the report are all made from these rows,
so that a statistic is added here and nowhere else. `analysis.measurement` fills the groups that
they are computed from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from evolinstruct.analysis.difficulty import Difficulty, Mean
from evolinstruct.analysis.state import UsageRow
from evolinstruct.diversity.phrases import Distinctness
from evolinstruct.intervals import Interval, of_median, of_share
from evolinstruct.quartiles import BAND, Band, Quartiles
from evolinstruct.run.counts import Counts
from evolinstruct.text import NONE, dollars, number, percent, short_number

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
        cached_tokens: of the prompts', those that the service had in its cache; None if none.
        cost: dollars; None where a price is unknown.
        distinctness: how diverse its instructions are, where that is measured.
        difficulty: how difficult they are, where that was scored.
        asked: how many words plain in-depth operations are asked to add, at least and at most.
    """

    counts: Counts = field(default_factory=Counts)
    added: Counter[int] = field(default_factory=Counter)
    added_by_others: Counter[int] = field(default_factory=Counter)
    instruction_words: Counter[int] = field(default_factory=Counter)
    output_words: Counter[int] = field(default_factory=Counter)
    calls: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost: float | None = 0.0
    distinctness: Distinctness | None = None
    difficulty: Difficulty | None = None
    asked: tuple[int, int] = BAND

    @property
    def tokens(self) -> int | None:
        """Tokens of prompts and replies together."""
        return _sum(self.prompt_tokens, self.completion_tokens)

    @property
    def band(self) -> Band | None:
        """How the growth by plain in-depth operations keeps to its band."""
        return Band.of(self.added, self.asked)

    @property
    def cost_per_point(self) -> float | None:
        """Dollars for each point of difficulty that a kept instruction gains over its parent."""
        gain = self.difficulty and self.difficulty.gain.mean
        cost = self.per_kept(self.cost)
        return cost / gain if cost and gain and gain > 0 else None

    def per_kept(self, amount: float | None) -> float | None:
        """Return an amount for each kept instruction."""
        kept = self.counts.kept
        return None if amount is None or not kept else amount / kept

    def include(self, other: GroupStatistics) -> None:
        """Add another group to this one; diversity and difficulty do not add up, and stay."""
        self.counts.include(other.counts)
        for name in ("added", "added_by_others", "instruction_words", "output_words"):
            getattr(self, name).update(getattr(other, name))
        self.calls += other.calls
        self.prompt_tokens = _sum(self.prompt_tokens, other.prompt_tokens)
        self.completion_tokens = _sum(self.completion_tokens, other.completion_tokens)
        self.cached_tokens = _sum(self.cached_tokens, other.cached_tokens)
        known = self.cost is not None and other.cost is not None
        self.cost = (self.cost or 0) + (other.cost or 0) if known else None

    def bill(self, used: UsageRow) -> None:
        """Add what calls took."""
        self.include(
            GroupStatistics(
                calls=used.calls,
                prompt_tokens=used.prompt_tokens,
                completion_tokens=used.completion_tokens,
                cached_tokens=used.cached_tokens,
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
    "difficulty",  # the terminal and the report: by generation and operation, where it was scored
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
        section: its title among the rows by generation, one of `SECTIONS`.
        short: its name where a column has to be narrow.
        interval: of what is compared between runs, which of a count is its share; None where a
            figure is counted rather than drawn.
    """

    key: str
    label: str
    value: Callable[[GroupStatistics], Value]
    write: Callable[[float | None], str]
    tables: frozenset[Table]
    section: str = ""
    short: str = ""
    interval: Callable[[GroupStatistics], Interval | None] | None = None

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


def _sum_of_tokens(value: float | None) -> str:
    return short_number(None if value is None else round(value))


def _fraction(value: float | None) -> str:
    return NONE if value is None else f"{value:z.3f}"


def _two_digits(value: float | None) -> str:
    return NONE if value is None else f"{value:z.2f}"


def _signed(value: float | None) -> str:
    return NONE if value is None else f"{value:+z.2f}"


def _row(
    key: str,
    label: str,
    value: Callable[[GroupStatistics], Value],
    write: Callable[[float | None], str],
    *tables: Table,
    section: str = "",
    short: str = "",
    interval: Callable[[GroupStatistics], Interval | None] | None = None,
) -> Statistic:
    return Statistic(key, label, value, write, frozenset(tables), section, short or label, interval)


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

        def interval(group: GroupStatistics) -> Interval | None:
            quartiles = Quartiles.of(getattr(group, counter))
            return None if quartiles is None else of_median(quartiles)

        tables = [table for table, parts in parts_of.items() if part in parts]
        label = f"{section}, {name}"
        of = interval if part == "median" else None
        yield _row(f"{key}.{part}", label, value, number, *tables, section=section, interval=of)


def _share(
    value: Callable[[GroupStatistics], float | None], of: Callable[[GroupStatistics], float | None]
) -> Callable[[GroupStatistics], Interval | None]:
    """Return what finds the interval of a share of so many."""

    def interval(group: GroupStatistics) -> Interval | None:
        share, times = value(group), of(group)
        return None if share is None or not times else of_share(share, int(times))

    return interval


def _of_finished(
    count: Callable[[GroupStatistics], int],
) -> Callable[[GroupStatistics], Interval | None]:
    return _share(
        lambda group: group.counts.share(count(group)), lambda group: group.counts.finished
    )


def _of_band(part: str) -> Callable[[GroupStatistics], float | None]:
    return lambda group: None if group.band is None else getattr(group.band, part)


def _of_sample(
    value: Callable[[Distinctness], float],
) -> Callable[[GroupStatistics], float | None]:
    return lambda group: None if group.distinctness is None else value(group.distinctness)


def _distinct(length: int) -> Callable[[GroupStatistics], float | None]:
    return _of_sample(lambda found: found.distinct[length - 1])


def _of_difficulty(
    value: Callable[[Difficulty], float | None],
) -> Callable[[GroupStatistics], float | None]:
    return lambda group: None if group.difficulty is None else value(group.difficulty)


_MEANS: dict[str, tuple[str, str, Callable[[Difficulty], Mean]]] = {
    "difficulty": ("difficulty, mean", "mean", lambda found: found.value),
    "gain": ("gain over the parent", "gain", lambda found: found.gain),
    "rise": ("rise over the seed", "rise", lambda found: found.rise),
}


def _means() -> Iterator[Statistic]:
    """Yield rows for the means of difficulty, each with the ends of its interval."""
    for key, (label, short, find_mean) in _MEANS.items():
        write = _two_digits if key == "difficulty" else _signed

        def count(found: Difficulty, of: Callable[[Difficulty], Mean] = find_mean) -> float:
            return of(found).count

        yield _row(f"{key}.count", f"{label}, count", _of_difficulty(count), number, "json", "csv")
        for part, name in (("mean", ""), ("low", "from"), ("high", "to")):

            def end(
                found: Difficulty,
                of: Callable[[Difficulty], Mean] = find_mean,
                part: str = part,
            ) -> float | None:
                value: float | None = getattr(of(found), part)
                return value

            def interval(
                group: GroupStatistics, of: Callable[[Difficulty], Mean] = find_mean
            ) -> Interval | None:
                found = group.difficulty and of(group.difficulty)
                if not found or found.low is None or found.high is None:
                    return None
                return found.low, found.high

            shown: tuple[Table, ...] = ("json", "csv", "difficulty")
            shown += ("comparison",) if part == "mean" and key != "rise" else ()
            yield _row(
                f"{key}.{part}",
                f"{key}, {name}" if name else label,
                _of_difficulty(end),
                write,
                *(table for table in shown if table != "difficulty" or key != "rise"),
                short=name or short,
                interval=interval,
            )


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
_OUTSIDE = "outside the band"

# fmt: off
STATISTICS: tuple[Statistic, ...] = (
    _row("pool", "pool", lambda group: group.counts.pool, number,
         "json", "csv", "generations", "operations", "comparison", short="drawn"),
    _row("finished", "finished", lambda group: group.counts.finished, number, "outcomes"),
    _row("kept", "kept", lambda group: group.counts.kept, number,
         "json", "csv", "generations", "operations", "comparison", "outcomes",
         interval=_of_finished(lambda group: group.counts.kept)),
    _row("kept_share", "kept share", lambda group: group.counts.kept_share, percent,
         "json", "csv", "generations", "operations", "comparison", "outcomes", short="share",
         interval=_of_finished(lambda group: group.counts.kept)),
    _row("rejected", "rejected", lambda group: group.counts.rejected, number,
         "json", "csv", "generations", "operations", "comparison", "outcomes",
         interval=_of_finished(lambda group: group.counts.rejected.total())),
    _row("failed", "failed", lambda group: group.counts.failed, number,
         "json", "csv", "generations", "operations", "comparison", "outcomes",
         interval=_of_finished(lambda group: group.counts.failed.total())),
    _row("words_added_by_any.median", "words added, median", _added_by_any, number,
         "operations", short="added"),
    *_quartiles("words_added", _ADDED, "added",
                {"generations": _HALF, "comparison": ["median"], "growth": _ALL_FIVE}),
    *(_row(f"words_added_band.{part}", f"{_ADDED}, {part} the band", _of_band(part), number,
           "json", "csv")
      for part in ("below", "within", "above")),
    _row("words_added_band.outside", _OUTSIDE, _of_band("outside"), percent,
         "json", "csv", "generations", "operations", "comparison", "growth",
         section=_ADDED, short="outside",
         interval=_share(_of_band("outside"), lambda group: group.added.total())),
    *_quartiles("words_added_by_others", "words added, others", "added_by_others",
                {"comparison": ["median"], "growth": ["median"]}),
    *_quartiles("instruction_words", _INSTRUCTION, "instruction_words",
                {"generations": _HALF, "comparison": ["median"], "instruction lengths": _ALL_FIVE}),
    *_quartiles("output_words", _ANSWER, "output_words",
                {"generations": _HALF, "comparison": ["median"], "answer lengths": _ALL_FIVE}),
    _row("calls", "calls", lambda group: group.calls, number,
         "json", "csv", "purposes", "spending", "tokens"),
    _row("prompt_tokens", "tokens of prompts", lambda group: group.prompt_tokens, _sum_of_tokens,
         "tokens"),
    _row("completion_tokens", "tokens of replies", lambda group: group.completion_tokens,
         _sum_of_tokens, "tokens"),
    _row("tokens", "tokens", lambda group: group.tokens, _sum_of_tokens,
         "json", "csv", "generations", "purposes", "spending", section=_SPENT),
    _row("cached_tokens", "of them cached", lambda group: group.cached_tokens, _sum_of_tokens,
         "json", "csv", "generations", "purposes", "tokens", section=_SPENT, short="cached"),
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
         "csv", "generations", "diversity", section=_DIVERSITY,
         interval=_share(_of_sample(lambda found: found.copies),
                         _of_sample(lambda found: found.texts))),
    *(_row(f"distinct_{length}", f"distinct-{length}", _distinct(length), _fraction,
           "csv", "generations", "diversity", section=_DIVERSITY)
      for length in (1, 2, 3)),
    *_means(),
    _row("not_harder", "not harder than the parent", _of_difficulty(lambda of: of.not_harder),
         number, "json", "csv"),
    _row("not_harder_share", "not harder than the parent",
         _of_difficulty(lambda of: of.not_harder_share), percent,
         "json", "csv", "comparison", "difficulty", short="not harder",
         interval=_share(_of_difficulty(lambda of: of.not_harder_share),
                         _of_difficulty(lambda of: of.gain.count))),
    _row("cost_per_point", "cost per point gained", lambda group: group.cost_per_point, _money,
         "json", "csv", "comparison", "difficulty", short="cost per point"),
)
# fmt: on
"""Every statistic of a group, in the order in which tables show them."""


def in_table(table: Table) -> list[Statistic]:
    """Return the statistics that a table shows, in their order."""
    return [statistic for statistic in STATISTICS if table in statistic.tables]


def find(key: str) -> Statistic:
    """Return the statistic of that key."""
    return next(statistic for statistic in STATISTICS if statistic.key == key)
