"""Estimate: what a run is likely to take in calls, tokens, money and time.

Follows the mean instruction from generation to generation: the seeds' real lengths, the pack's real
prompts, and what usually becomes of calls, or what has become of them so far in this run. Calls
that the journal answers are taken off. Makes no call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import takewhile
from typing import Any

from evolinstruct.elimination import COMPARISON
from evolinstruct.evolution.answering import times_asked
from evolinstruct.evolution.asking import shown_with
from evolinstruct.evolution.preferring import ANSWERS
from evolinstruct.llm.prices import Tariff
from evolinstruct.prompts import Messages, Operation, Pack, known_measures
from evolinstruct.purposes import PURPOSES, asked_by, is_on
from evolinstruct.records import Kept
from evolinstruct.settings import Execution, Recipe

# What texts usually take.
CHARACTERS_PER_TOKEN = 4.0
GROWTH = 90.0
"""Characters that an in-depth rewrite adds: 15 words."""
ANSWER = 1_400.0
"""Characters of an answer."""
DATA = 900.0
"""Characters that a rewrite with data in a format adds."""
PLAN = 260.0
"""Characters that a model writes outside the marks where the pack has marks: up to three lines of
thought, for which the marks are there. Where data is added, no thought is asked for."""
CACHED_FROM = 1_024
"""Tokens from which on a beginning that prompts share is cheaper at services with a cache."""

# How fast calls usually come back.
IN_FLIGHT = 64
"""Calls under way, where their number is to be found by the run."""
FIRST_TOKEN = 0.5
"""Seconds before a reply begins."""
TOKENS_PER_SECOND = 50.0
"""Of one reply."""
ROUND = 1_800.0
"""Seconds of a round of batches."""
FREE_RATE = 1_000.0
"""Calls a second of a client that asks nobody."""

_NO_TEXTS = {"parent": "", "child": "", "answer": ""}
_UNLIKE = ("Explain tides.", "Why is the sea salty?", "Name three rivers of Asia.", "Draw.")
"""Instructions that differ from the first letter on, also in their number of words."""

ENOUGH = 200
"""So many rewrites of a run tell more about the rest of it than the figures above."""


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """What the calls of one generation for one purpose are likely to take, beyond the journal.

    Attributes:
        generation: 0 where seeds are answered.
        purpose: evolve, compare, answer.
        calls: how many.
        prompt_tokens: tokens in.
        completion_tokens: tokens out.
        cost: dollars, without any discount for cached tokens; None where the price is unknown.
        repeated_tokens: tokens in that a service with a cache has seen before, at best.
    """

    generation: int
    purpose: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal | None
    repeated_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run is likely to take, beyond what its journal holds.

    Attributes:
        lines: by generation and purpose.
        based_on: where the shares and lengths are from.
        seconds: how long it is likely to take.
        rate: the speed which that assumes, in words.
        priced_by: the tables that the prices are from, in words.
    """

    lines: tuple[EstimateRow, ...]
    based_on: str
    seconds: float
    rate: str
    priced_by: tuple[str, ...] = ()

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(line.calls for line in self.lines)

    @property
    def prompt_tokens(self) -> int:
        """All tokens in."""
        return sum(line.prompt_tokens for line in self.lines)

    @property
    def completion_tokens(self) -> int:
        """All tokens out."""
        return sum(line.completion_tokens for line in self.lines)

    @property
    def repeated_share(self) -> float:
        """The share of the tokens in that a service with a cache has seen before, at best."""
        return sum(line.repeated_tokens for line in self.lines) / max(self.prompt_tokens, 1)

    @property
    def cost(self) -> Decimal | None:
        """All dollars; None where a price is unknown."""
        costs = [line.cost for line in self.lines]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost": _number(self.cost),
            "priced_by": list(self.priced_by),
            "repeated_share": round(self.repeated_share, 4),
            "seconds": round(self.seconds),
            "rate": self.rate,
            "based_on": self.based_on,
            "by": [{**asdict(line), "cost": _number(line.cost)} for line in self.lines],
        }


@dataclass(frozen=True, slots=True)
class _Means:
    """What the calls of a purpose take in the mean.

    Attributes:
        share: calls for each rewrite.
        prompt: tokens in, of each; None if unknown.
        completion: tokens out, of each; None if unknown.
        at: the generation that the tokens were seen in, in the mean.
    """

    share: float
    prompt: float | None = None
    completion: float | None = None
    at: float = 0.0


def estimate(
    recipe: Recipe,
    execution: Execution,
    tariff: Tariff,
    pack: Pack,
    weights: Mapping[str, float],
    seeds: Iterable[Kept],
    usage: Sequence[Mapping[str, Any]],
    spared: Mapping[tuple[int, str], int],
) -> Estimate:
    """Return what a run is likely to take.

    Args:
        recipe: what is asked for.
        execution: how it is carried out.
        tariff: the prices.
        pack: the prompts.
        weights: of the operations in use.
        seeds: all of them.
        usage: what the run has used so far, as run.json has it.
        spared: calls that the journal answers, by generation and purpose.
    """
    size = characters = unanswered = 0
    for seed in seeds:
        size += 1
        characters += len(seed.instruction)
        unanswered += seed.output is None
    seen = _seen(usage)
    reckoned = _Reckoning(recipe, pack, weights, seen, size, characters / max(size, 1))
    beginnings = _Beginnings(recipe, pack, weights)
    lines, tables = [], dict[str | None, None]()
    expected = [*reckoned.seeds(unanswered), *reckoned.generations()]
    for generation, purpose, calls, prompt, completion in expected:
        left = max(0, round(calls) - spared.get((generation, purpose), 0))
        tokens = round(left * prompt), round(left * completion)
        model = recipe.setting("model", purpose) or ""
        cost = tariff.likely_cost(purpose, model, left, *tokens)
        tables[tariff.source(purpose, model)] = None
        repeated = beginnings.repeated(purpose, left)
        lines.append(EstimateRow(generation, purpose, left, *tokens, cost, repeated))
    based_on = "this run so far" if seen else "usual shares and lengths"
    known = tuple(filter(None, tables))
    return Estimate(tuple(lines), based_on, *_time(lines, recipe, execution, tariff), known)


class _Beginnings:
    """What prompts begin with that is the same in many of them."""

    def __init__(self, recipe: Recipe, pack: Pack, weights: Mapping[str, float]) -> None:
        drawn = {item: weights.get(item.name, 0.0) for item in pack.operations}
        total = sum(drawn.values())
        self._shared: dict[str, list[tuple[float, float]]] = {}  # (share of calls, tokens)
        for name in asked_by(recipe, pack.checks):
            row = PURPOSES[name]
            if row.worded_by == "operations":
                self._shared[name] = [
                    (weight / total / len(shared), tokens)
                    for item, weight in drawn.items()
                    for shared in [_of_operation(pack, item, recipe.seed)]
                    for tokens in shared
                ]
            else:
                texts = [{"parent": text, "child": text, "answer": text} for text in _UNLIKE]
                self._shared[name] = [(1.0, _common(_prompt(pack, name, each) for each in texts))]

    def repeated(self, purpose: str, calls: int) -> int:
        """Return the tokens of so many calls that begin as an earlier call of theirs does."""
        return round(
            sum(
                max(0.0, calls * share - 1) * tokens
                for share, tokens in self._shared[purpose]
                if tokens >= CACHED_FROM
            )
        )


def _of_operation(pack: Pack, operation: Operation, seed: int) -> list[float]:
    """Return the tokens with which an operation's prompts begin alike, with each format's."""
    if not operation.uses_format:
        return [_common(pack.evolve(operation.name, text) for text in _UNLIKE)]
    return [
        _common(
            pack.evolve(operation.name, text, drawn, shown_with(drawn, pack, seed, text))
            for text in _UNLIKE
        )
        for drawn in pack.formats
    ]


def _prompt(pack: Pack, purpose: str, texts: Mapping[str, str]) -> Messages:
    """Return the prompt of a purpose that no operation words; none where code is what is sent."""
    row = PURPOSES[purpose]
    if row.worded_by == "code":  # which costs nothing
        return ()
    if row.worded_by == "measures":  # of those, a run asks for preferences alone
        measure = known_measures(pack)[ANSWERS]
        return measure.render({place: texts[text] for place, text in row.prompt.items()})
    return pack.prompt(purpose, **texts)


def _common(prompts: Iterable[Sequence[tuple[str, str]]]) -> float:
    """Return the tokens with which all of these prompts begin."""
    texts = ["".join(content for _, content in messages) for messages in prompts]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    return sum(1 for _ in alike) / CHARACTERS_PER_TOKEN


def usual_calls(recipe: Recipe, pack: Pack, weights: Mapping[str, float]) -> float:
    """Return how many calls a rewrite usually takes, up to its answer."""
    return _Reckoning(recipe, pack, weights, {}, 0, 0.0).calls


class _Reckoning:
    """Follows the mean instruction from generation to generation."""

    def __init__(
        self,
        recipe: Recipe,
        pack: Pack,
        weights: Mapping[str, float],
        seen: Mapping[str, _Means],
        size: int,
        length: float,
    ) -> None:
        self._recipe = recipe
        self._size = size
        self._length = length
        drawn = {item: weights.get(item.name, 0.0) for item in pack.operations}
        total = sum(drawn.values())
        self._growth = sum(share * _growth(item) for item, share in drawn.items()) / total
        self._plan = sum(share * _plan(pack, item) for item, share in drawn.items()) / total
        frames = {item: _frame(pack, item) for item in drawn}
        evolve = sum(share * frames[item] for item, share in drawn.items()) / total
        self._rows = {name: PURPOSES[name] for name in asked_by(recipe, pack.checks)}
        self._times = {name: times_asked(name, recipe, pack.checks) for name in self._rows}
        self._frames = {
            name: evolve
            if row.worded_by == "operations"
            else _characters(_prompt(pack, name, _NO_TEXTS))
            for name, row in self._rows.items()
        }
        asked = sum(share for item, share in drawn.items() if COMPARISON not in item.skips) / total
        usual, self._kept = self._usual(asked)
        self._means = {**usual, **seen}

    @property
    def calls(self) -> float:
        """Calls for each rewrite."""
        asked = [name for name, row in self._rows.items() if row.is_asked_of_rewrites(self._recipe)]
        return sum(self._means[name].share for name in asked)

    def _usual(self, compared: float) -> tuple[dict[str, _Means], float]:
        """Return what calls usually take, and the share of rewrites that is usually kept.

        `compared` is the share of rewrites whose operation does not skip the comparison.
        """
        passing, means = 1.0, {}
        for name, row in self._rows.items():
            asked = compared if row.reply == "verdict" else 1.0
            calls = passing * asked * self._times[name] * (1 + row.again)
            means[name] = _Means(calls, completion=row.tokens)
            if row.is_asked_of_rewrites(self._recipe) and is_on(row.judged_if, self._recipe):
                passing *= 1 - (1 - row.passes) * asked
        return means, passing

    def seeds(self, unanswered: int) -> Iterator[tuple[int, str, float, float, float]]:
        """Yield what answering the seeds takes: place, calls, tokens of each in and out."""
        for name, row in self._rows.items():
            if row.is_asked_of_seeds(self._recipe):
                calls = unanswered * self._times[name]
                yield self._line(0, name, calls, self._frames[name] + self._length)

    def generations(self) -> Iterator[tuple[int, str, float, float, float]]:
        """Yield what each generation takes, likewise."""
        for generation in range(1, self._recipe.generations + 1):
            child = self._length + self._growth
            texts = {"parent": self._length, "child": child, "answer": ANSWER}
            for name, row in self._rows.items():
                if row.is_asked_of_rewrites(self._recipe):
                    prompt = self._frames[name] + sum(texts[text] for text in row.prompt.values())
                    calls = self._size * self._means[name].share
                    said = child + self._plan if row.reply == "instruction" else child
                    said *= row.asks == "model"
                    yield self._line(generation, name, calls, prompt, said)
            self._length += self._kept * self._growth

    def _line(
        self, generation: int, purpose: str, calls: float, prompt: float, said: float = 0.0
    ) -> tuple[int, str, float, float, float]:
        known, row = self._means[purpose], self._rows[purpose]
        tokens, out = prompt / CHARACTERS_PER_TOKEN, said / CHARACTERS_PER_TOKEN
        # What was seen is of earlier generations, whose instructions were shorter.
        longer = (generation - known.at) * self._kept * self._growth / CHARACTERS_PER_TOKEN
        if known.prompt:
            grown = sum(text != "answer" for text in row.prompt.values())
            tokens = known.prompt + longer * grown
        if known.completion:
            grows = known.prompt is not None and row.reply == "instruction"
            out = known.completion + longer * grows
        limit = self._recipe.setting("max_tokens", purpose)
        return generation, purpose, calls, tokens, min(out, limit or out)


def _seen(usage: Sequence[Mapping[str, Any]]) -> dict[str, _Means]:
    """Return what a run has shown of its calls, nothing where that is too little to tell."""
    totals: dict[str, list[int]] = {}
    for row in usage:
        if row.get("generation"):
            names = ("replies", "prompt_tokens", "completion_tokens")
            counts = [int(row.get(name) or 0) for name in names]
            counts.append(counts[0] * row["generation"])
            before = totals.get(row["purpose"], [0, 0, 0, 0])
            totals[row["purpose"]] = [a + b for a, b in zip(before, counts, strict=True)]
    rewrites = totals.get("evolve", [0])[0]
    if rewrites < ENOUGH:
        return {}
    return {
        purpose: _Means(
            replies / rewrites if purpose != "evolve" else 1.0,
            prompt / replies or None,
            completion / replies or None,
            at / replies,
        )
        for purpose, (replies, prompt, completion, at) in totals.items()
        if replies
    }


def _time(
    lines: Sequence[EstimateRow], recipe: Recipe, execution: Execution, tariff: Tariff
) -> tuple[float, str]:
    """Return the seconds that calls are likely to take, and the rate assumed."""
    calls = sum(line.calls for line in lines)
    out = sum(line.completion_tokens for line in lines)
    tokens = out + sum(line.prompt_tokens for line in lines)
    if tariff.free:
        return calls / FREE_RATE, f"{FREE_RATE:,.0f} calls a second"
    if execution.in_batches:
        number = rounds(recipe)
        return number * ROUND, f"{number} rounds of batches, half an hour each (24 hours at most)"
    in_flight = execution.concurrency or min(IN_FLIGHT, execution.max_concurrency or IN_FLIGHT)
    bounds = [
        (
            (calls * FIRST_TOKEN + out / TOKENS_PER_SECOND) / in_flight,
            f"{in_flight} calls under way, {TOKENS_PER_SECOND:g} tokens a second each",
        )
    ]
    if execution.rpm is not None:
        bounds.append((calls * 60 / execution.rpm, f"--rpm {execution.rpm:,}"))
    if execution.tpm is not None:
        bounds.append((tokens * 60 / execution.tpm, f"--tpm {execution.tpm:,}"))
    return max(bounds)


def rounds(recipe: Recipe) -> int:
    """Return how many rounds of batches a run takes, without those for what is asked once more."""
    rows = [row for row in PURPOSES.values() if not row.of_stages]
    each = sum(row.is_asked_of_rewrites(recipe) for row in rows)
    return each * recipe.generations + any(row.is_asked_of_seeds(recipe) for row in rows)


def _growth(operation: Operation) -> float:
    if operation.uses_format:
        return DATA
    return GROWTH if operation.kind == "in-depth" else 0.0


def _plan(pack: Pack, operation: Operation) -> float:
    return PLAN if pack.marks and not operation.uses_format else 0.0


def _frame(pack: Pack, operation: Operation) -> float:
    """Return the characters of an operation's prompt around the instruction."""
    if not operation.uses_format:
        return _characters(pack.evolve(operation.name, ""))
    drawn, *shown = pack.formats
    return _characters(pack.evolve(operation.name, "", drawn, shown))


def _characters(messages: Sequence[tuple[str, str]]) -> float:
    return float(sum(len(content) for _, content in messages))


def _number(cost: Decimal | None) -> float | None:
    return None if cost is None else round(float(cost), 6)
