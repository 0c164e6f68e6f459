"""Settings: where they come from, what is refused, what makes another run, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from evolinstruct.errors import InputError, UsageError
from evolinstruct.purposes import of_models
from evolinstruct.settings import (
    SETTINGS,
    Execution,
    Layer,
    Recipe,
    SeedSettings,
    Settings,
    flag_of,
    read_file,
    read_words,
    resolve,
    table,
)


def settled(file: str = "", preset: str | None = None, **given: object) -> Settings:
    """Settle what is given over a recipe file of that text."""
    return resolve(Layer(given, preset), *([_file(file)] if file else []))


def _file(text: str, name: str = "recipe.toml") -> Layer:
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text)
        return read_file(path)


# --- layers -------------------------------------------------------------------------------------


def test_without_any_layer_every_setting_is_the_papers() -> None:
    recipe = settled().recipe
    ours, papers = recipe.model_dump(), settled(preset="paper").recipe.model_dump()
    other = {name for name in ours if ours[name] != papers[name]}
    assert other == {"rules", "prompts", "plain_draws"}  # more rules, and prompts of our own
    assert (recipe.generations, recipe.compare, recipe.eliminate, recipe.operations) == (
        *(4, True, True),
        {},
    )
    assert {name: recipe.setting(name, "evolve") for name in ("temperature", "top_p")} == {
        "temperature": 1.0,
        "top_p": 0.9,
    }
    assert recipe.setting("max_tokens", "answer") == 2048
    assert recipe.setting("model", "answer") is None


def test_the_released_preset_is_that_of_the_authors_script() -> None:
    recipe = settled(preset="released").recipe
    assert (recipe.generations, recipe.compare, recipe.eliminate) == (1, False, False)
    assert recipe.top_p == {"default": 0.95}
    assert recipe.operations == dict.fromkeys(
        ["add_constraints", "deepen", "concretize", "increase_reasoning", "in_breadth"], 1.0
    )


def test_what_is_given_lies_over_the_file_over_the_preset_over_the_default() -> None:
    recipe = settled(
        "preset = 'released'\ngenerations = 3\nseed = 5\n", generations=2, compare=True
    ).recipe
    assert (recipe.generations, recipe.compare) == (2, True)  # given
    assert recipe.seed == 5  # the file's
    assert recipe.top_p == {"default": 0.95}  # the preset's
    assert recipe.temperature == {"default": 1.0}  # the default


def test_a_given_preset_takes_the_place_of_the_files() -> None:
    assert settled("preset = 'released'", preset="paper") == settled(preset="paper")


def test_a_setting_by_purpose_is_laid_purpose_by_purpose() -> None:
    file = "[model]\ndefault = 'some'\nanswer = 'large'\n"
    assert settled(file, model={"compare": "small"}).recipe.model == {
        "default": "some",
        "answer": "large",
        "compare": "small",
    }
    assert settled(temperature={"answer": 0}).recipe.temperature == {"default": 1.0, "answer": 0.0}


def test_a_setting_for_all_purposes_replaces_what_lies_below() -> None:
    file = "[model]\ndefault = 'some'\nanswer = 'large'\n"
    assert settled(file, model="other").recipe.model == {"default": "other"}
    assert settled(file, model={"default": "other", "answer": "x"}).recipe.model == {
        "default": "other",
        "answer": "x",
    }


purposes = st.dictionaries(st.sampled_from(of_models()), st.text("abc", min_size=1))


@settings(deadline=None, max_examples=50)
@given(purposes, purposes, st.booleans(), st.booleans())
def test_each_purpose_has_its_newest_setting(
    below: dict[str, str], above: dict[str, str], below_for_all: bool, above_for_all: bool
) -> None:
    lower = {**below, **({"default": "low"} if below_for_all else {})}
    upper = {**above, **({"default": "high"} if above_for_all else {})}
    recipe = resolve(Layer({"model": upper}), Layer({"model": lower})).recipe
    for purpose in of_models():
        under = None if above_for_all else below.get(purpose)
        over_all = "high" if above_for_all else "low" if below_for_all else None
        assert recipe.setting("model", purpose) == (above.get(purpose) or under or over_all)


# --- one table ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "arguments"),
    [
        (Recipe, table.RecipeArguments),
        (SeedSettings, table.SeedArguments),
        (Execution, table.ExecutionArguments),
    ],
)
def test_what_is_checked_is_what_the_table_states(part: type[BaseModel], arguments: type) -> None:
    assert set(part.model_fields) == set(arguments.__annotations__)
    default = part()
    assert {name: getattr(default, name) for name in part.model_fields} == {
        name: SETTINGS[name].default for name in part.model_fields
    }


def test_variables_are_of_who_answers_and_how_a_run_is_carried_out() -> None:
    assert {name for name, setting in SETTINGS.items() if setting.is_personal} == {
        *("client", "model"),
        *(Execution.model_fields.keys() - {"batch", "batch_files", "submit"}),  # evolve's alone
    }


# --- what may be written ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "weights"),
    [
        ("deepen", {"deepen": 1.0}),
        ("deepen, in_breadth=2", {"deepen": 1.0, "in_breadth": 2.0}),
        (["deepen", "in_breadth=0.5"], {"deepen": 1.0, "in_breadth": 0.5}),
        (["deepen,concretize"], {"deepen": 1.0, "concretize": 1.0}),
        ({"deepen": 3}, {"deepen": 3.0}),
    ],
)
def test_operations_are_names_or_names_with_weights(
    written: object, weights: dict[str, float]
) -> None:
    assert settled(operations=written).recipe.operations == weights


def test_words_of_the_command_line_become_a_setting_by_purpose() -> None:
    words = ["some-model:8b", "answer=large", "http://host/v1?key=value"]
    found = read_words({"model": words[:2], "base_url": words[2:]}, Layer({}))
    assert found.values == {
        "model": {"default": "some-model:8b", "answer": "large"},
        "base_url": {"default": [words[2]]},
    }
    with pytest.raises(UsageError) as caught:
        read_words({"model": ["jury=x"]}, Layer({}, named=flag_of))
    assert str(caught.value) == (
        "--model jury=x: unknown purpose 'jury'; there are evolve, compare, answer, tests, improve,"
        " score, solve, judge, analyse, optimize."
    )


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settled().recipe.seed = 1  # type: ignore[misc]


REFUSED: dict[str, dict[str, object]] = {
    "generations must be 1 or more (given: 0).": {"generations": 0},
    "generations must be a whole number (given: 'x').": {"generations": "x"},
    "generations must be a whole number (given: 1.5).": {"generations": 1.5},
    "generations: a number is needed, not true.": {"generations": True},
    "compare must be true or false (given: 1).": {"compare": 1},
    "client must be text (given: 5).": {"client": 5},
    "model (answer) must be text (given: None).": {"model": {"answer": None}},
    "temperature must be 2 or less (given: 3).": {"temperature": 3},
    "temperature must be a finite number (given: nan).": {"temperature": float("nan")},
    "temperature (compare) must be 0 or more (given: -1).": {"temperature": {"compare": -1}},
    "model: unknown purpose 'jury'; there are evolve, compare, answer, tests, improve, score,"
    " solve, judge, analyse, optimize.": {"model": {"jury": "x"}},
    "operations (deepen) must be 0 or more (given: -1).": {"operations": {"deepen": -1}},
    "operations: names are needed, or a table of names and weights.": {"operations": [1]},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_wrong_value_is_refused_in_plain_words(sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        settled(**REFUSED[sentence])
    assert str(caught.value) == sentence


def test_an_unknown_setting_is_refused_with_the_nearest_and_all_others() -> None:
    with pytest.raises(UsageError, match=r"^temprature: unknown setting \(.* 'temperature'"):
        settled(temprature=1)


def test_what_is_wrong_in_a_file_is_the_files_even_where_it_is_overlaid(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("generations = 0\n")
    with pytest.raises(InputError) as caught:
        resolve(Layer({"generations": 2}), read_file(path))
    assert str(caught.value) == f"The recipe {path}: generations must be 1 or more (given: 0)."


# --- runs that are there ------------------------------------------------------------------------


def test_a_recipe_of_an_older_run_has_what_it_was_made_with() -> None:
    made = Recipe.of_run({"client": "offline", "seed": 3, "polish": True})
    assert (made.client, made.seed, made.rules) == (
        "offline",
        3,
        settled(preset="paper").recipe.rules,
    )
    assert Recipe.of_run({"rules": {}}).rules == {}
    seeds = SeedSettings.of_run({"files": ["a"], "field": "q", "map": {"output": "a"}, "limit": 2})
    assert (seeds.map, seeds.limit) == ({"instruction": "q", "output": "a"}, 2)


# --- another run --------------------------------------------------------------------------------


def test_recipes_differ_in_what_decides_bytes() -> None:
    ours, theirs = settled(temperature=0.5, generations=2).recipe, settled().recipe
    assert list(ours.differences(theirs)) == [
        ("temperature", {"default": 0.5}, {"default": 1.0}),
        ("generations", 2, 4),
    ]
    assert list(ours.differences(ours)) == []


def test_how_a_run_is_carried_out_is_no_part_of_its_recipe() -> None:
    assert (
        settled(concurrency=1, timeout=9, min_kept=0.5, base_url="http://h/v1").recipe == Recipe()
    )


@pytest.mark.parametrize(
    ("allowed", "failed", "asked", "fine"),
    [
        *[("0", 0, 10, True), ("0", 1, 10, False), ("3", 3, 10, True), ("3", 4, 10, False)],
        *[("0.5%", 1, 200, True), ("0.5%", 2, 200, False), ("100%", 7, 7, True)],
    ],
)
def test_failures_are_allowed_by_count_or_share(
    allowed: str, failed: int, asked: int, fine: bool
) -> None:
    assert Execution(allow_failures=allowed).allows(failed, asked) is fine
