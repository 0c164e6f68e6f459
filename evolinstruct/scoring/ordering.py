"""Difficulty by order: families ranked among anchors, and pairs of neighbours.

What judges say is an order either way, and one model puts it on one scale: see `scale`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from evolinstruct.draws import draw_order
from evolinstruct.judges import Missing, all_judged, shown
from evolinstruct.llm.base import CallContext, Reply
from evolinstruct.reading import Order, read_order
from evolinstruct.records import Kept, text_digest
from evolinstruct.run.stage import Stage
from evolinstruct.scoring import scale
from evolinstruct.scoring.asking import MeasureJudge
from evolinstruct.scoring.method import ByItem, Judged, Method, Take, Working
from evolinstruct.scoring.scale import Comparison
from evolinstruct.scoring.scores import Score
from evolinstruct.scoring.texts import Texts, drawn

ROUNDS = 8
"""Opponents of each text, in both orders: an anchor and another text in turn."""
_GROUP = 8  # texts of a family in one prompt, beside five anchors
_LABELS = "ABCDEFGHIJKLMNOPQRSTUVW"
_NEAR = 12  # places among which a text finds an opponent that it has not met
_ANCHORS = Path(__file__).parents[1] / "data" / "anchors.txt"


@cache
def anchors() -> dict[str, str]:
    """Return the anchors by their ids, the easiest first."""
    lines = _ANCHORS.read_text(encoding="utf-8").splitlines()
    texts = [line for line in lines if line and not line.startswith("#")]
    return {f"(anchor {number})": text for number, text in enumerate(texts, 1)}


@cache
def fixed() -> dict[str, float]:
    """Return the place of each anchor on the scale."""
    return {name: float(place) for place, name in enumerate(anchors(), 1)}


async def _order(judge: MeasureJudge, about: str, shown_texts: Mapping[str, str]) -> Order:
    """Ask for the order of texts by their ids, shown in the order in which they come.

    Raises:
        NotJudgedError: no reply states it.
    """
    named = dict(zip(_LABELS, shown_texts, strict=False))
    items = tuple((label, shown(shown_texts[name])) for label, name in named.items())
    listed = "\n\n".join(f"[{label}]\n{text}" for label, text in items)
    context = CallContext(0, None, None, None, listed, items=items)

    def read(reply: Reply) -> Order | None:
        order = read_order(reply.text, tuple(named))
        return order and tuple(tuple(named[label] for label in tier) for tier in order)

    return await judge.judged(about, {"items": listed}, context, read)


class Ranking(ByItem[list[Kept]]):
    """Each family is put in order among anchors, and once more the other way round."""

    def __init__(self, judge: MeasureJudge, seed: int) -> None:
        """Bind the judge, and the number that orders are drawn from."""
        self._judge = judge
        self.way = judge.way
        self._seed = seed

    def items(self, texts: Texts) -> Iterator[list[Kept]]:
        """Yield what is asked about at once: a family, or a part of a large one."""
        for family in texts.families():
            for start in range(0, len(family), _GROUP):
                yield family[start : start + _GROUP]

    def takes(self, item: list[Kept]) -> Iterator[Take]:
        """Yield what putting a family in order takes."""
        own = sum(len(shown(line.instruction)) for line in item)
        anchored = sum(map(len, anchors().values()))  # one half of them in either order
        yield Take("score", 2, 2 * (len(self._judge.measure.template.text) + own) + anchored)

    async def judge(self, item: list[Kept]) -> Judged:
        """Ask for both orders; where one is missing, the other alone counts."""
        places, missing = await all_judged(self._places(item, number) for number in range(2))
        return Judged([self._score(line, places) for line in item] if places else [], missing)

    async def _places(self, family: list[Kept], number: int) -> dict[str, float]:
        """Return where one order puts each text: the first shows the odd anchors."""
        texts = {line.id: line.instruction for line in family}
        known = list(anchors().items())
        slots = {f"(place {place})": known[2 * place + number] for place in range(5)}
        order = draw_order([*texts, *slots], self._seed, family[0].id)
        if number:
            order.reverse()
        in_order = dict(slots[name] if name in slots else (name, texts[name]) for name in order)
        found = await _order(self._judge, f"{family[0].id}/{number}", in_order)
        return scale.fit(scale.comparisons(found), fixed())

    def _score(self, line: Kept, places: Sequence[Mapping[str, float]]) -> Score:
        values = [each[line.id] for each in places]
        spread = (round(min(values), 2), round(max(values), 2)) if len(values) > 1 else None
        mean, digest = round(sum(values) / len(values), 2), text_digest(line.instruction)
        return Score.of(line.id, self.way, mean, spread, len(values), digest)


class Pair(NamedTuple):
    """Two texts to be held against each other, by id and text, and in which round."""

    one: tuple[str, str]
    other: tuple[str, str]
    round: int


def _anchored(
    names: Iterable[str], places: Mapping[str, float], met: set[frozenset[str]]
) -> Iterator[tuple[str, str]]:
    """Yield each text with the nearest anchor that it has not met."""
    for one in names:
        here = places.get(one, scale.MIDDLE)
        for other in sorted(fixed(), key=lambda name: abs(fixed()[name] - here)):
            if frozenset((one, other)) not in met:
                met.add(frozenset((one, other)))
                yield one, other
                break


def _neighbours(order: Iterable[str], met: set[frozenset[str]]) -> Iterator[tuple[str, str]]:
    """Yield pairs of texts that stand near each other in an order and have not met."""
    waiting = deque[str]()
    for other in order:
        one = next((name for name in waiting if frozenset((name, other)) not in met), None)
        if one is None:
            waiting.append(other)
        else:
            waiting.remove(one)
            met.add(frozenset((one, other)))
            yield one, other
        if len(waiting) > _NEAR:
            waiting.popleft()


class Pairwise(Method[Pair]):
    """A sample is held against anchors, and against each other by a Swiss schedule, by turns.

    With texts alone, a chain of neighbours ties the scale together, and drifts; with anchors alone,
    texts that are near each other are hardly told apart.
    """

    def __init__(self, judge: MeasureJudge, seed: int, sample: int | None) -> None:
        """Bind the judge, what draws are made from, and how many texts are drawn; None for all."""
        self._judge = judge
        self.way = judge.way
        self._seed = seed
        self._sample = sample

    def items(self, texts: Texts) -> Iterator[Pair]:
        """Yield as many pairs as there will be; which they are, the rounds decide."""
        names = {line.id: line.instruction for line in drawn(texts, self._sample, self._seed)}
        for number in range(ROUNDS):
            yield from self._paired(names, {}, set(), number)

    def takes(self, item: Pair) -> Iterator[Take]:
        """Yield what comparing a pair takes."""
        texts = (shown(text) for _, text in (item.one, item.other))
        yield Take("score", 2, 2 * (len(self._judge.measure.template.text) + sum(map(len, texts))))

    async def results(self, texts: Texts, ahead: int, working: Working) -> AsyncGenerator[Judged]:
        """Play the rounds; yield what came of each pair, and in the end the scores."""
        lines = {line.id: line for line in drawn(texts, self._sample, self._seed)}
        names = {name: line.instruction for name, line in lines.items()}
        found: list[Comparison] = []
        places: dict[str, float] = {}
        met: set[frozenset[str]] = set()
        for number in range(ROUNDS):
            stage = Stage(self._compared, ahead)
            working(stage)
            pairs = self._paired(names, places, met, number)
            async with aclosing(stage.results(iter(pairs))) as results:
                async for said, missing in results:
                    found += said
                    yield Judged(missing=missing)
            places = scale.fit(found, fixed(), places)
        yield Judged(self._scores(lines, found, places))

    def _paired(
        self,
        names: Mapping[str, str],
        places: Mapping[str, float],
        met: set[frozenset[str]],
        number: int,
    ) -> list[Pair]:
        """Return the pairs of a round: neighbours by their places so far that have not met."""
        pair = partial(Pair, round=number)
        if number % 2 == 0:
            chosen = _anchored(names, places, met)
            known = anchors()
            return [pair((one, names[one]), (other, known[other])) for one, other in chosen]
        order = draw_order(names, self._seed, f"round-{number}")
        order.sort(key=lambda name: places.get(name, 0.0))
        chosen = _neighbours(order, met)
        return [pair((one, names[one]), (other, names[other])) for one, other in chosen]

    async def _compared(self, pair: Pair) -> tuple[list[Comparison], list[Missing]]:
        """Ask both orders; return how the two stand, and what judgements are missing."""
        orders, missing = await all_judged(
            _order(self._judge, f"{one[0]}:{other[0]}", dict((one, other)))
            for one, other in ((pair.one, pair.other), (pair.other, pair.one))
        )
        return [each for order in orders for each in scale.comparisons(order)], missing

    def _scores(
        self,
        lines: Mapping[str, Kept],
        found: Sequence[Comparison],
        places: Mapping[str, float],
    ) -> list[Score]:
        spans = scale.intervals(found, fixed(), places, self._seed)
        times: defaultdict[str, int] = defaultdict(int)
        for one, other, *_ in found:
            times[one] += 1
            times[other] += 1
        return [
            Score.of(
                name,
                self.way,
                round(places[name], 2),
                _rounded(spans[name]),
                times[name],
                text_digest(line.instruction),
            )
            for name, line in lines.items()
            if name in places
        ]


def _rounded(span: tuple[float, float]) -> tuple[float, float]:
    return round(span[0], 2), round(span[1], 2)
