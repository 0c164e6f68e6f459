"""Writes docs/judged.md: how difficult and how good a strong model's rewrites were found.

python -m docs.judged_page

It is reckoned from docs/judged.jsonl, which has the ratings and verdicts without the texts.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import correlation, mean
from typing import Any

PAGE = Path(__file__).parent / "judged.md"
_FOUND = PAGE.with_suffix(".jsonl")
_BAND = range(10, 21)  # words that a plain in-depth rewrite is asked to add
_DRAWS = 4000
_OTHERS = {
    "released": "the prompts of the authors' script, an operation drawn alike",
    "paper": "the pack `paper`: the paper's six operations in our words, as in 0.1",
    "four steps": "the four steps of Auto Evol-Instruct: list methods, plan, rewrite, review",
}
_HEAD = """# What a strong model makes of it

Written by `make docs` from [judged.jsonl](judged.jsonl); not by hand.

A strong chat model (November 2026) answered every call of a run: 20 instructions of Alpaca,
three generations, the pack `general` and the default rules. In runs of one generation each in-depth
operation was also forced on 16 of them. Each reply was written from its prompt alone. The same
instructions were rewritten by three other sets of prompts. Then models that knew neither the
prompts nor what had made which text read all of it, each in an order of its own: two rated
difficulty from 1 to 10, two compared pairs, in opposite orders; a pair counts as won only where
both chose alike.

So this is what one strong model makes of 20 short instructions, as models see it. How weak models
behave, `make real-demo` shows.
"""


def page() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    found = [json.loads(line) for line in _FOUND.read_text(encoding="utf-8").splitlines()]
    rated = [row for row in found if "ratings" in row]
    yield _HEAD
    yield from _pairs([row for row in found if "verdicts" in row])
    yield from _difficulty(rated)
    yield from _gains(rated)
    yield from _rest(rated)


def _pairs(pairs: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "## Pairs against other prompts\n"
    yield "Our rewrite of the first generation, kept or not, against the other of the same seed.\n"
    yield "| against | pairs | won | tied | lost | won, of those decided |"
    yield "|---|---|---|---|---|---|"
    for other, what in _OTHERS.items():
        own = Counter(_outcome(row["verdicts"]) for row in pairs if row["against"] == other)
        won, lost = own["ours"], own["other"]
        yield (
            f"| {what} | {own.total()} | {won} | {own['tie']} | {lost} | {won / (won + lost):.0%} |"
        )
    yield ""


def _outcome(verdicts: Sequence[str]) -> str:
    return verdicts[0] if len(set(verdicts)) == 1 else "tie"


def _difficulty(rated: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "## Difficulty\n"
    first, second = zip(*[row["ratings"] for row in rated], strict=True)
    yield (
        f"Means of two ratings from 1 to 10 of {len(rated)} texts; the two raters agree with a"
        f" correlation of {correlation(first, second):.2f}.\n"
    )
    yield "| | texts | difficulty |\n|---|---|---|"
    groups = {"seeds": [row for row in rated if row["made_by"] == "seed"]}
    for generation in (1, 2, 3):
        groups[f"generation {generation}"] = [
            row for row in rated if row.get("generation") == generation
        ]
    for other in _OTHERS:
        groups[f"one generation, {other}"] = [row for row in rated if row["made_by"] == other]
    for name, rows in groups.items():
        yield f"| {name} | {len(rows)} | {mean(map(_rating, rows)):.1f} |"
    yield ""


def _rating(row: dict[str, Any]) -> float:
    return mean(row["ratings"])


def _gains(rated: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "## What an operation gains\n"
    yield (
        "Each forced on the same 16 seeds: by how much its rewrites are more difficult than their"
        " seeds, with the interval in which the mean lies in 95 of 100 redrawn samples.\n"
    )
    yield "| operation | rewrites | gain | interval |\n|---|---|---|---|"
    before = {row["seed"]: _rating(row) for row in rated if row["made_by"] == "seed"}
    forced = [row for row in rated if row["made_by"] == "forced"]
    for operation in sorted({row["operation"] for row in forced}):
        gains = [
            _rating(row) - before[row["seed"]] for row in forced if row["operation"] == operation
        ]
        low, high = _interval(gains)
        yield f"| `{operation}` | {len(gains)} | {mean(gains):.1f} | {low:.1f} to {high:.1f} |"
    yield ""


def _interval(values: Sequence[float]) -> tuple[float, float]:
    draw = random.Random(0)  # noqa: S311 - no secret
    means = sorted(mean(draw.choices(values, k=len(values))) for _ in range(_DRAWS))
    return means[_DRAWS // 40], means[-_DRAWS // 40]


def _rest(rated: Sequence[dict[str, Any]]) -> Iterator[str]:
    added = [row["words_added"] for row in rated if "words_added" in row]
    outside = sum(words not in _BAND for words in added)
    yield "## Length, reading and rules\n"
    yield (
        f"- {outside} of {len(added)} plain in-depth rewrites added fewer than {_BAND[0]} words or"
        f" more than {_BAND[-1]}, data not counted.\n"
        "- Each of the 140 replies to our prompts was read as what stands between its marks; none"
        " was misread.\n"
        "- Of the run's 60 rewrites 58 were kept. The comparison found two equal to their parents;"
        " both had lost pairs above. No other rule dropped one, nor any of the 58 answers.\n"
        "- Two seeds cannot be answered as they stand (a recipe without its servings, a dinner"
        " without prices). Raters found nothing of the kind among the rewrites."
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
