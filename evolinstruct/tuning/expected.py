"""What tuning takes at most, reckoned before the first call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from evolinstruct.llm.prices import Tariff
from evolinstruct.prompts import Pack, Tunable
from evolinstruct.purposes import PURPOSES
from evolinstruct.settings import Recipe
from evolinstruct.tuning.optimizing import ANALYSE, OPTIMIZE

_CHARACTERS_PER_TOKEN = 4
_GROWTH = 80
"""Characters that a rewrite adds, usually."""
_ORDER_TOKENS, _ORDER_CHARACTERS = 60, 3_000


class Size(NamedTuple):
    """How much is asked.

    Attributes:
        batch: instructions of a mini-batch.
        rounds: how often each of them is evolved.
        development: instructions that a method is tried on.
        steps: how many steps are made at most.
        candidates: methods that are written in a step.
        gain: whether rewrites are ranked beside their seeds.
    """

    batch: int
    rounds: int
    development: int
    steps: int
    candidates: int
    gain: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """What the calls of one purpose take at most.

    Attributes:
        purpose: what they are for.
        model: who is asked.
        calls: how many, if every step is made and every rewrite passes.
        prompt_tokens: tokens in.
        completion_tokens: tokens out, as long as replies usually are.
        cost: dollars; None where the price is unknown.
    """

    purpose: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "cost": None if self.cost is None else float(self.cost)}


def expected(
    size: Size, recipe: Recipe, tunable: Tunable, wording: Pack, length: int, tariff: Tariff
) -> list[Expected]:
    """Return what each purpose takes at most.

    Args:
        size: how much is asked.
        recipe: what is asked for.
        tunable: the pack.
        wording: the pack that words what the optimizing model is asked.
        length: characters of an instruction, usually.
        tariff: what calls cost.
    """
    return [
        _expected(purpose, calls, calls * each, recipe, tariff, length)
        for purpose, calls, each in _calls(size, recipe, tunable, wording, length)
    ]


def _calls(
    size: Size, recipe: Recipe, tunable: Tunable, wording: Pack, length: int
) -> Iterator[tuple[str, int, int]]:
    """Yield each purpose, its calls, and the characters of one of its prompts."""
    rewrites = size.steps * size.candidates
    tried = size.development * (1 + rewrites)
    evolved = tried + size.steps * size.batch * size.rounds
    own, child = len(tunable.method), length + _GROWTH
    yield "evolve", evolved, len(tunable.prompt) + own + length
    if recipe.compare:
        frame = tunable.pack.prompt("compare", parent="", child="")
        yield "compare", evolved, len(frame[0][1]) + length + child
    if recipe.answers:
        yield "answer", tried, child
    cases = size.batch * (size.rounds + 1) * child
    texts = {"method": "", "cases": "", "prompt": "", "feedback": ""}
    analysing, optimizing = (
        len(wording.prompt(purpose, **texts)[0][1]) for purpose in (ANALYSE, OPTIMIZE)
    )
    yield ANALYSE, rewrites, analysing + own + cases
    yield OPTIMIZE, rewrites, optimizing + len(tunable.prompt) + 2 * own
    if size.gain:
        yield "score", 2 * tried, _ORDER_CHARACTERS + length + child


def _expected(
    purpose: str, calls: int, characters: int, recipe: Recipe, tariff: Tariff, length: int
) -> Expected:
    usual = _ORDER_TOKENS if purpose == "score" else PURPOSES[purpose].tokens
    reply = usual or (length + _GROWTH) // _CHARACTERS_PER_TOKEN
    tokens = characters // _CHARACTERS_PER_TOKEN, calls * reply
    model = recipe.setting("model", purpose) or ""
    cost = tariff.likely_cost(purpose, model, calls, *tokens)
    return Expected(purpose, model or recipe.client, calls, *tokens, cost)
