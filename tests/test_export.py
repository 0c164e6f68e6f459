"""Exporting a run: formats, splits, shards, cards, and what is refused."""

from __future__ import annotations

import hashlib
import html
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from evolinstruct.analysis.runs import Run
from evolinstruct.errors import InputError, UsageError
from evolinstruct.export import FORMATS, TRAINERS, ExportOptions, Licences, export, parse_size
from evolinstruct.export.markup import prose, yaml_text
from evolinstruct.records import Kept
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.reviews import NONE, review_file
from evolinstruct.text import one_line
from tests import runs
from tests.command_line import enter, evolinstruct


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of forty seeds, two generations; every third seed has no answer."""
    folder = tmp_path_factory.mktemp("export")
    seeds = runs.write_seeds(folder / "seeds.jsonl", runs.tasks(40))
    runs.evolve(seeds, folder / "run", generations=2)
    return folder / "run"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


CHECKS = '[{"name": "no_digits", "args": {}}, {"name": "no_lists", "args": {}, "declined": true}]'
ASIDE = [("So!", "agrees"), ("No.", "outvoted"), ("Nay.", "failed: 1 digit")]
SET_ASIDE = json.dumps([{"output": text, "model": "m", "why": why} for text, why in ASIDE])
LINE = Kept(
    "c", "s", "s", 1, "deepen", None, "Why?", None, "So.", "m", "not equal", "a.jsonl", CHECKS,
    SET_ASIDE,
)  # fmt: skip
SEED = Kept("s", "s", None, 0, None, None, "Sum up.\nA text.", "A text.", "Ok.", None, None, "a")
ORIGIN = {"id": "c", "seed_id": "s", "generation": 1, "operation": "deepen"}
USER = {"role": "user", "content": "Why?"}
ASSISTANT = {"role": "assistant", "content": "So."}
SYSTEM = {"role": "system", "content": "Be brief."}
ROWS: dict[str, dict[str, Any]] = {
    "alpaca": {"instruction": "Why?", "input": "", "output": "So.", "system": "Be brief."} | ORIGIN,
    "chat": {"messages": [SYSTEM, USER, ASSISTANT]} | ORIGIN,
    "prompt-completion": {"prompt": [SYSTEM, USER], "completion": [ASSISTANT]} | ORIGIN,
    "sharegpt": {
        "conversations": [
            {"from": "system", "value": "Be brief."},
            {"from": "human", "value": "Why?"},
            {"from": "gpt", "value": "So."},
        ]
    }
    | ORIGIN,
    "rlvr": {
        "prompt": [SYSTEM, USER],
        "constraints": '[{"name": "no_digits", "args": {}}]',
        "tests": "",
        "result": "",
    }
    | ORIGIN,
    "dpo": {
        "prompt": [SYSTEM, USER],
        "chosen": [ASSISTANT],
        "rejected": [{"role": "assistant", "content": "No."}],
    }
    | ORIGIN,
    "dpo-plain": {"prompt": "Be brief.\n\nWhy?", "chosen": "So.", "rejected": "No."} | ORIGIN,
    "openai-finetune": {"messages": [SYSTEM, USER, ASSISTANT]},
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_has_its_format_with_a_system_text(name: str) -> None:
    assert FORMATS[name].row(LINE, "Be brief.") == ROWS[name]
    assert list(FORMATS[name].columns("Be brief.")) == list(ROWS[name])


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_says_nothing_of_a_system_where_there_is_none(name: str) -> None:
    assert "system" not in json.dumps(FORMATS[name].row(LINE, None))
    assert list(FORMATS[name].columns(None)) == list(FORMATS[name].row(LINE, None))


def test_alpaca_has_a_seed_s_input_apart_again() -> None:
    row = FORMATS["alpaca"].row(SEED, None)
    assert {name: row[name] for name in ("instruction", "input", "output", "operation")} == {
        "instruction": "Sum up.",
        "input": "A text.",
        "output": "Ok.",
        "operation": "seed",
    }


@pytest.mark.slow
def test_every_answered_instruction_is_exported_once_shuffled_by_the_seed(
    made: Path, tmp_path: Path
) -> None:
    for number, seed in enumerate((None, 0, 1)):
        export(Run(made), tmp_path / str(number), ExportOptions("alpaca", seed=seed))
    found = [rows_of(tmp_path / str(number) / "train.jsonl") for number in range(3)]
    expected = {line.id for line in Run(made).instructions() if line.output is not None}
    assert [sorted(row["id"] for row in rows) for rows in found] == [sorted(expected)] * 3
    assert found[0] == found[1] != found[2]


def test_in_order_rows_stand_as_in_the_run(made: Path, tmp_path: Path) -> None:
    export(Run(made), tmp_path / "out", ExportOptions("chat", shuffle=False))
    ids = [row["id"] for row in rows_of(tmp_path / "out" / "train.jsonl")]
    assert ids == [line.id for line in Run(made).instructions() if line.output is not None]


@pytest.mark.parametrize("share", [0.001, 0.2, 0.999])
def test_no_family_is_on_both_sides_and_both_have_rows(
    made: Path, tmp_path: Path, share: float
) -> None:
    done = export(Run(made), tmp_path / "out", ExportOptions("alpaca", test=share))
    train, test = (rows_of(tmp_path / "out" / f"{name}.jsonl") for name in ("train", "test"))
    families = {row["seed_id"] for row in train}, {row["seed_id"] for row in test}
    assert families[0] & families[1] == set()
    total = len(families[0] | families[1])
    assert len(families[1]) == min(max(1, round(share * total)), total - 1)
    assert done.rows == {"train": len(train), "test": len(test)}


def test_shards_hold_the_same_rows_and_no_more_than_their_size(made: Path, tmp_path: Path) -> None:
    export(Run(made), tmp_path / "one", ExportOptions("alpaca"))
    done = export(Run(made), tmp_path / "many", ExportOptions("alpaca", shard=20_000))
    names = done.files["train"]
    last = len(names)
    assert names == [f"train-{n:05}-of-{last:05}.jsonl" for n in range(last)]
    assert last > 2
    pieces = [(tmp_path / "many" / name).read_bytes() for name in names]
    assert b"".join(pieces) == (tmp_path / "one" / "train.jsonl").read_bytes()
    assert max(map(len, pieces)) <= 20_000


def test_filters_and_no_seeds_leave_the_rest_out(made: Path, tmp_path: Path) -> None:
    request = ExportOptions("alpaca", {"generation": ["0-1"], "min_words": "8"}, seeds=False)
    export(Run(made), tmp_path / "out", request)
    ids = {row["id"] for row in rows_of(tmp_path / "out" / "train.jsonl")}
    lines = Run(made).instructions(1)
    assert ids == {x.id for x in lines if x.output and len(x.instruction.split()) >= 8}


def test_the_checksums_are_those_of_all_files(made: Path, tmp_path: Path) -> None:
    export(
        Run(made), tmp_path / "out", ExportOptions("sharegpt", test=0.1, trainer="llama-factory")
    )
    found = runs.contents(tmp_path / "out")
    sums = found.pop("SHA256SUMS").decode()
    assert sums == "".join(
        f"{hashlib.sha256(found[name]).hexdigest()}  {name}\n" for name in sorted(found, key=Path)
    )
    assert {"README.md", "dataset_info.json", "llama-factory.yaml"} < set(found)


def test_the_card_says_how_it_was_made_and_only_what_is_stated_of_rights(
    made: Path, tmp_path: Path
) -> None:
    licences = Licences("apache-2.0", "written by us", None)
    request = ExportOptions("chat", {"generation": ["1-2"]}, title="Things", licences=licences)
    done = export(Run(made), tmp_path / "out", request)
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith(
        '---\npretty_name: "Things"\nlicense: "apache-2.0"\ntask_categories:\n- text-generation\n'
    )
    assert "  - split: train\n    path:\n    - train.jsonl\n---\n" in card
    assert f"# Things\n\n{done.rows['train']} instructions with answers" in card
    assert "- The seeds: written by us.\n- The texts of the models: not stated;" in card
    assert "**Not for training.**" in card
    assert "    evolinstruct evolve seeds.jsonl -o run --prompts prompts --client offline" in card
    again = "    evolinstruct export run -o out --format chat --generation 1-2 --title Things"
    assert f"{again} --license apache-2.0 --seed-license 'written by us'\n" in card
    deepened = [f"{done.made[number, 'deepen']}" for number in (1, 2)]
    assert f"| deepen | {' | '.join(deepened)} |" in card
    assert str(tmp_path) not in card


NAMES = st.text() | st.lists(
    st.sampled_from(
        ["<img src=x>", "&amp;", "[a](b)", "![", "`", "**", "_", "|", "\\", "~~", "#", "\n",
         "\x1b[1m", "\u202e", "\x85", "a_b", "- ", "{{", "🚀", "\ud800", "$x$", '"', "'", ": ",
         "\ufeff"]
    )
).map("".join)  # fmt: skip


@example("__init__.py, _a__b_")
@given(NAMES)
def test_foreign_text_in_a_card_reads_as_it_is(name: str) -> None:
    shown = MarkdownIt().enable(["table", "strikethrough"]).renderInline(f"by {prose(name)}.")
    assert "<" not in shown
    assert html.unescape(shown) == f"by {one_line(name)}."


@given(NAMES)
def test_foreign_text_in_the_head_of_a_card_is_valid_yaml(name: str) -> None:
    yaml = pytest.importorskip("yaml")
    scalar = yaml_text(name)
    assert scalar.isprintable()
    assert yaml.safe_load(f"name: {scalar}\n") == {"name": name.encode("utf-8", "replace").decode()}


HOSTILE = 'a|b_c <b>`x` [y](z)\n---\n# "Mine" \x1b[31m'
"""A name for whatever may be named."""


def test_without_a_format_all_of_them_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    told = evolinstruct("export run -o out")
    assert told.exit_code == 2
    assert told.stderr.startswith("Error: Name a format with --format: alpaca, chat, ")


def test_no_name_adds_to_the_structure_of_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    names = HOSTILE.replace("/", ""), "plain"
    cards = []
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        run = folder / name
        folder.mkdir()
        seeds = runs.write_seeds(folder / f"{name}.jsonl", runs.tasks(4))
        tests = runs.write_seeds(folder / f"{name} tests.jsonl", [{"question": "Name a river."}])
        runs.evolve(
            seeds, run, model=name, generations=1, against=[str(tests)], param={"user": name}
        )
        notes = Licences(name, name, name)
        options = ExportOptions("chat", system=name, title=name, licences=notes)
        export(Run(run), folder / "out", options)
        cards.append((folder / "out" / "README.md").read_text())
    assert all(line.isprintable() for card in cards for line in card.split("\n"))
    parts = [card.removeprefix("---\n").split("\n---\n", 1) for card in cards]
    heads, bodies = zip(*parts, strict=True)
    assert heads[0].count("\n") == heads[1].count("\n")
    markdown = MarkdownIt().enable("table")
    hostile, plain = ([token.type for token in markdown.parse(body)] for body in bodies)
    assert hostile == plain
    assert "<b>" not in markdown.render(bodies[0])


@pytest.mark.slow
def test_the_card_says_what_a_run_was_held_against(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    runs.write_seeds(tmp_path / "tests.jsonl", [{"task": "Name a river in Asia."}])
    against = "--against task=tests.jsonl"
    said = []
    for rules in ("", against, f"{against} --rule contaminated_near", f"{against} --no-eliminate",
                  f"{against} --no-rule contaminated"):  # fmt: skip
        line = f"evolve seeds.txt -o run -g 1 --client offline --answer-seeds --update {rules}"
        assert evolinstruct(line).exit_code == 0
        assert evolinstruct("export run -o out --format chat --force").exit_code == 0
        card = (tmp_path / "out" / "README.md").read_text()
        said.append(next(line for line in card.splitlines() if "benchmark" in line))
    none = (
        "- They were not compared with any benchmark: whether they contain test items is unknown."
    )
    held = "- What holds an item of tests.jsonl was dropped (rule{}), except seeds; they were not"
    held += " compared with any other benchmark."
    one = held.format(" `contaminated`")
    assert said == [none, one, held.format("s `contaminated` and `contaminated_near`"), one, none]


def test_the_card_s_command_makes_the_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    (tmp_path / "data").mkdir()
    rows = [{"q": f"Explain thing {number}.", "a": "So."} for number in range(8)]
    seeds = runs.write_seeds(tmp_path / "data" / "my seeds.jsonl", rows)
    tests = runs.write_seeds(tmp_path / "data" / "tests.jsonl", [{"task": "Name a river in Asia."}])
    line = (
        f"evolve '{seeds}' -o run --client offline -g 1 --field q --map output=a --sample 5"
        f" --against 'task={tests}' --temperature answer=0.25 --strict --no-rule cut_off"
        " --param answer:user=me"
    )
    assert evolinstruct(line).exit_code == 0
    assert evolinstruct("export run -o out --format chat").exit_code == 0
    card = (tmp_path / "out" / "README.md").read_text()
    (again,) = [text for text in card.splitlines() if text.startswith("    evolinstruct evolve ")]
    assert again == (
        "    evolinstruct evolve 'my seeds.jsonl' -o run --prompts prompts --client offline"
        " --temperature answer=0.25 --param answer:user=me --generations 1"
        " --rule word_growth.least=10 --rule word_growth.most=20 --no-rule cut_off"
        " --against task=tests.jsonl --sample 5 --map output=a --map instruction=q"
    )
    made = runs.data_files(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "data" / "first")
    (tmp_path / "out" / "prompts").rename(tmp_path / "data" / "prompts")
    monkeypatch.chdir(tmp_path / "data")
    assert evolinstruct(again.strip().removeprefix("evolinstruct ")).exit_code == 0
    assert runs.data_files(tmp_path / "data" / "run") == made


@pytest.mark.slow
def test_an_unfinished_run_exports_what_is_finished_and_says_so(made: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    runs.evolve(made.parent / "seeds.jsonl", cut, generations=2)
    state = json.loads((cut / "run.json").read_text())
    state |= {"status": "Stopped by --max-calls.", "exit_code": 4}
    state["generations"] = state["generations"][:2]
    (cut / "run.json").write_text(json.dumps(state))
    second = cut / "generation-2.jsonl"
    second.write_bytes(second.read_bytes()[:-20])  # torn
    done = export(Run(cut), tmp_path / "out", ExportOptions("chat"))
    assert done.notices[0].endswith("which is left out.")
    assert done.notices[1] == (
        f"{cut} is not finished (Stopped by --max-calls); what it has so far is exported, up to"
        " generation 2 of 2."
    )
    assert "The run is not finished" in (tmp_path / "out" / "README.md").read_text()


# What is refused


def test_an_export_that_is_there_is_replaced_only_by_force(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(Run(made), out, ExportOptions("alpaca", shard=20_000, trainer="axolotl"))
    (out / "model").mkdir()
    (out / "model" / "mine").write_text("kept")
    before = runs.contents(out)
    with pytest.raises(InputError, match="is not empty; name another folder with -o"):
        export(Run(made), out, ExportOptions("chat"))
    assert runs.contents(out) == before
    export(Run(made), out, ExportOptions("chat", force=True))
    after = runs.contents(out)
    assert {name for name in after if "/" not in name} == {"README.md", "SHA256SUMS", "train.jsonl"}
    assert after["model/mine"] == b"kept"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_and_a_file_are_no_place_for_an_export(made: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="holds a run"):
        export(Run(made), made, ExportOptions("chat", force=True))
    with pytest.raises(InputError, match="is a file"):
        export(Run(made), tmp_path / "file", ExportOptions("chat", force=True))


def test_a_filter_that_keeps_nothing_is_said_and_writes_nothing(made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="passes these filters, so nothing is exported"):
        export(Run(made), tmp_path / "out", ExportOptions("chat", {"grep": "no such text"}))
    assert list(tmp_path.iterdir()) == []


def test_instructions_without_answers_are_counted(made: Path, tmp_path: Path) -> None:
    seeds = runs.write_seeds(tmp_path / "seeds.jsonl", [{"instruction": "Explain rain."}])
    runs.evolve(seeds, tmp_path / "run", generations=1, answers=False)
    with pytest.raises(InputError, match=r"None of the \d instructions chosen"):
        export(Run(tmp_path / "run"), tmp_path / "out", ExportOptions("chat"))
    done = export(Run(made), tmp_path / "whole", ExportOptions("chat"))
    assert done.unanswered == 14
    assert done.notices == ["14 instructions have no answer and are left out."]


REFUSED = {
    "a format": (ExportOptions("alpacca"), "did you mean 'alpaca'"),
    "a trainer as a format": (ExportOptions("trl"), "as in --format chat --trainer trl"),
    "a trainer": (ExportOptions("chat", trainer="tlr"), "did you mean 'trl'"),
    "a trainer's format": (
        ExportOptions("alpaca", trainer="trl"),
        "it reads chat, prompt-completion",
    ),
    "a share": (ExportOptions("chat", test=1.0), "between 0 and 1"),
    "a Parquet file": (ExportOptions("openai-finetune", parquet=True), "JSONL only"),
    "an operation": (ExportOptions("chat", {"operation": "deepn"}), "did you mean 'deepen'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused(name: str, made: Path, tmp_path: Path) -> None:
    request, words = REFUSED[name]
    with pytest.raises(UsageError) as refused:
        export(Run(made), tmp_path / "out", request)
    assert words in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_sizes_are_read_with_their_units() -> None:
    assert [parse_size(word) for word in ("7", "5kb", "500MB", "1 G")] == [
        7,
        5_000,
        500_000_000,
        1_000_000_000,
    ]
    for word in ("", "0", "MB", "1.5G", "-1"):
        with pytest.raises(UsageError, match="must be a size such as"):
            parse_size(word)


# Trainers


@pytest.mark.slow
@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_trainer_s_configuration_names_the_files(
    trainer: str, made: Path, tmp_path: Path
) -> None:
    for name in TRAINERS[trainer].formats:
        out = tmp_path / name
        export(Run(made), out, ExportOptions(name, test=0.1, shard=30_000, trainer=trainer))
        config = (out / f"{trainer}.yaml").read_text()
        said = config + (
            (out / "dataset_info.json").read_text() if trainer == "llama-factory" else ""
        )
        assert "OWNER/MODEL" in config
        names = [path.name for path in out.glob("t*.jsonl")]
        assert len(names) > 2
        if trainer == "trl":
            assert f'dataset_name: "../{name}"\n' in config
        else:
            assert [name for name in names if name not in said] == []


def test_the_command_that_is_told_works_in_a_folder_of_any_name(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    done = evolinstruct(f"export {made} -o 'my data/for trl #1' --format chat --trainer trl")
    assert "`cd 'my data/for trl #1' && trl sft --config trl.yaml`" in done.stderr


def test_the_command_line_exports_and_tells(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    done = evolinstruct(f"export {made} -o out --format alpaca --test 0.1 --json -q")
    facts = json.loads(done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")
    assert facts["files"] == {"train": ["train.jsonl"], "test": ["test.jsonl"]}
    assert facts["rows"]["train"] == len(rows_of(tmp_path / "out" / "train.jsonl"))


# --- what people decided ------------------------------------------------------------------------


@pytest.fixture
def reviewed(made: Path, tmp_path: Path) -> Path:
    """The run, of whose kept lines Ann and Bob decided about the first five."""
    run = Path(shutil.copytree(made, tmp_path / "reviewed"))
    lines = list(Run(run).instructions(1))[:5]
    edits = [("Say it anew.", "As you wish."), ("Ask it anew.", None)]
    decided = [
        NONE.decide(lines[0], "accepted"),
        NONE.decide(lines[1], "rejected", "too easy"),
        NONE.decide(lines[2], "edited", None, edits[0]),
        NONE.decide(lines[3], "edited", None, edits[1]),
        NONE.decide(lines[4], "accepted"),
    ]
    flat.append(review_file(run, "ann.the-reviewer"), *decided)
    flat.append(review_file(run, "bob"), NONE.decide(lines[4], "rejected"))
    return run


def exported(run: Path, out: Path, wish: str | None) -> tuple[dict[str, str], str]:
    """Export a run; return each line's instruction by its id, and the card."""
    export(Run(run), out, ExportOptions(format="alpaca", reviewed=wish))
    rows = rows_of(out / "train.jsonl")
    return {row["id"]: row["instruction"] for row in rows}, (out / "README.md").read_text()


def test_what_reviewers_accepted_is_exported_as_they_edited_it(
    reviewed: Path, tmp_path: Path
) -> None:
    lines = list(Run(reviewed).instructions(1))[:5]
    found, card = exported(reviewed, tmp_path / "out", "accepted")
    assert found == {lines[0].id: lines[0].instruction, lines[2].id: "Say it anew."}
    assert "only what they accepted is here" in card
    assert "1 instruction on which reviewers differ: left out." in card
    assert "1 edited instruction without an answer" in card
    for file in (tmp_path / "out").rglob("*"):
        assert not file.is_file() or b"ann.the-reviewer" not in file.read_bytes()


def test_what_reviewers_did_not_reject_is_exported_with_what_nobody_read(
    reviewed: Path, tmp_path: Path
) -> None:
    lines = list(Run(reviewed).instructions(1))[:5]
    whole, _ = exported(reviewed, tmp_path / "whole", None)
    found, _ = exported(reviewed, tmp_path / "out", "not-rejected")
    left_out = {lines[1].id, lines[3].id}
    assert found == {
        name: "Say it anew." if name == lines[2].id else text
        for name, text in whole.items()
        if name not in left_out
    }


def test_a_run_that_nobody_reviewed_has_nothing_that_is_accepted(
    made: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="Nobody has reviewed"):
        exported(made, tmp_path / "out", "accepted")
    with pytest.raises(UsageError, match="--reviewed all: choose accepted or not-rejected"):
        exported(made, tmp_path / "out", "all")
