"""The starter seeds: their number and fields, and that none breaks a rule of the run.

The file is read as plain JSON, through no module of the program.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

SEEDS = Path(__file__).parent.parent / "seeds"
KEYS = ["kind", "instruction", "input", "output"]

Seed = dict[str, str]


@pytest.fixture(scope="module")
def seeds() -> list[Seed]:
    text = (SEEDS / "starter.jsonl").read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


def names(seeds: list[Seed]) -> list[str]:
    return [seed["instruction"] for seed in seeds]


def test_the_starter_file_holds_175_seeds(seeds: list[Seed]) -> None:
    assert len(seeds) == 175


def test_every_seed_has_the_four_keys_and_only_text_in_them(seeds: list[Seed]) -> None:
    assert [s for s in seeds if list(s) != KEYS] == []
    assert [s for s in seeds if not all(isinstance(value, str) for value in s.values())] == []


def test_no_seed_lacks_a_kind_an_instruction_or_an_output(seeds: list[Seed]) -> None:
    needed = ("kind", "instruction", "output")
    assert names([s for s in seeds if not all(s[key].strip() for key in needed)]) == []


def test_no_two_seeds_are_the_same_but_for_case_and_white_space(seeds: list[Seed]) -> None:
    texts = Counter(" ".join(f"{s['instruction']} {s['input']}".lower().split()) for s in seeds)
    assert [text for text, times in texts.items() if times > 1] == []


def test_there_are_25_kinds_in_snake_case_with_four_seeds_or_more(seeds: list[Seed]) -> None:
    kinds = Counter(s["kind"] for s in seeds)
    assert len(kinds) == 25
    assert {kind: n for kind, n in kinds.items() if n < 4} == {}
    assert [kind for kind in kinds if not re.fullmatch(r"[a-z]+(_[a-z]+)*", kind)] == []


def test_the_readme_counts_the_kinds_as_they_are(seeds: list[Seed]) -> None:
    readme = (SEEDS / "README.md").read_text(encoding="utf-8")
    told = {kind: int(n) for kind, n in re.findall(r"\| `(\w+)` +\| +(\d+) ", readme)}
    told = {kind: n for kind, n in told.items() if kind not in KEYS}
    assert told == Counter(s["kind"] for s in seeds)
    assert f"{sum(bool(s['input']) for s in seeds)} of the {len(seeds)} have an input" in readme


def test_at_least_70_seeds_have_an_input_and_some_span_several_lines(seeds: list[Seed]) -> None:
    inputs = [s["input"] for s in seeds if s["input"]]
    assert [text for text in inputs if not text.strip()] == []
    assert len(inputs) >= 70
    assert sum("\n" in text for text in inputs) >= 20


def test_the_very_short_seeds_are_there(seeds: list[Seed]) -> None:
    short = {s["instruction"] for s in seeds if not s["input"] and len(s["instruction"]) < 22}
    assert short == {
        "1+1=?",
        "17 % of 350",
        "Is 391 prime?",
        "Capital of Mongolia?",
        "Is a lichen a plant?",
    }


def test_no_more_than_six_instructions_open_with_the_same_two_words(seeds: list[Seed]) -> None:
    openings = Counter(tuple(name.lower().split()[:2]) for name in names(seeds))
    assert {words: n for words, n in openings.items() if n > 6} == {}


def test_no_output_is_a_short_apology(seeds: list[Seed]) -> None:
    outputs = [s["output"] for s in seeds if "sorry" in s["output"].lower()]
    assert [text for text in outputs if len(text.split()) < 80] == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"\{\w+\}",
        r"\{\{",
        r"\$",
        r"```",
        r'"',
        r"[\U0001F300-\U0001FAFF]",
        r"[\u3040-\u30ff]",
        r"[\u4e00-\u9fff]",
        r"[\u0600-\u06ff]",
    ],
    ids=["brace", "template", "dollar", "fence", "quote", "emoji", "kana", "han", "arabic"],
)
def test_what_seeds_ask_holds_the_characters_that_trip_pipelines(
    seeds: list[Seed], pattern: str
) -> None:
    assert any(re.search(pattern, f"{s['instruction']}\n{s['input']}") for s in seeds)
