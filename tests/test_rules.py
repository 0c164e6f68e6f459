"""Rules as a user sets them: which are on, with which settings, and what is refused."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from evolinstruct import prompts
from evolinstruct.analysis.refilter import Refilter, refilter
from evolinstruct.analysis.runs import Run
from evolinstruct.elimination import (
    ANSWER_RULES,
    REWRITE_RULES,
    RULES,
    Answer,
    Objection,
    Rewrite,
    choose,
    find,
    parse_words,
)
from evolinstruct.errors import InputError, RuleFailed, UsageError
from evolinstruct.llm.base import ClientOptions, Request
from evolinstruct.records import Failed, Rejected
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.settings import Layer, Recipe, resolve
from tests.command_line import evolinstruct
from tests.runs import check_invariants, data_files, evolve, tasks, write_seeds
from tests.scripted import Scripted

OWN = "tests.own_rules"
PROMPT = prompts.read(prompts.find("general")).texts


def on(**options: Any) -> set[str]:
    return set(choose(**{"settings": {}, **options}).described())


def test_a_rule_says_itself_whether_it_is_on() -> None:
    asked_by_call = {"no_information_gain", "refused_by_service", "too_long", "truncated"}
    says_on = {name for name, rule in RULES.items() if rule.default in ("on", "always")}
    assert on() == says_on - asked_by_call
    assert {name for name, rule in RULES.items() if not rule.on} == {
        *("contaminated_near", "contaminated_answer", "near_duplicate_meaning"),
    }


def test_the_papers_rules_are_those_that_bear_its_numbers() -> None:
    papers = {rule.paper: name for name, rule in RULES.items() if rule.paper is not None}
    assert papers == {
        1: "no_information_gain",
        2: "response_apologizes",
        3: "response_empty",
        4: "prompt_leaked",
    }
    said = {name: f"(paper, {number})" for number, name in papers.items()}
    assert {name for name, rule in RULES.items() if "(paper" in rule.meaning} == said.keys()
    assert all(words in RULES[name].meaning for name, words in said.items())


def test_the_preset_paper_has_no_rule_but_the_papers() -> None:
    recipe = resolve(Layer({}, "paper")).recipe
    assert set(choose(recipe.rules, eliminate=recipe.eliminate).described()) == {
        *("rewrite_unusable", "unchanged"),
        *("prompt_leaked", "response_apologizes", "response_empty"),
    }


def test_a_rule_is_switched_and_set_by_words_of_the_command_line() -> None:
    assert parse_words(["word_growth=80", "word_growth.least=-5", "asks_back"], ["cut_off"]) == {
        "word_growth": {"most": 80.0, "least": -5.0},
        "asks_back": True,
        "cut_off": False,
    }
    assert choose({"word_growth": {"most": 80}}).described()["word_growth"] == {
        "most": 80.0,
        "least": -40.0,
    }


REFUSED_WORDS = {
    ("word_grwth",): "Unknown rule 'word_grwth' (did you mean 'word_growth'?)",
    ("word_growth=wide",): "--rule word_growth=wide: 'wide' is not a number.",
    ("word_growth.most",): "a value is missing",
    ("unchanged=3",): "the rule unchanged has no parameters",
    (f"{OWN}:nothing",): f"the module {OWN!r} has no 'nothing'",
    ("no.module:rule",): "the module 'no' is not installed",
    (f"{OWN}:of_something",): "must call its first parameter rewrite or answer",
    (f"{OWN}:with_a_word",): "needs a number as the default of its parameter 'word'",
}


@pytest.mark.parametrize(("words", "said"), REFUSED_WORDS.items())
def test_a_word_that_names_no_rule_or_value_is_refused(words: tuple[str], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        parse_words(words, [])


REFUSED_WISHES: dict[str, dict[str, Any]] = {
    "share must be from 0 to 1 (given: 3)": {"input_lost": {"share": 3}},
    "has no parameter 'mots'; it has most, least": {"word_growth": {"mots": 3}},
    "has no parameter 'x'; it has none": {"link_lost": {"x": 3}},
    "The rule unchanged cannot be switched off": {"unchanged": False},
    "The rule truncated cannot be switched off": {"truncated": False},
}


@pytest.mark.parametrize(("said", "wishes"), REFUSED_WISHES.items())
def test_a_setting_that_makes_no_sense_is_refused(said: str, wishes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        choose(wishes)


def test_a_rule_cannot_be_both_on_and_off() -> None:
    with pytest.raises(UsageError, match="both on and off"):
        parse_words(["cut_off"], ["cut_off"])


# Layers of settings


def settled(*layers: dict[str, object]) -> Recipe:
    return resolve(*map(Layer, reversed(layers))).recipe


def test_rules_are_laid_rule_by_rule_and_setting_by_setting() -> None:
    file = {"rules": {"word_growth": {"most": 50}, "cut_off": False, "asks_back": {"words": 9}}}
    flags = {"rules": {"word_growth": {"least": 0}, "cut_off": True, "asks_back": False}}
    assert settled(file, flags).rules == {
        "word_growth": {"most": 50, "least": 0},
        "cut_off": True,
        "asks_back": False,
    }
    assert settled(file, {"rules": {"word_growth": True}}).rules["word_growth"] == {"most": 50}


def test_switching_all_off_takes_what_lies_below_it_along() -> None:
    file = {"rules": {"word_growth": {"most": 50}}}
    flags = {"eliminate": False, "rules": {"cut_off": True}}
    assert settled(file, flags).rules == {"cut_off": True}


def test_the_rule_that_takes_a_call_is_the_setting_compare() -> None:
    recipe = settled({"rules": {"no_information_gain": False, "cut_off": False}})
    assert (recipe.compare, recipe.rules) == (False, {"cut_off": False})
    with pytest.raises(UsageError, match="the opposite"):
        settled({"compare": True, "rules": {"no_information_gain": False}})


@pytest.mark.parametrize("wish", ["on", 3, {"most": "many"}, {"most": True}, None])
def test_a_recipe_gives_switches_and_tables_of_numbers(wish: object) -> None:
    with pytest.raises(UsageError, match="rules: word_growth must be true, false or a table"):
        settled({"rules": {"word_growth": wish}})


# Rules of one's own


def test_a_function_is_a_rule_with_settings_and_a_meaning() -> None:
    rule = find(f"{OWN}:no_lists")
    assert (rule.meaning, rule.stage) == ("Drops answers with long lists.", "answer")
    answer = Answer("x", "a\n- b\n- c")
    assert choose({rule.name: True}).find_objection(answer) is None
    assert choose({rule.name: {"items": 2}}).find_objection(answer) == Objection(
        rule.name, "2 items"
    )


def test_a_rule_object_is_one_too() -> None:
    rules = choose({f"{OWN}:SHORT": True})
    assert rules.find_objection(Rewrite("x", "y", ())) == Objection(f"{OWN}:SHORT", "short")


def test_a_rule_object_of_version_0_1_is_one_too() -> None:
    rules = choose({f"{OWN}:SHORT_AS_BEFORE": {"least": 3}})
    assert rules.described()[f"{OWN}:SHORT_AS_BEFORE"]["least"] == 3
    assert rules.find_objection(Rewrite("x", "no", ())) is not None
    assert rules.find_objection(Rewrite("x", "yes", ())) is None


def test_a_rule_that_raises_or_gives_no_text_is_a_failure_that_names_it() -> None:
    with pytest.raises(
        RuleFailed, match=f"Your rule '{OWN}:raises' raised ValueError: no such table"
    ):
        choose({f"{OWN}:raises": True}).find_objection(Rewrite("x", "y z", ()))
    with pytest.raises(RuleFailed, match="returned True; a rule returns its evidence as text"):
        choose({f"{OWN}:says_yes": True}).find_objection(Answer("x", "y z"))


# Whole runs


def test_a_rule_that_raises_costs_its_instructions_and_the_run_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(6))
    client = "tests.scripted:Obedient"
    summary = evolve(seeds, out, client=client, generations=2, rules={f"{OWN}:raises": True})
    assert summary.exit_code == 3
    failed = list(RunDir(out).read(1, Failed))
    assert [(line.purpose, line.error) for line in failed] == [("rule", "rule_error")] * 6
    assert f"{OWN}:raises" in failed[0].message
    check_invariants(out, 2)


@pytest.mark.slow
def test_other_rules_make_another_run_which_an_update_carries_over(tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(30))
    rules = {"word_growth": {"least": 10, "most": 20}, f"{OWN}:no_lists": True}
    evolve(seeds, tmp_path / "run", generations=2)
    with pytest.raises(InputError, match=r"the rule word_growth was on \(most 150, least -40\)"):
        evolve(seeds, tmp_path / "run", generations=2, rules=rules)
    evolve(seeds, tmp_path / "run", generations=2, rules=rules, update=True)
    evolve(seeds, tmp_path / "anew", generations=2, rules=rules, concurrency=3)
    assert data_files(tmp_path / "run") == data_files(tmp_path / "anew")


# What a run gives the rules to look at


EGGS = "It nests in open meadows, lays four mottled eggs and lures foxes away from them."


class Spoiler(Scripted):
    """Answers, or repeats the prompt, where it should rewrite."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str:
        if "lapwing" in request.context.instruction:
            return "Foxes that she lures away, four mottled eggs, a nest in open meadows"
        return f"{request.context.instruction} {request.messages[0][1].splitlines()[0]}"


def test_a_run_knows_the_words_of_its_prompts_and_the_answers_of_its_parents(
    tmp_path: Path,
) -> None:
    lines = [
        {"instruction": "What does a lapwing do in spring?", "output": EGGS},
        {"instruction": "Name a bird of the meadows.", "output": "A lapwing."},
    ]
    seeds = write_seeds(tmp_path / "seeds.jsonl", lines)
    evolve(seeds, tmp_path / "run", client=f"{__name__}:Spoiler", generations=1)
    evidence = {line.rule: line.evidence for line in RunDir(tmp_path / "run").read(1, Rejected)}
    assert evidence.keys() == {"answers_parent", "prompt_leaked"}
    assert "words of the parent's answer" in evidence["answers_parent"]
    prompt = re.findall(r"\w+", " ".join(PROMPT).lower())
    assert " ".join(re.findall(r"\w+", evidence["prompt_leaked"])[:8]) in " ".join(prompt)
    refiltered = refilter(Refilter(Run(tmp_path / "run"), choose({}), compare=True))
    assert refiltered.let_through == {}


# Hostile inputs

HOSTILE = {
    "one letter": "a" * 1_000_000,
    "spaces": " " * 1_000_000,
    "lines": "\n" * 1_000_000,
    "fences": "```\n" * 250_000,
    "open quotes": '"' * 1_000_000,
    "open curly quotes": "“" * 1_000_000,
    "control characters": "\x00" * 1_000_000,
    "headings": "##" * 500_000,
    "pipes": "| " * 500_000,
    "labels": "answer: " * 125_000,
    "numbers": "1,1." * 250_000,
    "links": "www." * 250_000,
    "sorry": "sorry " * 160_000,
    "Chinese": "好" * 1_000_000,
    "words": "as an AI language model I cannot " * 30_000,
    "stars": "*" * 1_000_000 + "a",
    "answer lines": "\nAnswer:\n" * 100_000,
    "the": "the " * 250_000,
    "the given": "the given " * 100_000,
    "the following text": "the following text " * 50_000,
    "open quotes of a text": "the following text 'a b c " * 42_000,
    "brackets": "[your " * 160_000,
    "comments": "// rest of it here\n" * 50_000,
    "dots": '{"a": "...", ' * 70_000,
    "orders": "Write it, please. " * 50_000,
    "prompt": "Do not carry it out and do not answer it. " * 20_000,
}


def seconds_of(rule: Any, subject: Answer | Rewrite) -> float:
    begin = time.process_time()
    rule.check(subject)
    return time.process_time() - begin


@pytest.mark.parametrize("share", [20, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_rule_takes_long_over_a_megabyte(text: str, share: int) -> None:
    """Nor over a twentieth of it, in as much less time."""
    text = text[-(len(text) // share) :]
    slow = {}
    for rule in [*REWRITE_RULES.values(), *ANSWER_RULES.values()]:
        for parent, child in ((text, "Name it."), ("Name it.", text), (text, text + " b")):
            subject = (
                Answer(parent, child)
                if rule.stage == "answer"
                else Rewrite(
                    *(parent, child, ("given instruction",), "deepen", "in-depth", None),
                    *(parent, parent, PROMPT),
                )
            )
            if (seconds := min(seconds_of(rule, subject) for _ in range(2))) > 2 / share:
                slow[rule.name] = seconds
    assert slow == {}


# The document


def test_the_document_shows_every_rule_as_it_is() -> None:
    text = (Path(__file__).parent.parent / "docs" / "rules.md").read_text(encoding="utf-8")
    for rule in RULES.values():
        default = f"`{rule.default}`" if rule.default.startswith("-") else rule.default
        assert f"| `{rule.name}` | {default} | {rule.stage} | {rule.meaning} |" in text
    assert "not read yet" not in text


def test_the_list_begins_with_which_are_on_and_breaks_lines_between_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    whole = evolinstruct("rules").stdout
    monkeypatch.setenv("COLUMNS", "60")
    wrapped = evolinstruct("rules").stdout
    assert max(map(len, wrapped.splitlines())) <= 60
    assert wrapped.split() == whole.split()
    on, always, *_ = whole.splitlines()
    named = on.partition(": ")[2].split(", ")
    assert named == [rule.name for rule in RULES.values() if rule.on and rule.default == "on"]
    assert always.endswith(": " + ", ".join(r.name for r in RULES.values() if r.structural))
