"""Results: what the verdicts of models and people come to, for summary.json, terminal and page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from evolinstruct.agreement import agreement
from evolinstruct.judging.contest import Contest, Pair
from evolinstruct.judging.statistics import (
    length_controlled,
    noise,
    strengths,
    win_rate,
)
from evolinstruct.judging.verdicts import Verdict, people, person_verdicts
from evolinstruct.preference import Said, turned
from evolinstruct.text import counted

Kind = Literal["model", "person", "all models", "all people"]
OVERALL, BAND, SKILL = "overall", "band", "skill"
_POINTS: dict[Said, float] = {
    "first_clearly": 1.0,
    "first": 1.0,
    "tie": 0.5,
    "second": 0.0,
    "second_clearly": 0.0,
}
_CLEARLY: tuple[Said, ...] = ("first_clearly", "second_clearly")
_BANDS = ("1-4", "5-7", "8-10")
_SEVERAL = 3
Place = tuple[str, str, str]
"""A question and two contestants, by their names, in the contest's order."""


@dataclass(frozen=True, slots=True)
class JudgeCounts:
    """What a judge said, counted.

    Attributes:
        judge: the judge.
        kind: a model or a person.
        verdicts: pairs with a verdict.
        missing: pairs without one.
        ties: pairs where none is better, flips included.
        flips: pairs where the two orders name different winners; None for a person.
        first: the share of a model's winners that were shown first; one half is fair.
        clearly: pairs where one is better by far.
        void: a person's verdicts on texts that have changed since, or are gone.
    """

    judge: str
    kind: Kind
    verdicts: int
    missing: int = 0
    ties: int = 0
    flips: int | None = None
    first: float | None = None
    clearly: int = 0
    void: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """How often one contestant wins against another, by one judge, on some questions.

    Attributes:
        judge: the judge, or several together.
        first: the contestant whose rate it is.
        second: the other one.
        group: ``overall``, ``band`` or ``skill``.
        name: of the band or skill; empty for all.
        questions: how many have a verdict.
        wins: questions that the first one wins; of several judges, that most find so.
        ties: questions that none wins.
        losses: questions that the second one wins.
        rate: the mean of wins and half ties.
        low: the lower end of where it may lie, 95 times in 100.
        high: the upper end.
        controlled: the rate at equal lengths; None where lengths tell nothing.
        controlled_low: its lower end.
        controlled_high: its upper end.
        noise: how far from one half it may be by chance.
    """

    judge: str
    first: str
    second: str
    group: str
    name: str
    questions: int
    wins: int
    ties: int
    losses: int
    rate: float
    low: float
    high: float
    controlled: float | None
    controlled_low: float | None
    controlled_high: float | None
    noise: float

    @property
    def says(self) -> str:
        """What differences mean nothing here, in a sentence."""
        points = counted(round(100 * self.noise), "point")
        return f"{counted(self.questions, 'question')}: differences under {points} are noise"


@dataclass(frozen=True, slots=True)
class Strength:
    """A contestant's win rate against an average one, by one judge (Bradley-Terry)."""

    judge: str
    contestant: str
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreed:
    """How far two judges agree: on so many pairs, the share of the same winner, and kappa."""

    one: str
    other: str
    pairs: int
    same: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Results:
    """All that the verdicts of a directory come to.

    Attributes:
        contestants: their names, in order.
        questions: how many questions there are.
        lengths: the mean length of each contestant's texts, in characters.
        judges: what each judge said, counted.
        rates: win rates, by judge, pair and group.
        strengths: of three contestants and more.
        agreements: of each two judges.
    """

    contestants: tuple[str, ...]
    questions: int
    lengths: dict[str, float | None]
    judges: list[JudgeCounts]
    rates: list[Rate]
    strengths: list[Strength]
    agreements: list[Agreed]

    def overall(self) -> Iterator[Rate]:
        """Yield the rates over all questions."""
        return (rate for rate in self.rates if rate.group == OVERALL)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, figures rounded to four digits."""
        rates = [{**_rounded(each), "says": each.says} for each in self.rates]
        return {
            "contestants": [
                {"name": name, "mean_length": _short(self.lengths[name])}
                for name in self.contestants
            ],
            "questions": self.questions,
            "judges": [*map(_rounded, self.judges)],
            "rates": rates,
            "strengths": [*map(_rounded, self.strengths)],
            "agreements": [*map(_rounded, self.agreements)],
        }


def _rounded(record: Any) -> dict[str, Any]:
    return {name: _short(value) for name, value in asdict(record).items()}


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


@dataclass(slots=True)
class _Opinion:
    """What one judge, or several together, say of pairs: points of the first contestant."""

    name: str
    points: dict[Place, float] = field(default_factory=dict)

    def winners(self) -> dict[Place, str]:
        """Return who wins each pair: ``first``, ``second`` or ``tie``."""
        return {place: _winner(points) for place, points in self.points.items()}


def _winner(points: float) -> str:
    return "tie" if points == 0.5 else "first" if points > 0.5 else "second"  # noqa: PLR2004


def find_results(directory: Path, contest: Contest, verdicts: Iterable[Verdict]) -> Results:
    """Return what the verdicts of models, and those of people in the directory, come to.

    Raises:
        InputError: a file of a person's verdicts is damaged.
    """
    pairs = {(pair.question.id, pair.first, pair.second): pair for pair in contest.pairs()}
    models, counts = _of_models(verdicts)
    persons, counted_people = _of_people(directory, pairs)
    groups = [*models, *_together("all models", models)]
    groups += [*persons, *_together("all people", persons)]
    return Results(
        contestants=tuple(contest.contestants),
        questions=len(contest.questions),
        lengths={name: _mean_length(contest, name) for name in contest.contestants},
        judges=[*counts, *counted_people],
        rates=[rate for opinion in groups for rate in _rates(opinion, pairs, contest)],
        strengths=[each for opinion in groups for each in _strengths(opinion, contest)],
        agreements=list(_agreements([*models, *persons])),
    )


def _mean_length(contest: Contest, name: str) -> float | None:
    lengths = [len(text) for (_, by), text in contest.texts.items() if by == name]
    return fmean(lengths) if lengths else None


# Who said what


def _of_models(verdicts: Iterable[Verdict]) -> tuple[list[_Opinion], list[JudgeCounts]]:
    by_judge: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_judge.setdefault(verdict.judge, []).append(verdict)
    opinions = [
        _Opinion(
            judge,
            {
                (each.question_id, each.first, each.second): _POINTS[each.verdict]
                for each in said
                if each.verdict is not None
            },
        )
        for judge, said in by_judge.items()
    ]
    return opinions, [_counted(judge, said) for judge, said in by_judge.items()]


def _counted(judge: str, said: Sequence[Verdict]) -> JudgeCounts:
    found = Counter(each.verdict for each in said)
    shown_first = [
        side
        for each in said
        for side in (_shown_first(each.as_given), _shown_first(each.turned and turned(each.turned)))
        if side is not None
    ]
    return JudgeCounts(
        judge,
        "model",
        verdicts=len(said) - found[None],
        missing=found[None],
        ties=found["tie"],
        flips=sum(each.flipped for each in said),
        first=fmean(shown_first) if shown_first else None,
        clearly=sum(found[name] for name in _CLEARLY),
    )


def _shown_first(said: Said | None) -> bool | None:
    """Tell whether the text that was shown first wins; None where none does."""
    return None if said in (None, "tie") else said.startswith("first")


def _of_people(
    directory: Path, pairs: Mapping[Place, Pair]
) -> tuple[list[_Opinion], list[JudgeCounts]]:
    opinions, counts = [], []
    for person in people(directory):
        opinion, void = _Opinion(person), 0
        for said in person_verdicts(directory, person):
            place, points = (said.question_id, said.first, said.second), _POINTS[said.verdict]
            if place not in pairs:
                place, points = (said.question_id, said.second, said.first), 1 - points
            if place in pairs and pairs[place].text_digest == said.text_digest:
                opinion.points[place] = points
            else:
                void += 1
        ties = [*opinion.winners().values()].count("tie")
        counts.append(JudgeCounts(person, "person", len(opinion.points), ties=ties, void=void))
        opinions.append(opinion)
    return opinions, counts


def _together(name: str, opinions: Sequence[_Opinion]) -> Iterator[_Opinion]:
    """Yield the mean of what several judges say, where there are several."""
    if len(opinions) < 2:  # noqa: PLR2004
        return
    said: dict[Place, list[float]] = {}
    for opinion in opinions:
        for place, points in opinion.points.items():
            said.setdefault(place, []).append(points)
    yield _Opinion(name, {place: fmean(points) for place, points in said.items()})


# What it comes to


def _rates(opinion: _Opinion, pairs: Mapping[Place, Pair], contest: Contest) -> Iterator[Rate]:
    for first, second in combinations(contest.contestants, 2):
        places = [
            place for place in pairs if place[1:] == (first, second) and place in opinion.points
        ]
        for (group, name), members in _grouped(places, pairs).items():
            points = [opinion.points[place] for place in members]
            longer = [
                float(len(pairs[place].first_text) - len(pairs[place].second_text))
                for place in members
            ]
            key = "/".join((opinion.name, first, second, group, name))
            yield _rate(opinion.name, (first, second), (group, name), points, longer, key)


def _grouped(
    places: Sequence[Place], pairs: Mapping[Place, Pair]
) -> dict[tuple[str, str], list[Place]]:
    """Return the places of all questions, of each band, and of each skill."""
    found: dict[tuple[str, str], list[Place]] = {(OVERALL, ""): list(places)} if places else {}
    for kind in (BAND, SKILL):
        named: dict[str, list[Place]] = {}
        for place in places:
            if (name := getattr(pairs[place].question, kind)) is not None:
                named.setdefault(name, []).append(place)
        for name in sorted(named, key=_order_of(kind)):
            found[kind, name] = named[name]
    return found


def _order_of(kind: str) -> Any:
    """Return what sorts bands by their numbers, and skills by their names."""
    return (lambda name: int(name.partition("-")[0])) if kind == BAND else str.casefold


def _rate(
    judge: str,
    contestants: tuple[str, str],
    group: tuple[str, str],
    points: Sequence[float],
    longer: Sequence[float],
    key: str,
) -> Rate:
    winners = Counter(map(_winner, points))
    raw = win_rate(points, key)
    equal = length_controlled(points, longer)
    return Rate(
        judge,
        *contestants,
        *group,
        questions=len(points),
        wins=winners["first"],
        ties=winners["tie"],
        losses=winners["second"],
        rate=raw.value,
        low=raw.low,
        high=raw.high,
        controlled=equal and equal.value,
        controlled_low=equal and equal.low,
        controlled_high=equal and equal.high,
        noise=noise(points),
    )


def _strengths(opinion: _Opinion, contest: Contest) -> Iterator[Strength]:
    met: dict[str, dict[tuple[str, str], float]] = {}
    for (question, first, second), points in opinion.points.items():
        met.setdefault(question, {})[first, second] = points
    if len(contest.contestants) < _SEVERAL or not met:
        return
    found = strengths([*met.values()], f"{opinion.name}/strengths")
    for name in sorted(found, key=lambda name: -found[name].value):
        yield Strength(opinion.name, name, *found[name])


def _agreements(opinions: Sequence[_Opinion]) -> Iterator[Agreed]:
    for one, other in combinations(opinions, 2):
        ours, theirs = one.winners(), other.winners()
        said = [(ours[place], theirs[place]) for place in ours if place in theirs]
        if (found := agreement(said)) is not None:
            yield Agreed(one.name, other.name, *found)
