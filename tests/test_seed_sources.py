"""Seeds from compressed files, Parquet, folders and mapped fields, and what `seeds` shows."""

from __future__ import annotations

import gzip
import io
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.errors import InputError, UsageError
from evolinstruct.seeds import Seed, SeedCounts, hub, read_seeds
from evolinstruct.seeds.layouts import layout_of
from evolinstruct.seeds.summary import script_of, summarize_seeds
from tests import runs
from tests.command_line import enter, evolinstruct

ROWS = [{"instruction": "Add.", "input": "1, 2", "output": "3"}, {"instruction": "Go."}]


def read(*names: str | Path, **options: Any) -> list[tuple[str, str | None, str | None]]:
    wanted = {"skip_bad": False, "limit": None, "counts": SeedCounts(), **options}
    return [(s.instruction, s.input, s.output) for s in read_seeds([*map(str, names)], **wanted)]


TAKEN = [("Add.", "1, 2", "3"), ("Go.", None, None)]


def text_of(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        return bytes(import_module("compression.zstd").compress(data))
    return pytest.importorskip("zstandard").ZstdCompressor().compress(data)


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.json.gz", "a.txt.gz", "packed"])
def test_gzip_of_any_seed_file_is_read_as_the_file(tmp_path: Path, name: str) -> None:
    content = {"a.json.gz": json.dumps(ROWS).encode(), "a.txt.gz": b"Add.\nGo.\n"}
    path = tmp_path / name
    path.write_bytes(gzip.compress(content.get(name, text_of(ROWS))))
    expected = [("Add.", None, None), ("Go.", None, None)] if name == "a.txt.gz" else TAKEN
    assert read(path) == expected
    assert read("-", stdin=io.BytesIO(path.read_bytes())) == expected


def test_zstd_is_read_and_a_torn_one_gets_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstd(text_of(ROWS[:1])) + zstd(text_of(ROWS[1:])))
    assert read(path) == TAKEN
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="broken or cut off: zstd cannot unpack it"):
        read(path)


def test_parquet_is_read_row_by_row_also_from_standard_input_and_compressed(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.Table.from_pylist(ROWS), path)
    assert read(path) == TAKEN
    assert read("-", stdin=io.BytesIO(path.read_bytes())) == TAKEN
    (tmp_path / "b.parquet.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read(tmp_path / "b.parquet.gz") == TAKEN
    chat = [{"messages": [{"role": "user", "content": "Hi?"}]}]
    parquet.write_table(arrow.Table.from_pylist(chat), path)
    assert read(path) == [("Hi?", None, None)]
    parquet.write_table(arrow.Table.from_pylist([{"instruction": {"a": 1}}]), path)
    with pytest.raises(InputError, match=r"row 1: `instruction` is an object instead of text"):
        read(path)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read(path)


def test_a_folder_means_its_seed_files_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("Second.\n")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text_of([{"text": "First."}])))
    (tmp_path / "README.md").write_text("No seed.")
    (tmp_path / ".c.txt").write_text("Hidden.")
    found = read_seeds([str(tmp_path)], skip_bad=False, limit=None, counts=SeedCounts())
    assert list(found) == [
        Seed("First.", None, None, str(tmp_path / "a.jsonl.gz")),
        Seed("Second.", None, None, str(tmp_path / "b.txt")),
    ]
    (tmp_path / "run.json").touch()
    with pytest.raises(InputError, match=r"is a run; name a file in it, such as .*dataset\.jsonl"):
        read(tmp_path)


QA = {"q": "Why?", "facts": "Rain.", "a": "So."}


def test_a_mapping_names_the_field_of_each_part(tmp_path: Path) -> None:
    path = runs.write_seeds(tmp_path / "a.jsonl", [QA])
    mapping = {"instruction": "q", "input": "facts", "output": "a"}
    assert read(path, mapping=mapping) == [("Why?", "Rain.", "So.")]
    with pytest.raises(InputError, match=r"no 'fact' among the fields 'q', 'facts', 'a' \(did you"):
        read(path, mapping={**mapping, "input": "fact"})


USER, SAID = {"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Ho."}
LAYOUTS: dict[str, dict[str, Any]] = {
    "Alpaca": {"instruction": "Hi?", "input": "", "output": "Ho."},
    "Self-Instruct": {"instruction": "Hi?", "instances": [{"input": "", "output": "Ho."}]},
    "Dolly": {"instruction": "Hi?", "context": "", "response": "Ho.", "category": "open"},
    "Evol-Instruct": {"instruction": "Hi?", "output": "Ho."},
    "Evol-Instruct (conversations)": {
        "idx": "1",
        "conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Ho."}],
    },
    "chat messages": {"messages": [USER, SAID]},
    "UltraChat": {"prompt": "Hi?", "prompt_id": "1", "messages": [USER, SAID, USER]},
    "question and answer": {"question": "Hi?", "answer": "Ho."},
    "text": {"text": "Hi?"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_common_layout_is_recognised_and_read(layout: str, tmp_path: Path) -> None:
    assert layout_of(LAYOUTS[layout], {}) == layout
    answer = None if layout == "text" else "Ho."
    assert read(runs.write_seeds(tmp_path / "a.jsonl", [LAYOUTS[layout]])) == [
        ("Hi?", None, answer)
    ]


def test_of_conversations_the_first_turn_is_taken_and_those_of_several_are_counted(
    tmp_path: Path,
) -> None:
    rows = [
        {"messages": [USER, SAID]},
        {"messages": [{"role": "user", "content": "A?"}, SAID, USER, SAID]},
        {"id": "0", "data": ["B?", "Ho.", "C?", "D."]},
    ]
    counts = SeedCounts()
    found = read(runs.write_seeds(tmp_path / "a.jsonl", rows), counts=counts)
    assert found == [("Hi?", None, "Ho."), ("A?", None, "Ho."), ("B?", None, "Ho.")]
    assert counts.multi_turn == 2


def test_a_sample_is_drawn_by_the_seed_and_keeps_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    texts = {}
    for name, options in {"a": "", "b": "", "c": "--seed 5"}.items():
        line = f"evolve seeds.txt -o {name} --client offline -g 1 --sample 4 -q {options}"
        assert evolinstruct(line).exit_code == 0
        lines = (tmp_path / name / "generation-0.jsonl").read_text().splitlines()
        texts[name] = [json.loads(line)["instruction"] for line in lines]
    assert len(texts["a"]) == 4
    assert texts["a"] == texts["b"] == sorted(texts["a"])
    assert texts["c"] != texts["a"]


def test_a_summary_says_what_would_be_read(tmp_path: Path) -> None:
    rows = [*ROWS, ROWS[0], {"question": "Что?", "answer": "То."}, {"instruction": 5}, {"a": 1}]
    path = str(runs.write_seeds(tmp_path / "a.jsonl", rows))
    facts = summarize_seeds([path], {}).to_json()
    nothing = (
        "no instruction among the fields 'a' (--map instruction=KEY names the one that holds it)"
    )
    assert facts == {
        "files": [
            {
                "name": path,
                "rows": 6,
                "bad": 2,
                "shapes": {
                    "Alpaca": 2,
                    "instruction alone": 2,
                    "question and answer": 1,
                    "other": 1,
                },
                "mapping": [
                    {"part": "instruction", "field": "instruction", "rows": 3},
                    {"part": "input", "field": "input", "rows": 2},
                    {"part": "output", "field": "output", "rows": 2},
                    {"part": "instruction", "field": "question", "rows": 1},
                    {"part": "output", "field": "answer", "rows": 1},
                ],
            }
        ],
        "seeds": 3,
        "duplicates": 1,
        "bad": 2,
        "multi_turn": 0,
        "with_input": 1,
        "with_output": 2,
        "words": {"least": 1.0, "median": 1.0, "most": 3.0},
        "scripts": {"latin": 2, "cyrillic": 1},
        "first": ["Add.\n1, 2", "Go.", "Что?"],
        "problems": [
            f"{path}, line 5: `instruction` is the number 5 instead of text",
            f"{path}, line 6: {nothing}",
        ],
    }


def test_the_command_shows_it_and_ends_with_1_for_bad_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    runs.write_seeds(Path("mixed.jsonl"), [*ROWS, {"q": "Why?"}])
    done = evolinstruct("seeds mixed.jsonl")
    assert done.exit_code == 1
    assert "shape: Alpaca (1 row, first in line 1)" in done.stdout
    assert "mixed.jsonl, line 3: no instruction among the fields 'q'" in done.stdout
    fine = evolinstruct("seeds seeds.txt --json")
    assert (fine.exit_code, json.loads(fine.stdout)["seeds"]) == (0, 10)
    wrong = evolinstruct("seeds seeds.txt --map quest=q")
    assert (wrong.exit_code, wrong.stderr) == (
        2,
        "Error: --map: quest=q is no PART=KEY; parts are instruction, input, output.\n",
    )


def test_scripts_are_told_by_most_letters() -> None:
    found = [script_of(text) for text in ("Añadir", "日本語", "Сумма x", "سلام", "1 + 1")]
    assert found == ["latin", "cjk", "cyrillic", "arabic", "none"]


# Data sets of the Hub


def test_names_of_data_sets_are_read_and_refused() -> None:
    parsed = [hub.parse(f"hf:o/n{rest}") for rest in ("", ":c", ":c:s@v1", "::s")]
    assert parsed == [
        ("o/n", None, None, None),
        ("o/n", "c", None, None),
        ("o/n", "c", "s", "v1"),
        ("o/n", None, "s", None),
    ]
    for name in ("hf:", "hf:name", "hf:o/n:a:b:c"):
        with pytest.raises(UsageError, match="is not a data set's name"):
            read(name)
