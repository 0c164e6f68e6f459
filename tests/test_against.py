"""Runs that are held against test sets, and the command that looks for them afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.analysis.runs import Run
from evolinstruct.api import prepare
from evolinstruct.errors import InputError
from evolinstruct.records import Rejected
from evolinstruct.run.events import GenerationEnded
from evolinstruct.seeds.test_items import read_test_items
from tests.command_line import enter, evolinstruct
from tests.runs import carry_out, check_invariants, data_files, evolve, tasks, write_seeds

QUESTION = "How far is it from the mill by the river to the church on the hill, in steps?"
SHORT = "Name a hill."
RECITED = "What else? " + QUESTION


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


def write_items(path: Path, *questions: str) -> Path:
    rows = [{"question": question, "answer": "x"} for question in questions]
    return write_seeds(path, rows)


def run_of(folder: Path, name: str, questions: tuple[str, ...] = (QUESTION,), **more: Any) -> Path:
    """Evolve seeds, one of which is a test item."""
    seeds = write_seeds(folder / "seeds.jsonl", [*tasks(12), {"instruction": QUESTION}])
    items = write_items(folder / "tests.jsonl", SHORT, *questions)
    settings = {"generations": 2, "against": [str(items)], **more}
    evolve(seeds, folder / name, **settings)
    return folder / name


def rejections(run: Path) -> list[Rejected]:
    return [line for line in Run(run).rejections() if line.rule.startswith("contaminated")]


# Runs


def test_a_rewrite_that_holds_an_item_is_rejected_with_file_item_and_words(folder: Path) -> None:
    run = run_of(folder, "run")
    found = rejections(run)
    assert found
    assert {(line.rule, line.evidence) for line in found} == {
        (
            "contaminated",
            'tests.jsonl, line 2: "how far is it from the mill by the river to the church"',
        )
    }
    check_invariants(run, 2)


def test_without_a_test_set_no_rule_looks_for_one(folder: Path) -> None:
    assert rejections(run_of(folder, "run", against=[])) == []


def test_the_rule_can_be_switched_off_and_outlasts_elimination(folder: Path) -> None:
    assert rejections(run_of(folder, "off", rules={"contaminated": False})) == []
    assert rejections(run_of(folder, "on", eliminate=False))


def test_answers_are_looked_at_if_asked_for(folder: Path) -> None:
    seeds = write_seeds(folder / "seeds.jsonl", [*tasks(6)])
    plain = folder / "plain"
    evolve(seeds, plain, generations=1)
    answers = {line.output for line in Run(plain).instructions(1) if line.output}
    items = write_items(folder / "tests.jsonl", *sorted(answers))
    evolve(
        seeds,
        folder / "run",
        generations=1,
        against=[str(items)],
        rules={"contaminated_answer": True},
    )
    found = rejections(folder / "run")
    assert {line.output for line in found if line.rule == "contaminated_answer"} == answers


@pytest.mark.slow
def test_the_same_test_set_gives_the_same_bytes_however_the_run_is_carried_out(
    folder: Path,
) -> None:
    whole = data_files(run_of(folder, "whole"))
    run_of(folder, "grown", generations=1)
    assert data_files(run_of(folder, "grown", concurrency=3)) == whole
    torn = folder / "grown" / "generation-1.rejected.jsonl"
    torn.write_bytes(torn.read_bytes()[:-40])
    assert data_files(run_of(folder, "grown")) == whole


def test_other_items_make_another_run_which_an_update_carries_over(folder: Path) -> None:
    run_of(folder, "run")
    told = r"differs: the rule contaminated was on \(words 13, share 0.7, digest \w+\), now on \("
    with pytest.raises(InputError, match=told):
        run_of(folder, "run", (QUESTION, RECITED))
    with pytest.raises(InputError, match=r"the rule contaminated was on \(.*\), now off\."):
        run_of(folder, "run", against=[])


def test_where_the_test_set_lies_does_not_matter(folder: Path) -> None:
    run = run_of(folder, "run")
    before = data_files(run)
    (folder / "elsewhere").mkdir()
    other = (folder / "tests.jsonl").rename(folder / "elsewhere" / "tests.jsonl")
    settings = {"client": "offline", "generations": 2, "against": [str(other)]}
    events = carry_out(prepare(folder / "seeds.jsonl", run, **settings))
    ended = [event for event in events if isinstance(event, GenerationEnded)]
    assert (data_files(run), [event.is_new for event in ended]) == (before, [False] * 3)


def test_a_run_says_how_many_of_its_seeds_hold_an_item(folder: Path) -> None:
    write_items(folder / "tests.jsonl", "Explain thing 3.", SHORT)
    result = evolinstruct("evolve seeds.txt -o run -g 1 --client offline --against tests.jsonl")
    assert result.exit_code == 0
    assert "1 seed holds an item of the test sets. Seeds are kept as they are;" in result.stderr


def test_a_recipe_names_test_sets(folder: Path) -> None:
    write_items(folder / "tests.jsonl", "Explain thing 3.")
    (folder / "r.toml").write_text('against = "tests.jsonl"\n[rules.contaminated]\nwords = 9\n')
    evolinstruct("evolve seeds.txt -o run -g 1 --client offline --recipe r.toml")
    rules = json.loads(Path("run/run.json").read_text())["rules"]
    assert rules["contaminated"] == {
        "words": 9.0,
        "share": 0.7,
        "digest": rules["contaminated"]["digest"],
    }


@pytest.mark.parametrize("rule", ["contaminated", "contaminated_near", "contaminated_answer"])
def test_a_rule_that_needs_items_names_the_option(folder: Path, rule: str) -> None:
    result = evolinstruct(f"evolve seeds.txt -o run --client offline --rule {rule}")
    assert (result.exit_code, result.stderr) == (
        2,
        f"Error: The rule {rule} looks for test items, and none are given; name files of them"
        " with --against FILE.\n",
    )


def test_the_calls_of_a_line_are_told_without_the_test_set(folder: Path) -> None:
    run = run_of(folder, "run")
    (folder / "tests.jsonl").unlink()
    shown = evolinstruct(f"trace run {rejections(run)[0].id} --calls")
    assert (shown.exit_code, shown.stdout.count("▸ evolve")) == (0, 1)


# Other rules for a run that is there


def test_a_run_is_held_against_a_test_set_afterwards(folder: Path) -> None:
    run_of(folder, "run", against=[])
    result = evolinstruct("refilter run --against tests.jsonl --json")
    dropped = json.loads(result.stdout)["dropped"]
    assert (result.exit_code, list(dropped)) == (0, ["contaminated"])


def test_a_test_set_that_is_gone_is_asked_for(folder: Path) -> None:
    run_of(folder, "run")
    (folder / "tests.jsonl").rename(folder / "moved.jsonl")
    result = evolinstruct("refilter run")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: The run was held against test sets, which are needed here too; --against: "
    )
    (folder / "moved.jsonl").rename(folder / "tests.jsonl")
    assert json.loads(evolinstruct("refilter run --json").stdout)["dropped"] == {}


# Test sets as files


def test_an_item_is_a_question_with_its_input_and_its_place(folder: Path) -> None:
    (folder / "a.jsonl").write_text(
        '{"instruction": "Sort.", "input": "b a", "output": "a b"}\n\n{"prompt": "def f():"}\n'
    )
    (folder / "b.csv").write_text("stem,choice\nWhich one?,A\n")
    read = read_test_items(["a.jsonl", "stem=b.csv"]).all
    assert [(item.file, item.place, item.text) for item in read] == [
        ("a.jsonl", "line 1", "Sort.\nb a"),
        ("a.jsonl", "line 3", "def f():"),
        ("b.csv", "line 2", "Which one?"),
    ]


BAD_SETS = {
    "empty": (
        "e.jsonl",
        b"",
        "--against: e.jsonl is empty; a seed file holds at least one instruction.",
    ),
    "no item": ("n.json", b"[]", "--against: n.json holds no item: it has no row."),
    "no question in a row": (
        "q.jsonl",
        b'{"question": "Why?"}\n{"question": " "}\n',
        "--against: q.jsonl, line 2: `question` is empty; correct it, because no item may be"
        " left out.",
    ),
    "an unknown shape": (
        "s.jsonl",
        b'{"stem": "Why?", "choice": "A"}\n',
        "--against: s.jsonl, line 1: no instruction among the fields 'stem', 'choice'"
        " (--against KEY=FILE names the one that holds it); correct it, because no item may"
        " be left out.",
    ),
    "a table of an unknown shape": (
        "t.csv",
        b"stem,choice\nWhy?,A\n",
        "--against: t.csv, line 1: no instruction among the columns 'stem', 'choice'"
        " (--against KEY=FILE names the one that holds it).",
    ),
    "no text": (
        "b.jsonl",
        b"\x00\x01\x02",
        "--against: b.jsonl is binary, not text: byte 1 is NUL;"
        " seeds are JSON lines, a JSON array, CSV or plain text, in UTF-8.",
    ),
    "no such file": (
        "",
        b"",
        "--against: nowhere.jsonl: no such file, and not one of the seeds that come with"
        " evolinstruct ('code', 'math', 'starter'); check the path.",
    ),
    "standard input": (
        "-",
        b"",
        "--against: standard input (-) cannot be a test set; name a file.",
    ),
}


@pytest.mark.parametrize("command", ["evolve seeds.txt -o run --client offline", "contamination x"])
@pytest.mark.parametrize("case", BAD_SETS)
def test_a_bad_test_set_gets_one_sentence(folder: Path, case: str, command: str) -> None:
    name, content, said = BAD_SETS[case]
    if name not in ("", "-"):
        (folder / name).write_bytes(content)
    result = evolinstruct(f"{command} --against {name or 'nowhere.jsonl'}")
    assert (result.exit_code, result.stdout) == (2 if name == "-" else 1, "")
    assert result.stderr == f"Error: {said}\n"
    assert not (folder / "run").exists()


# The command


def facts(line: str) -> dict[str, Any]:
    result = evolinstruct(f"contamination {line} --json")
    assert result.exit_code == 0
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_what_surfaced_is_counted_by_generation_operation_and_test_set(folder: Path) -> None:
    run = run_of(folder, "run", against=[])
    told = facts("run --against tests.jsonl")
    holding = [
        line for line in Run(run).instructions() if "the mill by the river" in line.instruction
    ]
    by_generation = {each["generation"]: each["contaminated"] for each in told["generations"]}
    assert by_generation == {
        number: sum(line.generation == number for line in holding) for number in range(3)
    }
    assert told["contaminated"] == len(holding) > 1
    assert told["lines"] == sum(1 for _ in Run(run).instructions())
    assert told["test_sets"] == [{"file": "tests.jsonl", "items": 2, "surfaced": 1}]
    assert [(each["item"], each["item_text"]) for each in told["worst"]] == [("line 2", QUESTION)]
    by_operation = {each["operation"]: each["contaminated"] for each in told["operations"]}
    assert by_operation.pop("seeds") == 1
    assert sum(by_operation.values()) == len(holding) - 1


def test_a_run_made_against_a_test_set_holds_it_in_its_seeds_alone(folder: Path) -> None:
    run_of(folder, "run")
    told = facts("run --against tests.jsonl")
    assert [each["contaminated"] for each in told["generations"]] == [1, 0, 0]


def test_any_file_of_instructions_can_be_looked_at(folder: Path) -> None:
    run_of(folder, "run", against=[])
    whole = facts("run --against tests.jsonl")["contaminated"]
    unanswered = sum(
        line.output is None and "the mill" in line.instruction
        for line in Run(folder / "run").instructions()
    )
    told = facts("run/dataset.jsonl --against tests.jsonl")
    assert told["contaminated"] == whole - unanswered
    assert facts("seeds.jsonl --against tests.jsonl")["contaminated"] == 1


def test_near_items_and_answers_are_looked_for_if_asked(folder: Path) -> None:
    reworded = QUESTION.replace("church", "chapel").replace("How far is it", "How far is it then")
    write_seeds(
        folder / "data.jsonl",
        [
            {"instruction": "In short: " + QUESTION.replace("mill", "tower"), "output": "Far."},
            {"instruction": "Ask me something.", "output": QUESTION},
            {"instruction": "What is a mill?", "output": "A house with wings."},
            {"instruction": reworded},
        ],
    )
    write_items(folder / "tests.jsonl", QUESTION)
    plain = facts("data.jsonl --against tests.jsonl")
    assert [plain[name] for name in ("contaminated", "weak", "near", "answers")] == [0, 2, 0, 0]
    more = facts("data.jsonl --against tests.jsonl --near --likeness 0.5 --answers")
    assert [more[name] for name in ("contaminated", "weak", "near", "answers")] == [0, 2, 2, 1]


def test_every_line_that_overlaps_is_written(folder: Path) -> None:
    run_of(folder, "run", against=[])
    told = facts("run --against tests.jsonl --lines found.jsonl")
    rows = [json.loads(row) for row in Path("found.jsonl").read_text().splitlines()]
    assert len(rows) == told["contaminated"] + told["weak"]
    assert {(row["file"], row["item"]) for row in rows} == {("tests.jsonl", "line 2")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run --lines tests.jsonl", "tests.jsonl is read here, and would be lost; name another"),
        ("data.jsonl --lines ./data.jsonl", "data.jsonl is read here, and would be lost; name"),
        ("run --lines run/journal.sqlite", "run/journal.sqlite lies among the files of a run;"),
        ("run/dataset.jsonl --lines run/x", "run/x lies among the files of a run; name a file"),
        ("run --lines none/x", "none/x cannot be written: No such file or directory; put that"),
    ],
)
def test_a_list_is_never_written_over_what_is_there_to_stay(
    folder: Path, line: str, said: str
) -> None:
    run_of(folder, "run", against=[])
    write_seeds(folder / "data.jsonl", [{"instruction": QUESTION}])
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = evolinstruct(f"contamination {line} --against tests.jsonl")
    assert (result.exit_code, result.stderr.startswith(f"Error: {said}")) == (1, True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_script_can_fail_on_what_surfaced(folder: Path) -> None:
    run_of(folder, "run")
    assert evolinstruct("contamination run --against tests.jsonl").exit_code == 0
    assert evolinstruct("contamination run --against tests.jsonl --fail").exit_code == 1
    write_items(folder / "others.jsonl", "How many hills are there?")
    clean = evolinstruct("contamination run --against others.jsonl --fail")
    assert (clean.exit_code, "No test item was found." in clean.stdout) == (0, True)


@pytest.mark.parametrize("word", ["much", "0", "1.5", "nan"])
def test_a_likeness_that_is_none_is_refused(folder: Path, word: str) -> None:
    result = evolinstruct(f"contamination x --against y --near --likeness {word}")
    assert (result.exit_code, result.stderr) == (
        2,
        f"Error: --likeness must be a number from 0.1 to 1 (given: {word}).\n",
    )


def test_a_run_that_goes_on_can_be_looked_at(folder: Path) -> None:
    run = run_of(folder, "run", against=[])
    last = run / "generation-2.jsonl"
    last.write_bytes(last.read_bytes()[:-10])
    result = evolinstruct("contamination run --against tests.jsonl")
    assert result.exit_code == 0
    assert "ends in a torn line" in result.stderr
