"""show, trace, stats and preview, as a person, a pipe and a script see them.

What a person sees is compared with the files in ``snapshots``; they are written anew by running
these tests with SNAPSHOTS=write in the environment, and then read.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest

from evolinstruct.records import encode
from tests.command_line import enter, evolinstruct
from tests.runs import evolve, tasks, write_seeds
from tests.written import ANSWER, HOSTILE, SEEDS, family_lines, seed, write_run

SNAPSHOTS = Path(__file__).parent / "snapshots"
RIVER, TIDE, NILE, EMOJI, BELL = (seed(text).id for text in SEEDS)
TERMINALS = {
    "60": {"COLUMNS": "60", "FORCE_COLOR": "1", "TERM": "xterm-256color"},
    "80": {"COLUMNS": "80", "FORCE_COLOR": "1", "TERM": "xterm-256color"},
    "160": {"COLUMNS": "160", "FORCE_COLOR": "1", "TERM": "xterm-256color"},
    "no-color": {"COLUMNS": "80", "FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm-256color"},
    "dumb": {"COLUMNS": "80", "FORCE_COLOR": "1", "TERM": "dumb"},
    "piped": {},
}
COMMANDS = {
    "show": "show run --limit 0",
    "rejected": "show run --rejected --failed",
    "trace": f"trace run {RIVER}",
    "trace-hostile": f"trace run {BELL}",
    "stats": "stats run",
    "compare": "stats run other",
    "contamination": "contamination run --against items.jsonl --near --answers",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    enter(tmp_path, monkeypatch)
    write_run(tmp_path / "run")
    write_run(tmp_path / "other", family_lines()[:2], usage=[])
    questions = (*SEEDS[:2], HOSTILE, f"{SEEDS[2]} اشرح", ANSWER, "How many hills are there?")
    write_seeds(tmp_path / "items.jsonl", [{"question": question} for question in questions])
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_looks_as_it_did(
    command: str, terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in TERMINALS[terminal].items():
        monkeypatch.setenv(name, value)
    shown = evolinstruct(COMMANDS[command]).stdout
    file = SNAPSHOTS / f"{command}.{terminal}.txt"
    if os.environ.get("SNAPSHOTS") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS.values())
def test_no_text_of_a_run_steers_the_terminal(command: str) -> None:
    shown = evolinstruct(command).stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", shown)


def test_no_colour_means_marks_and_colour_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "{+Say more" in evolinstruct(f"trace run {RIVER}").stdout
    for name, value in TERMINALS["80"].items():
        monkeypatch.setenv(name, value)
    coloured = evolinstruct(f"trace run {RIVER}").stdout
    assert "{+" not in coloured
    assert "\x1b[32mSay more" in coloured


def test_raw_lines_are_those_of_the_files() -> None:
    result = evolinstruct("show run --json -g 1-2")
    first, second = (Path(f"run/generation-{n}.jsonl").read_text() for n in (1, 2))
    assert (result.exit_code, result.stdout) == (0, first + second)
    limited = evolinstruct("show run --json --rejected --limit 1").stdout
    assert limited == encode(family_lines()[1][2]).decode()


def test_a_file_alone_shows_lines_of_every_kind() -> None:
    lines = [encode(line) for line in family_lines()[1]]
    Path("mixed.jsonl").write_bytes(b"".join(lines))
    assert evolinstruct("show mixed.jsonl --json").stdout.encode() == b"".join(lines)
    assert evolinstruct("show mixed.jsonl --json --failed").stdout.encode() == lines[3]


def test_a_limit_says_how_many_there_are() -> None:
    result = evolinstruct("show run --limit 2")
    assert result.stderr == "2 of 10 matching lines; --limit 0 shows all.\n"
    assert evolinstruct("show run --grep nowhere").stderr == "No line matches.\n"
    assert evolinstruct("show run --sample 3").stderr == "3 matching lines.\n"


def test_a_rule_means_rejected_lines() -> None:
    found = evolinstruct("show run --rule unchanged --json").stdout
    assert json.loads(found)["rule"] == "unchanged"


def test_a_torn_line_is_a_word_on_stderr_and_no_error() -> None:
    file = Path("run/generation-2.jsonl")
    file.write_bytes(file.read_bytes()[:-3])
    result = evolinstruct("stats run --json")
    assert result.exit_code == 0
    assert result.stderr == f"{file} ends in a torn line, line 2, which is left out.\n"


def test_stats_for_scripts_say_the_same() -> None:
    runs = json.loads(evolinstruct("stats run other --json").stdout)["runs"]
    table = list(csv.DictReader(io.StringIO(evolinstruct("stats run other --csv").stdout)))
    totals = [row for row in table if row["by"] == "all"]
    assert [run["total"]["kept"] for run in runs] == [5, 3]
    assert [(row["run"], row["kept"]) for row in totals] == [("run", "5"), ("other", "3")]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_no_cell_of_a_table_for_spreadsheets_is_a_formula(sign: str) -> None:
    write_run(Path(f"{sign}1+1"))
    printed = evolinstruct(f"stats --csv -- {sign}1+1").stdout
    runs = {row["run"] for row in csv.DictReader(io.StringIO(printed))}
    assert runs == {f"'{sign}1+1"}


def test_calls_are_shown_with_their_prompts_and_replies(tmp_path: Path) -> None:
    evolve(write_seeds(tmp_path / "three.jsonl", tasks(3)), tmp_path / "made", generations=1)
    line = json.loads(evolinstruct("show made -g 1 --json --limit 1").stdout)
    shown = evolinstruct(f"trace made {line['id'][:9]} --calls").stdout
    assert re.findall("▸ ([a-z]+)", shown) == ["evolve", "compare", "answer"]
    assert "◂ offline: stop, " in shown
    assert evolinstruct(f"trace made {line['id']}").stdout.count("▸") == 0
    Path("made/journal.sqlite").unlink()
    missing = evolinstruct(f"trace made {line['id']} --calls")
    assert (missing.exit_code, missing.stderr.split(";")[0]) == (
        1,
        "Error: The journal made/journal.sqlite is missing",
    )


def test_a_preview_shows_each_family_and_what_the_whole_would_take(tmp_path: Path) -> None:
    result = evolinstruct("preview seeds.txt -n 2 -g 1 --client offline -o seen")
    assert result.exit_code == 0
    assert result.stdout.count(" · seed · ") == 2
    assert "10 seeds, at the rate of the 2 drawn here: about " in result.stdout
    assert "-o seen makes it whole and pays for nothing twice." in result.stdout
    again = evolinstruct("evolve seeds.txt -g 1 --client offline -o seen")
    assert "Adding to the run in seen: 8 seeds; at least 6 replies apply," in again.stderr


def test_a_preview_without_a_place_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    result = evolinstruct("preview seeds.txt -n 1 -g 1 --client offline --json")
    assert json.loads(result.stdout)["whole_run"]["drawn"] == 1
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("show zzz", 1, "There is no directory zzz; name that of a run."),
        ("show rum", 1, "There is no directory rum (did you mean 'run'?); name that of a run."),
        ("show run -g 7", 1, "run has no generation 7; its last one is 2."),
        ("show run --rule x --failed", 2, "--rule is for rejected lines and --failed for others"),
        ("show run --limit few", 2, "--limit must be a whole number from 0 up (given: few)."),
        ("show run --sample 0", 2, "--sample must be a whole number from 1 up (given: 0)."),
        (
            "show seeds.txt",
            1,
            "seeds.txt, line 1, is no line of a run: it is not JSON (column 1); name",
        ),
        ("trace run zz", 1, "No line of run has an id that begins with 'zz'"),
        ("stats run --json --csv", 2, "--json and --csv cannot both be given"),
        ("stats run --sample x", 2, "--sample must be a whole number from 1 up (given: x)."),
        ("preview seeds.txt -n 0 --client offline", 2, "--number must be a whole number from 1"),
        ("preview seeds.txt -o run --client offline", 1, "run holds a whole run; look at it with"),
    ],
)
def test_a_bad_command_line_gets_one_sentence(line: str, code: int, said: str) -> None:
    result = evolinstruct(line)
    assert result.exit_code == code
    assert result.stderr.startswith(f"Error: {said}")
    assert result.stderr.count("\n") == 1
