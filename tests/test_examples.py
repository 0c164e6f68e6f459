"""The examples work, and what the documents show is so."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from evolinstruct import prompts
from evolinstruct.elimination import RULES
from evolinstruct.records import Kept
from tests import loopback, pages
from tests import test_architecture as architecture
from tests.command_line import evolinstruct

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DIRECTORY = (DOCS / "run-directory.md").read_text(encoding="utf-8").partition("\n## ")[0]
BIN = Path(sys.executable).parent


def environment() -> dict[str, str]:
    """Return the environment of a user who has the program on the path."""
    ours = ("OPENAI_", "MAKE", "MFLAGS")  # a make around the tests would speak to the one in them
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return env | {
        "PATH": f"{BIN}{os.pathsep}{env['PATH']}",
        "OPENAI_API_KEY": "never-sent",
        "GROQ_API_KEY": "never-sent",
    }


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command as a user of the environment does; return its stdout."""
    done = subprocess.run(
        command, cwd=cwd, env=environment(), text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def first_cells(table: str) -> list[str]:
    """Return the names in the first column of the tables in a text."""
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


# The examples


@pytest.mark.slow
def test_the_script_runs_both_ways_and_again_from_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = ROOT / "examples" / "from_python.py"
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])

    def told_by_it() -> str:
        runpy.run_path(str(script), run_name="__main__")
        return capsys.readouterr().out

    first = told_by_it()
    made = {path: path.read_bytes() for path in tmp_path.glob("*/*.jsonl")}
    again = told_by_it()
    assert {path.parent.name for path in made if path.name == "dataset.jsonl"} == {"plain", "async"}
    assert {path: path.read_bytes() for path in tmp_path.glob("*/*.jsonl")} == made
    told = [line for line in again.splitlines() if line not in first.splitlines()]
    assert [line for line in told if " is finished" not in line] == []


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples" / "make-batch", tmp_path / "batch"))


def made_by(batch: Path, *words: str) -> list[str]:
    said = run("make", *words, cwd=batch).splitlines()
    return sorted(line.removeprefix("made ") for line in said if line.startswith("made "))


def results(batch: Path) -> dict[str, bytes]:
    return {str(p.relative_to(batch)): p.read_bytes() for p in batch.glob("runs/*/*.jsonl")}


def touch(path: Path) -> None:
    """Make a file newer than anything there: the clocks of writing and of touching differ a bit."""
    here = path if path.parent.name != "seeds" else path.parent
    newest = max(other.stat().st_mtime_ns for other in here.parent.rglob("*"))
    os.utime(path, ns=(newest + 1_000_000, newest + 1_000_000))


BOTH = ["runs/kitchen/dataset.jsonl", "runs/spreadsheets/dataset.jsonl"]


@pytest.mark.slow
def test_the_batch_makes_the_same_two_at_a_time_as_one_by_one(batch: Path) -> None:
    assert made_by(batch, "-j2") == BOTH
    assert run("make", "list", cwd=batch).splitlines() == BOTH
    together = results(batch)
    run("make", "clean", cwd=batch)
    assert made_by(batch) == BOTH
    assert results(batch) == together


@pytest.mark.slow
def test_the_batch_makes_again_only_what_changed(batch: Path) -> None:
    made_by(batch, "-j2")
    assert made_by(batch, "-j2") == []
    with (batch / "seeds" / "kitchen.jsonl").open("a") as seeds:
        seeds.write('{"instruction": "How long does rice keep?", "output": "A day, cold."}\n')
    touch(batch / "seeds" / "kitchen.jsonl")
    assert made_by(batch, "-j2") == ["runs/kitchen/dataset.jsonl"]
    assert "How long does rice keep?" in (batch / "runs/kitchen/generation-0.jsonl").read_text()
    recipe = batch / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("generations = 2", "generations = 1"))
    touch(recipe)
    assert made_by(batch, "-j2") == BOTH
    touch(batch / "seeds" / "kitchen.jsonl")
    assert made_by(batch, "-j2") == ["runs/kitchen/dataset.jsonl"]
    assert made_by(batch, "-j2") == []


@pytest.mark.slow
def test_an_unfinished_run_of_the_batch_fails_its_target_and_is_gone_on_with(batch: Path) -> None:
    recipe = batch / "recipe.toml"
    whole = recipe.read_text()
    recipe.write_text(whole + "max_calls = 5\n")
    done = subprocess.run(["make"], cwd=batch, env=environment(), capture_output=True, check=False)
    assert done.returncode == 2
    assert list(batch.glob("runs/*/dataset.jsonl")) == []
    recipe.write_text(whole)
    assert made_by(batch) == BOTH


# The documents

GUIDES = {page.relative_to(ROOT).as_posix(): page for page in pages.GUIDES if pages.blocks(page)}


def planned(commands: str) -> str:
    """Return commands of which none asks a service that costs money: those only plan."""
    lines = re.sub(r" *\\\n +", " ", commands).splitlines()
    return "\n".join(
        f"{line} --dry-run" if "evolinstruct evolve" in line and "offline" not in line else line
        for line in lines
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", GUIDES)
def test_every_block_of_a_page_works_in_its_order(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    run("bash", "-c", "evolinstruct evolve starter -o demo --client offline -q", cwd=tmp_path)
    with loopback.serve(loopback.echo) as server:
        for number, block in enumerate(pages.blocks(GUIDES[name])):
            suffix = {"python": "py", "toml": "toml", "sh": "sh"}[block.language]
            file = tmp_path / (block.file or f"block-{number}.{suffix}")
            file.write_text(planned(block.text) if suffix == "sh" else block.text)
            if suffix == "sh":
                script = f'check() {{ OPENAI_BASE_URL={server.url} evolinstruct check "$@"; }}\n'
                text = file.read_text().replace("evolinstruct check ", "check ")
                text = text.replace("export OPENAI_API_KEY=...\n", "")
                run("bash", "-eo", "pipefail", "-c", script + text, cwd=tmp_path)
            elif suffix == "py" and not block.file:
                run(sys.executable, str(file), cwd=tmp_path)


def test_what_the_readme_shows_of_the_demo_is_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(ROOT / "seeds", tmp_path / "seeds").parent
    monkeypatch.chdir(folder)
    done = evolinstruct("evolve seeds/starter.jsonl -o demo --client offline")
    assert done.exit_code == 0
    shown = pages.section("Two commands", pages.README).partition("says, in the end:\n\n")[2]
    told = iter(done.stderr.splitlines())
    missing = [
        line
        for line in filter(None, map(str.strip, shown.splitlines()))
        if line != "…" and line not in map(str.strip, told)
    ]
    assert missing == []
    wrapped = re.search(r'\{"id": .*?"\}', DIRECTORY, re.DOTALL)
    assert wrapped
    line = json.loads(re.sub(r"\n *", " ", wrapped[0]))
    file = folder / "demo" / f"generation-{line['generation']}.jsonl"
    assert line in map(json.loads, file.read_text().splitlines())


def test_the_recipe_of_the_documents_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "never-sent")
    first = next(each for each in pages.blocks(DOCS / "settings.md") if each.language == "toml")
    (tmp_path / "recipe.toml").write_text(first.text)
    done = evolinstruct("evolve starter -o run --recipe recipe.toml --dry-run")
    assert done.exit_code == 0, done.stderr


def test_the_documents_name_every_operation_rule_and_field() -> None:
    pack = prompts.read(prompts.find("general"))
    names = first_cells((DOCS / "method.md").read_text(encoding="utf-8"))
    assert sorted(names) == sorted([*(item.name for item in pack.operations), *RULES])
    kept = [field.name for field in fields(Kept)]
    assert sorted(first_cells(DIRECTORY)) == sorted(kept)
    assert re.findall(r'"(\w+)":', DIRECTORY) == kept


def test_the_architecture_names_every_room() -> None:
    text = pages.section("Rooms", ROOT / "ARCHITECTURE.md")
    named = set(re.findall(r"\w+", "".join(re.findall(r"^ {4}.*$", text, re.MULTILINE))))
    rooms = {room.removeprefix("llm.") for room in architecture.FLOOR}
    assert rooms - named == set()


def test_the_way_of_one_seed_is_one_file_that_is_read_at_once() -> None:
    lines = (architecture.ROOT / "evolution" / "step.py").read_text().splitlines()
    assert len(lines) <= 80


DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]


@pytest.mark.parametrize("document", [str(path.relative_to(ROOT)) for path in sorted(DOCUMENTS)])
def test_links_between_documents_lead_somewhere(document: str) -> None:
    page = ROOT / document
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
