"""What tuning takes at most, reckoned before the first call."""

from __future__ import annotations

from collections.abc import Iterator

from evolinstruct.evolution.answering import most_asked
from evolinstruct.llm.prices import Tariff
from evolinstruct.prompts import Pack, Tunable
from evolinstruct.purposes import BEFORE_ANSWER, PURPOSES, Purpose, asked_by_runs, asks_sandbox
from evolinstruct.run.stage_job import Expected
from evolinstruct.settings import Recipe
from evolinstruct.tuning.optimizing import ANALYSE, OPTIMIZE
from evolinstruct.tuning.wish import Wish

_CHARACTERS_PER_TOKEN = 4
_GROWTH = 80
"""Characters that a rewrite adds, usually."""
_ORDER_TOKENS, _ORDER_CHARACTERS = 60, 3_000


def expected(
    wish: Wish, recipe: Recipe, tunable: Tunable, wording: Pack, length: int, tariff: Tariff
) -> list[Expected]:
    """Return what each purpose takes at most.

    Args:
        wish: how much is done.
        recipe: what is asked for.
        tunable: the pack.
        wording: the pack that words what the optimizing model is asked.
        length: characters of an instruction, usually.
        tariff: what calls cost.
    """
    return [
        _expected(purpose, calls, calls * each, recipe, tariff, length)
        for purpose, calls, each in _calls(wish, recipe, tunable, wording, length)
    ]


def _calls(
    wish: Wish, recipe: Recipe, tunable: Tunable, wording: Pack, length: int
) -> Iterator[tuple[str, int, int]]:
    """Yield each purpose, its calls, and the characters of one of its prompts."""
    rewrites = wish.steps * wish.candidates
    tried = wish.development * (1 + rewrites)
    for name, row in asked_by_runs(tunable.pack.checks).items():
        if row.is_asked_of_rewrites(recipe):
            analysed = wish.steps * wish.mini_batch * wish.rounds if name in BEFORE_ANSWER else 0
            calls = (tried + analysed) * most_asked(name, recipe, tunable.pack)
            yield name, calls, _of_rewrite(row, tunable, length)
    own, child = len(tunable.method), length + _GROWTH
    analysing, optimizing = (_characters(wording, PURPOSES[name]) for name in (ANALYSE, OPTIMIZE))
    yield ANALYSE, rewrites, analysing + own + wish.mini_batch * (wish.rounds + 1) * child
    yield OPTIMIZE, rewrites, optimizing + len(tunable.prompt) + 2 * own
    if wish.gain:
        yield "score", 2 * tried, _ORDER_CHARACTERS + length + child


def _of_rewrite(row: Purpose, tunable: Tunable, length: int) -> int:
    """Return the characters of a prompt about one rewrite."""
    if row.worded_by == "operations":
        return len(tunable.prompt) + len(tunable.method) + length
    lengths = {"parent": length, "child": length + _GROWTH}
    filled = sum(lengths.get(text, lengths["child"]) for text in row.prompt.values())
    return filled + (_characters(tunable.pack, row) if row.worded_by == "file" else 0)


def _characters(pack: Pack, row: Purpose) -> int:
    """Return the characters of a prompt without what fills its places."""
    return len(pack.prompt(row.name, **dict.fromkeys(row.prompt.values(), ""))[0][1])


def _expected(
    purpose: str, calls: int, characters: int, recipe: Recipe, tariff: Tariff, length: int
) -> Expected:
    usual = _ORDER_TOKENS if purpose == "score" else PURPOSES[purpose].tokens
    reply = (length + _GROWTH) // _CHARACTERS_PER_TOKEN if usual is None else usual
    tokens = characters // _CHARACTERS_PER_TOKEN, calls * reply
    model = recipe.setting("model", purpose) or ""
    cost = tariff.likely_cost(purpose, model, calls, *tokens)
    who = PURPOSES[purpose].asks if asks_sandbox(purpose) else model or recipe.client
    return Expected(purpose, who, calls, *tokens, cost)
