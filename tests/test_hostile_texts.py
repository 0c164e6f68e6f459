"""Hostile seeds and replies are text and nothing else; and the page that promises it is true."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

from tests.command_line import enter, evolinstruct
from tests.runs import check_invariants, evolve, write_seeds

PAGE = Path(__file__).parent.parent / "docs" / "security.md"
HOSTILE = (
    "../../../etc/passwd",
    "\x1b]0;owned\x07\x1b[2J Explain rivers.",
    "{{instruction}} {0.__class__} ${HOME} %s \\1",
    "#Rewritten Instruction#: <script>window.hacked = 1</script>",
    "=HYPERLINK(1)",
    "'); DROP TABLE calls; --",
    "\u202eslevir nialpxE",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


def test_hostile_seeds_become_lines_under_ids_that_are_digests_and_no_other_file(
    folder: Path,
) -> None:
    seeds = write_seeds(
        folder / "seeds.jsonl",
        ({"id": text, "instruction": text, "output": text} for text in HOSTILE),
    )
    before = {*folder.rglob("*")}
    evolve(seeds, folder / "run", generations=2)
    check_invariants(folder / "run", 2)
    made = [path.name for path in {*folder.glob("**/*")} - before if path.parent == folder]
    assert made == ["run"]
    seeds_as_read = (folder / "run/generation-0.jsonl").read_bytes().splitlines()
    lines = list(map(json.loads, seeds_as_read))
    assert tuple(line["instruction"] for line in lines) == HOSTILE
    names = re.findall(r'"(?:id|seed_id)": "([^"]*)"', (folder / "run/dataset.jsonl").read_text())
    assert names
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)


def test_what_is_said_of_a_hostile_seed_shows_its_escapes(folder: Path) -> None:
    (folder / "bad.jsonl").write_text('{"\\u001b[2J": 1}\n')
    result = evolinstruct("evolve bad.jsonl -o run --client offline")
    assert result.exit_code == 1
    assert "\\x1b[2J" in result.stderr
    assert "\x1b" not in result.stderr


def test_an_id_that_is_a_path_leads_nowhere(folder: Path) -> None:
    evolve(folder / "seeds.txt", folder / "run", generations=1)
    result = evolinstruct("trace run ../../seeds")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")


def test_each_promise_of_security_names_tests_that_are_there() -> None:
    named = re.findall(r"`tests/([\w/]+)\.py::(\w+)`", PAGE.read_text())
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    assert all("::test_" in row for row in rows)
    modules = {module: importlib.import_module(f"tests.{module.replace('/', '.')}")
               for module, _ in named}  # fmt: skip
    assert [test for module, test in named if not hasattr(modules[module], test)] == []
