"""The pack math: problems made harder and easier, and answers on which several agree."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from evolinstruct import prompts
from evolinstruct.checks import decode
from evolinstruct.equality import equality
from evolinstruct.reading import final_answer, same_final_answer
from evolinstruct.records import Kept, Rejected
from evolinstruct.run_dir.directory import RunDir
from tests.command_line import evolinstruct as typed
from tests.runs import check_invariants, data_files, evolve

SAME = {
    (r"So it is \boxed{\frac{1}{2}}.", "Answer: 0.5"): True,
    (r"\boxed{1/2}", r"\boxed{\dfrac{1}{2}}"): True,
    (r"\boxed{(1, 2)}", r"Answer: $(1,2)$"): True,
    (r"\boxed{\text{even}}", "**Answer:** Even"): True,
    ("The answer is 12.", "so 12"): True,
    ("It takes\n3 + 4 = 7 minutes.", "Answer: 7"): True,
    ("#### 1,200", "Answer: 1200"): True,
    ("Answer: x = 3", "3"): True,
    ("Answer: 50 %", "Answer: 0.5"): False,
    ("Answer: 12", "Answer: 13"): False,
    (r"\boxed{x^2 + 1}", r"\boxed{x^2 - 1}"): False,
    ("Answer: 12 km", "Answer: 12 kg"): False,
    ("Tides come and go.\nThe moon pulls.", "The moon pulls."): False,
    ("Answer: {", r"\boxed{3"): False,
    ("Answer: 48 cm²", "**Answer:** 48 cm^2"): True,
    ("Answer: 48 square centimetres", r"Answer: $48\text{ cm}^2$"): True,
    (r"\boxed{48\text{ cm}^{2}}", "Answer: 48"): True,
    ("Answer: 7 cubic meters", "Answer: 7 m³"): True,
    ("Answer: 35 €", "Answer: 35 euros"): True,
    ("Answer: €1,250", "Answer: 1250 euros"): True,
    ("Answer: 4 h", "Answer: 4 hours"): True,
    ("Answer: 60 kilometres per hour", "Answer: 60 km/h"): True,
    ("Answer: After 20 seconds", "Answer: 20 s"): True,
    ("Answer: about 0.4", "Answer: 0.4"): True,
    ("Answer: 3/8 ≈ 0.375", r"Answer: $\frac{3}{8}$"): True,
    ("Answer: 12/32 = 3/8", "Answer: 3/8"): True,
    ("Antwort: 5 Stunden", "Antwort: 5 h"): True,
    ("Answer: 50 percent", "Answer: 50 %"): True,
    ("Answer: 90 s (1.5 minutes)", "Answer: 90 seconds"): True,
    ("Answer: 7/8 (about 87.5 %)", r"Answer: $\frac{7}{8}$"): True,
    ("Answer: x = 4 (a double root)", "Answer: 4"): True,
    (r"Answer: $\frac{2}{3}$ (or 66.7 %)", "Answer: 2/3"): True,
    ("Answer: 48 cm² (0.0048 m²)", "Answer: 48 square centimetres"): True,
    ("Answer: 3 (mod 7)", "Answer: 3 (mod 5)"): False,
    ("Answer: 2 (x + 1)", "Answer: 2 (x + 3)"): False,
    ("Answer: (2, 3)", "Answer: 2"): False,
    ("Answer: 4 hours", "Answer: 4 minutes"): False,
    ("Answer: 4 m", "Answer: 4 min"): False,
    ("Answer: 48 cm²", "Answer: 48 cm³"): False,
    ("Answer: 48 cm²", "Answer: 48 cm"): False,
    ("Answer: 35 €", "Answer: 35 £"): False,
    ("Answer: more than 3", "Answer: less than 3"): False,
    ("Answer: x = 3/8", "Answer: y = 5/8"): False,
    (r"\boxed{x^2}", r"\boxed{x^{23}}"): False,
    ("Answer: 60 km per day", "Answer: 60 km/h"): False,
    ("Answer: 3/8 ≈ 0.375", "Answer: 5/8 ≈ 0.625"): False,
}


@pytest.mark.parametrize("pair", SAME)
def test_answers_are_the_same_by_what_they_end_in(pair: tuple[str, str]) -> None:
    assert same_final_answer(*pair) is SAME[pair]
    assert same_final_answer(*reversed(pair)) is SAME[pair]


FORMULAS = {
    (r"\boxed{x^2 + 1}", r"\boxed{1 + x^2}"): True,
    (r"Answer: $\sqrt{8}$", r"Answer: $2\sqrt{2}$"): True,
    (r"Answer: 50\%", "Answer: 0.5"): True,
    ("Answer: 12", "Answer: 13"): False,
    ("Answer: north", "Answer: thorn"): False,  # no product of letters
    (r"\boxed{9^{9^{9^9}}}", r"\boxed{9^{9^9}}"): False,  # never worked out
    (r"\boxed{100000!}", r"\boxed{2^{99999}}"): False,
    ("Answer: {", "Answer: 3 + 1"): False,
}


@pytest.mark.skipif(find_spec("math_verify") is None, reason="math_verify")
@pytest.mark.parametrize("pair", FORMULAS)
def test_results_are_compared_as_formulas_where_that_is_asked_for(pair: tuple[str, str]) -> None:
    same = equality("math")
    assert same(*pair) is FORMULAS[pair]
    assert same(*reversed(pair)) is FORMULAS[pair]


@pytest.mark.skipif(find_spec("math_verify") is None, reason="math_verify")
def test_how_results_are_compared_is_part_of_the_run(tmp_path: Path) -> None:
    evolve(Path("math"), tmp_path / "run", generations=1, prompts="math", equality="math")
    told = typed(f"evolve math -o {tmp_path}/run --client offline -g 1 --prompts math")
    assert told.exit_code == 1
    assert "equality was math, now exact" in " ".join(told.output.split())


@pytest.mark.slow
def test_a_final_answer_is_found_in_time_that_grows_with_the_text() -> None:
    for text in (r"\boxed{" * 100_000, "Answer: " * 100_000, "{" * 10**6, "1," * 10**6):
        final_answer(text)
        same_final_answer(text, text)
    for sign in (" ", ".", " \n", "$", "1,", "~", "≈ ", "1 (", "(1 "):
        same_final_answer(f"\\boxed{{1{sign * 100_000}!\n1}}", r"\boxed{2}")
        same_final_answer(f"\\boxed{{{sign * 100_000}x}}", r"\boxed{2}")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("math") / "run"
    evolve(Path("math"), out, generations=4, prompts="math")
    return out


def lines(run: Path, kind: type[Kept] | type[Rejected]) -> list[Kept] | list[Rejected]:
    return [line for number in range(1, 5) for line in RunDir(run).read(number, kind)]


@pytest.mark.slow
def test_what_is_kept_has_an_answer_on_which_three_of_five_agree(run: Path) -> None:
    check_invariants(run, 4)
    kept = lines(run, Kept)
    assert len(kept) > 24
    for line in kept:
        (check,) = decode(line.checks)
        saw = dict(check.saw or {})
        aside = json.loads(line.set_aside or "")
        alike = [each for each in aside if each["why"] == "agrees"]
        assert saw["agreed"] == 1 + len(alike) >= 3
        assert all(same_final_answer(each["output"], line.output or "") for each in alike)
    assert {line.operation for line in kept} == {
        item.name for item in prompts.read(prompts.find("math")).operations
    }


def test_too_few_that_agree_are_rejected_with_what_was_seen(run: Path) -> None:
    failed = [line for line in lines(run, Rejected) if line.rule == "check_failed"]
    assert failed
    assert all(line.evidence.startswith("agreement: ") for line in failed)


def test_the_result_is_exported_for_reinforcement_learning(run: Path, tmp_path: Path) -> None:
    told = typed(f"export {run} -o {tmp_path}/rlvr --format rlvr --no-seeds")
    assert told.exit_code == 0, told.output
    by_id = {line.id: line for line in lines(run, Kept)}
    rows = [json.loads(row) for row in (tmp_path / "rlvr/train.jsonl").read_text().splitlines()]
    assert {row["id"] for row in rows} == by_id.keys()
    for row in rows:
        assert same_final_answer(f"Answer: {row['result']}", by_id[row["id"]].output or "")


@pytest.mark.slow
def test_the_files_are_the_same_at_any_concurrency(run: Path, tmp_path: Path) -> None:
    evolve(Path("math"), tmp_path / "one", generations=4, prompts="math", concurrency=1)
    assert data_files(tmp_path / "one") == data_files(run)


def test_the_pack_tells_what_it_checks() -> None:
    assert "1 check of answers" in typed("prompts check math").output
    shown = typed("prompts show math").output
    assert "Checks of answers: agreement (answers 5, least 0.6)." in shown
