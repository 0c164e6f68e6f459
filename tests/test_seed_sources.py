"""Seeds from compressed files, Parquet, folders and mapped fields, and what `seeds` shows."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import Any, BinaryIO

import pytest

from evolinstruct.errors import InputError, UsageError
from evolinstruct.records import join_input
from evolinstruct.run.seed_lines import SeedLines
from evolinstruct.seeds import Seed, SeedCounts, hub, read_seeds
from evolinstruct.seeds.layouts import layout_of
from evolinstruct.seeds.sources import Source
from evolinstruct.seeds.summary import script_of, summarize_seeds
from evolinstruct.settings import SeedSettings
from tests import runs
from tests.command_line import enter, evolinstruct

ROWS = [{"instruction": "Add.", "input": "1, 2", "output": "3"}, {"instruction": "Go."}]


def read(*names: str | Path, **options: Any) -> list[tuple[str, str | None, str | None]]:
    wanted = {"skip_bad": False, "limit": None, "counts": SeedCounts(), **options}
    return [(s.instruction, s.input, s.output) for s in read_seeds([*map(str, names)], **wanted)]


def stdin(content: bytes) -> dict[Source, BinaryIO]:
    return {Source("stdin", None): io.BytesIO(content)}


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
    assert read("-", streams=stdin(path.read_bytes())) == expected


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
    assert read("-", streams=stdin(path.read_bytes())) == TAKEN
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
    assert counts.remarks == {"multi_turn": 2}


@pytest.mark.slow
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
                "notes": [],
            }
        ],
        "seeds": 3,
        "duplicates": 1,
        "bad": 2,
        "multi_turn": 0,
        "remarks": {},
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
    turned = evolinstruct("seeds seeds.txt --map task=instruction")
    assert (turned.exit_code, turned.stderr) == (
        2,
        "Error: --map: task=instruction is no PART=KEY (did you mean instruction=task?);"
        " parts are instruction, input, output.\n",
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


# Folders


def test_the_folder_of_a_data_set_means_its_rows_and_nothing_about_them(tmp_path: Path) -> None:
    about = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
    for name in (*about, "README.txt", "LICENSE.txt", "requirements.txt", "README.md"):
        (tmp_path / name).write_text('{"features": {}}')
    (tmp_path / "train.jsonl").write_bytes(text_of(ROWS))
    assert read(tmp_path) == TAKEN


def test_of_a_cloned_data_set_the_folder_data_is_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("About.")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_bytes(text_of(ROWS))
    assert read(tmp_path) == TAKEN


def test_other_folders_within_are_named(tmp_path: Path) -> None:
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    for name in ("train", "test", "empty"):
        (tmp_path / name).mkdir()
    for name in ("train", "test"):
        (tmp_path / name / "a.jsonl").write_bytes(text_of(ROWS))
    within = f"{tmp_path / 'test'}, {tmp_path / 'train'}"
    with pytest.raises(InputError) as raised:
        read(tmp_path)
    assert str(raised.value) == (
        f"{tmp_path} is a folder that holds no seed file; folders in it are not read, so name the"
        f" one that you want: {within}."
    )


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["alpaca", "chat", "prompt-completion", "sharegpt"])
def test_an_export_can_be_evolved_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: str
) -> None:
    enter(tmp_path, monkeypatch)
    assert evolinstruct("evolve starter --limit 9 -o run --client offline -g 1 -q").exit_code == 0
    trainer = {"alpaca": "--trainer llama-factory", "prompt-completion": "--trainer trl"}
    words = trainer.get(format_, "")
    assert evolinstruct(f"export run -o out --format {format_} {words} -q").exit_code == 0
    rows = [json.loads(line) for line in Path("run/dataset.jsonl").read_text().splitlines()]
    expected = {(row["instruction"], row["output"]) for row in rows}
    found = read_seeds(["out"], skip_bad=False, limit=None, counts=SeedCounts())
    joined = ((join_input(seed.instruction, seed.input), seed.output) for seed in found)
    assert set(joined) == expected


def test_names_that_are_not_utf8_are_read_written_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(os.fsdecode(b"d\xe9"))
    folder.mkdir()
    name = os.fsdecode(b"d\xe9/caf\xe9.jsonl")
    Path(name).write_bytes(text_of(ROWS))
    for seeds in (name, str(folder)):
        against = f"--against {quote(name)}"
        done = evolinstruct(f"evolve {quote(seeds)} -o run --client offline -g 1 -q {against}")
        assert (done.exit_code, done.stderr) == (0, "")
    lines = Path("run/generation-0.jsonl").read_text().splitlines()
    assert {json.loads(line)["seed_source"] for line in lines} == {r"caf\udce9.jsonl"}
    missing = evolinstruct("seeds " + os.fsdecode(b"n\xe9.txt"))
    assert missing.exit_code == 1
    assert missing.stderr.startswith(r"Error: 'n\udce9.txt': no such file")


# What can be read but once


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["", "--sample=1"])
def test_a_pipe_is_read_once_and_evolved(tmp_path: Path, sample: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    words = ["evolve", "pipe", "-o", "run", "--client", "offline", "-g", "1", "-q", sample]
    with subprocess.Popen(
        [sys.executable, "-c", "from evolinstruct.cli import main; main()", *filter(None, words)],
        cwd=tmp_path,
    ) as process:
        try:
            (tmp_path / "pipe").write_bytes(gzip.compress(text_of(ROWS)))
            assert process.wait(60) == 0
        finally:
            process.kill()  # where it waits for the pipe once more
    lines = (tmp_path / "run" / "generation-0.jsonl").read_text().splitlines()
    assert len(lines) == (1 if sample else 2)
    assert json.loads(lines[0])["seed_source"] == "pipe"


@pytest.mark.slow
@pytest.mark.parametrize("ask", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["pipe", "-"])
def test_a_signal_ends_a_run_that_waits_for_its_seeds(
    tmp_path: Path, ask: signal.Signals, name: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    words = ["evolve", name, "-o", "run", "--client", "offline"]
    with subprocess.Popen(
        [sys.executable, "-c", "from evolinstruct.cli import main; main()", *words],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        given = (tmp_path / "pipe").open("wb") if name == "pipe" else process.stdin
        with given:
            given.write(b"Go.\n" * 100_000)  # more than a pipe holds: it is being read
            given.flush()
            process.send_signal(ask)
            assert process.wait(20) == 130
        assert process.stderr.read() == b"Interrupted; run the same command again.\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["seeds", "preview --client offline"])
def test_a_signal_ends_any_command_that_waits_for_its_seeds(tmp_path: Path, command: str) -> None:
    name, *options = command.split()
    with subprocess.Popen(
        [sys.executable, "-c", "from evolinstruct.cli import main; main()", name, "-", *options],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        with process.stdin:
            process.stdin.write(b"Go.\n" * 100_000)
            process.stdin.flush()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 130
        assert process.stderr.read() == b"Interrupted; run the same command again.\n"


def test_standard_input_under_its_other_name_is_the_same(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can be read once only"):
        read("-", "/dev/stdin")
    with pytest.raises(InputError, match="is binary, not text"):
        next(SeedLines(["/dev/zero"], SeedSettings()).read())


# Files of columns


def test_columns_that_nobody_asked_for_do_not_matter(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    turn = arrow.struct(
        [("role", arrow.string()), ("content", arrow.string()), ("at", arrow.timestamp("ns"))]
    )
    turns = [{"role": "user", "content": "Hi?", "at": 1_234_567_891}]
    columns = {
        "messages": arrow.array([turns], arrow.list_(turn)),
        "at": arrow.array([1_234_567_891], arrow.timestamp("ns")),
        "day": arrow.array([2**30], arrow.date32()),
        "bytes": arrow.array([b"\xff"], arrow.binary()).view(arrow.string()),
    }
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [("Hi?", None, None)]
    with pytest.raises(InputError, match=r"no 'question' among the columns 'messages', 'at'"):
        read(tmp_path / "a.parquet", mapping={"instruction": "question"})
    parquet.write_table(arrow.table({"id": [1], "task": ["A"]}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"no instruction among the columns 'id', 'task' \(--map"):
        read(tmp_path / "b.parquet")
    assert read(tmp_path / "b.parquet", mapping={"instruction": "task"}) == [("A", None, None)]


@pytest.mark.parametrize("kind", ["new_file", "new_stream"])
def test_a_data_set_that_was_saved_to_disk_is_read(tmp_path: Path, kind: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    ipc = pytest.importorskip("pyarrow.ipc")
    (tmp_path / "state.json").write_text('{"_data_files": []}')
    (tmp_path / "dataset_info.json").write_text('{"features": {}}')
    table = arrow.Table.from_pylist(ROWS)
    path = tmp_path / "data-00000-of-00001.arrow"
    with path.open("wb") as file, getattr(ipc, kind)(file, table.schema) as writer:
        writer.write_table(table)
    (tmp_path / "cache-0.arrow").write_bytes(b"not a seed")
    assert read(tmp_path) == TAKEN
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot be read as Arrow after row 0"):
        read(tmp_path)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_a_feather_file_is_read(tmp_path: Path, compression: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    feather = pytest.importorskip("pyarrow.feather")
    path = tmp_path / "a.feather"
    feather.write_feather(arrow.Table.from_pylist(ROWS), path, compression=compression)
    assert read(tmp_path) == TAKEN
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be read as Arrow after row 0"):
        read(path)


@pytest.mark.parametrize(("start", "kind"), [(b"PAR1", "a Parquet"), (b"ARROW1", "an Arrow")])
def test_without_pyarrow_a_file_of_columns_is_named(
    tmp_path: Path, start: bytes, kind: str
) -> None:
    if find_spec("pyarrow") is not None:
        pytest.skip("pyarrow")
    (tmp_path / "a").write_bytes(start)
    with pytest.raises(InputError, match=f"a is {kind} file: to read it needs the package pyarrow"):
        read(tmp_path / "a")
