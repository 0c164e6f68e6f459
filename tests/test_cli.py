"""The command line as a person and a script read it: what it prints where, and what it obeys."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from evolinstruct.llm.base import ClientOptions, Request
from tests.command_line import enter, evolinstruct
from tests.scripted import Scripted, obedient

OBEDIENT = "--client tests.scripted:Obedient"
RUN = f"evolve seeds.txt -o run {OBEDIENT}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


# --- what a person reads ------------------------------------------------------------------------

TABLE = """
generation           1   2  all
───────────────────────────────
pool                10  10   20
kept                10  10   20
rejected             0   0    0
failed               0   0    0
kept per 100 calls  33  33   33

Took 0:00; the run has taken 60 calls and 480 tokens, at an unknown price.
20 instructions with answers, shuffled: run/dataset.jsonl
What each generation kept, and what was rejected and why: run/generation-*.jsonl
Next: look at the data; the same command with -g 3 adds a generation to it.
"""


def at_once(said: str) -> str:
    """Return what was said as if it had taken no time."""
    return re.sub(r"^Took \d+:\d\d", "Took 0:00", said, flags=re.MULTILINE)


def test_a_run_says_what_it_does_what_it_made_where_it_lies_and_what_is_next() -> None:
    result = evolinstruct(f"{RUN} -g 2")
    assert (result.exit_code, result.stdout) == (0, "")
    assert at_once(result.stderr) == (
        "Evolving 10 seeds over 2 generations into run: at most 120 calls.\n"
        "Generation 1: 10 of 10 kept, 0 rejected.\n"
        "Generation 2: 10 of 10 kept, 0 rejected.\n" + TABLE
    )


def test_a_finished_run_started_again_says_so_and_ends_as_it_did() -> None:
    evolinstruct(f"{RUN} -g 2")
    result = evolinstruct(f"{RUN} -g 2")
    assert (result.exit_code, at_once(result.stderr)) == (
        0,
        "The run in run is finished: nothing is asked, and its files stay as they are.\n" + TABLE,
    )


def test_generations_finished_before_take_one_line() -> None:
    evolinstruct(f"{RUN} -g 2")
    assert evolinstruct(f"{RUN} -g 3").stderr.splitlines()[:3] == [
        "Adding to the run in run: generation 3; at least 60 replies apply, at most 120 calls are"
        " new.",
        "Generations 1 to 2 were finished before.",
        "Generation 3: 10 of 10 kept, 0 rejected.",
    ]


def test_quiet_says_nothing() -> None:
    result = evolinstruct(f"{RUN} -q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_v_shows_the_operations_drawn() -> None:
    counts = re.findall(r"^(?:deepen|concretize) +(\d+)$", evolinstruct(
        f"{RUN} -g 1 -v --operations deepen --operations concretize=2"
    ).stderr, re.MULTILINE)  # fmt: skip
    assert sum(map(int, counts)) == 10


ADDITIONS = {
    "-g 3": ("generation 3", 120),
    "-g 4": ("generations 3 to 4", 180),
    "-g 2 more.txt": ("1 seed", 72),
    "-g 3 more.txt": ("generation 3 and 1 seed", 138),
}


@pytest.mark.slow
@pytest.mark.parametrize("words", ADDITIONS)
def test_one_line_says_what_is_added_to_a_run(folder: Path, words: str) -> None:
    (folder / "more.txt").write_text("Explain one thing more.\n")
    evolinstruct(f"{RUN} -g 2")
    result = evolinstruct(f"{RUN} {words} --json")
    assert result.exit_code == 0
    what, most = ADDITIONS[words]
    assert result.stderr.splitlines()[0] == (
        f"Adding to the run in run: {what}; at least 60 replies apply, at most {most} calls are"
        " new."
    )
    assert 0 < sum(json.loads(result.stdout)["calls"].values()) <= most


def test_a_lifted_limit_adds_the_other_seeds() -> None:
    evolinstruct(f"{RUN} -g 1 --limit 4")
    result = evolinstruct(f"{RUN} -g 1")
    assert result.stderr.startswith("Adding to the run in run: 6 seeds; at least 12 replies apply,")


def test_an_update_says_first_what_it_costs() -> None:
    evolinstruct(f"{RUN} -g 1")
    result = evolinstruct(f"{RUN} -g 1 --no-compare --update")
    assert result.stderr.splitlines()[:2] == [
        "Comparison is off: a rewrite that gained no information is kept.",
        "Updating the run in run (compare was on, now off): at least 20 replies apply,"
        " at most 20 calls are new.",
    ]


def test_the_preset_of_the_released_script_says_what_it_switches_off() -> None:
    result = evolinstruct(f"{RUN} --preset released")
    assert result.stderr.splitlines()[:3] == [
        "Comparison is off: a rewrite that gained no information is kept.",
        "Elimination is off: whatever can be an instruction is kept.",
        "Evolving 10 seeds over 1 generation into run: at most 40 calls.",
    ]


def test_rows_left_out_are_counted(folder: Path) -> None:
    (folder / "rows.jsonl").write_text(
        '{"instruction": "a"}\n{"instruction": "a"}\n{"instruction": 7}\n{"instruction": "b"}\n'
    )
    result = evolinstruct(f"evolve rows.jsonl -o run {OBEDIENT} -g 1 --skip-bad")
    assert result.stderr.splitlines()[:2] == [
        "Left out of the seeds: 1 exact duplicate and 1 bad row (such as rows.jsonl, line 3:"
        " `instruction` is the number 7 instead of text).",
        "Evolving 2 seeds over 1 generation into run: at most 12 calls.",
    ]


def test_standard_input_is_a_seed_file_and_may_be_given_again() -> None:
    line = f"evolve - -o run {OBEDIENT} -g 1"
    assert evolinstruct(line, given="Why is it so?\n").exit_code == 0
    result = evolinstruct(line, given="Why is it so?\n")
    assert result.stderr.splitlines()[0].startswith("The run in run is finished: ")


# --- a recipe -----------------------------------------------------------------------------------

EVERYTHING = """
preset = "released"
client = "tests.scripted:Obedient"
prompts = "general"
generations = 3
operations = ["deepen", "in_breadth=2"]
seed = 7
limit = 9
field = "text"
skip_bad = true
compare = true
eliminate = true
answers = true
answer_seeds = true
concurrency = 3
timeout = 10
min_kept = 0.1
allow_failures = "1%"
temperature = 0.7
top_p = 0.8
max_tokens = 100

[model]
default = "some"
answer = "other"

[base_url]
default = "http://localhost:1/v1"
"""


def test_a_recipe_may_set_everything_and_flags_win(folder: Path) -> None:
    (folder / "recipe.toml").write_text(EVERYTHING)
    result = evolinstruct(
        "evolve seeds.txt -o run --recipe recipe.toml -g 1 --model compare=third --no-answer-seeds"
    )
    assert result.exit_code == 0
    state = json.loads((folder / "run" / "run.json").read_text())
    assert {name: state["recipe"][name] for name in ASKED} == ASKED
    execution = state["conduct"]
    assert {name: execution[name] for name in CARRIED_OUT} == CARRIED_OUT
    assert state["seeds"]["used"] == 9


ASKED = {
    "client": "tests.scripted:Obedient",
    "model": {"default": "some", "answer": "other", "compare": "third"},
    "temperature": {"default": 0.7},
    "top_p": {"default": 0.8},
    "max_tokens": {"default": 100},
    "prompts": "general",
    "operations": {"deepen": 1.0, "in_breadth": 2.0},
    "compare": True,
    "eliminate": True,
    "answers": True,
    "answer_seeds": False,
    "seed": 7,
    "generations": 1,
}
CARRIED_OUT = {"concurrency": 3, "timeout": 10.0, "min_kept": 0.1, "allow_failures": "1%"}


# --- what a script reads ------------------------------------------------------------------------


def test_json_puts_one_object_on_stdout_and_nothing_else() -> None:
    result = evolinstruct(f"{RUN} -g 1 --json -q --operations deepen")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    expected = {
        "status": "done",
        "exit_code": 0,
        "dataset_lines": 10,
        "calls": {"evolve": 10, "compare": 10, "answer": 10},
        "replayed": {},
        "generations": [
            {
                "generation": number,
                "pool": 10,
                "kept": 10,
                "rejected": {},
                "failed": {},
                "operations": drawn,
                "unclear": 0,
                "calls": calls,
            }
            for number, drawn, calls in ((0, {}, 0), (1, {"deepen": 10}, 30))
        ],
    }
    assert {name: found[name] for name in expected} == expected


def test_json_says_how_a_run_ended_that_could_not_begin() -> None:
    result = evolinstruct(f"{RUN} -g 0 --json")
    said = "--generations must be 1 or more (given: 0)."
    assert (result.exit_code, result.stderr) == (2, f"Error: {said}\n")
    assert json.loads(result.stdout) == {"status": said, "exit_code": 2}


class Declining(Scripted):
    """Answers nothing."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(lambda request: request.context.instruction)


class Faulty(Scripted):
    """Has a bug that shows late."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Exception:
        return ValueError("a bug") if len(self.asked) > 15 else str(obedient(request))


@pytest.mark.parametrize(
    ("client", "extra", "code", "status"),
    [
        (
            "Declining",
            "--min-kept 0.5",
            5,
            "Generation 1 keeps 0% of 10 instructions, less than --min-kept 0.5;"
            " see run/generation-1.rejected.jsonl for the reasons, or give a lower share to go on.",
        ),
        (
            "Faulty",
            "",
            1,
            "Your client 'tests.test_cli:Faulty' raised ValueError: a bug; mend it, -vv shows"
            " where.",
        ),
    ],
)
def test_json_says_how_a_run_ended_that_stopped_early(
    client: str, extra: str, code: int, status: str
) -> None:
    result = evolinstruct(
        f"evolve seeds.txt -o run --client tests.test_cli:{client} {extra} --json"
    )
    found = json.loads(result.stdout)
    assert (result.exit_code, found["exit_code"], found["status"]) == (code, code, status)
    assert [counts["generation"] for counts in found["generations"]] == [0, 1]
    assert result.stderr.endswith(f"{status}\n")


def test_a_dry_run_says_the_most_calls_makes_none_and_writes_nothing(folder: Path) -> None:
    result = evolinstruct(f"{RUN} --dry-run --json")
    assert result.exit_code == 0
    assert result.stderr.endswith(
        "Everything is in order: 10 seeds would take at most 240 calls (40 evolve, 40 compare,"
        " 40 answer, 40 compare again where unclear and 80 again where a reply is cut off),"
        " each sent again only where the service fails."
        " No call was made, and nothing was written to run.\n"
    )
    forecast = json.loads(result.stdout)
    assert forecast.pop("expected")["calls"] <= 160
    assert forecast == {
        "seeds": 10,
        "calls": {"evolve": 40, "compare": 40, "answer": 40},
        "second_looks": 40,
        "second_tries": 80,
        "applicable": 0,
        "at_most": 240,
        "new_at_most": 240,
        "receivers": {"": ["evolve", "compare", "answer"]},
    }
    assert not (folder / "run").exists()


def test_a_dry_run_of_an_extension_says_what_is_there(folder: Path) -> None:
    evolinstruct(f"{RUN} -g 1")
    before = (folder / "run" / "run.json").read_bytes()
    result = evolinstruct(f"{RUN} -g 2 --dry-run")
    assert "of which the journal spares at least 30, so that at most 90 are new" in result.stderr
    assert (folder / "run" / "run.json").read_bytes() == before


def test_a_pack_is_tried_on_three_seeds_which_are_shown() -> None:
    tried = evolinstruct("prompts try verifiable --client offline -g 1")
    assert tried.exit_code == 0
    assert tried.stdout.count("· seed ·") == 3
    twice = evolinstruct("prompts try verifiable --client offline --prompts general")
    assert (twice.exit_code, twice.stdout) == (2, "")


def test_prompts_are_listed_shown_copied_and_checked(folder: Path) -> None:
    assert "\ngeneral\t" in evolinstruct("prompts list").stdout
    shown = evolinstruct("prompts show general").stdout
    assert "  in_breadth          in-breadth  weight 1\n" in shown
    assert "\n  compare.txt\n" in shown
    assert evolinstruct("prompts copy general mine").exit_code == 0
    assert evolinstruct("prompts show mine compare").stdout == (
        folder / "mine" / "compare.txt"
    ).read_text(encoding="utf-8")
    checked = evolinstruct("prompts check mine")
    assert (checked.exit_code, checked.stderr) == (
        0,
        "general is in order: 6 operations, 10 formats, 8 measures, 0 checks of answers.\n",
    )
    (folder / "mine" / "compare.txt").write_text("Nothing to fill in.\n")
    broken = evolinstruct("prompts check mine")
    assert (broken.exit_code, broken.stderr.startswith("Error: mine/compare.txt:")) == (1, True)


def test_the_program_is_a_module_and_its_short_options_say_what_the_long_ones_do() -> None:
    for short, long in (("-h", "--help"), ("-V", "--version"), ("stats -h", "stats --help")):
        assert evolinstruct(short).stdout == evolinstruct(long).stdout != ""
    done = subprocess.run(
        [sys.executable, "-m", "evolinstruct", "-V"], capture_output=True, text=True, check=True
    )
    assert done.stdout == evolinstruct("--version").stdout


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_its_completion(shell: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "evolinstruct"],
        env={**os.environ, "_EVOLINSTRUCT_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "evolinstruct" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "meant"), [("ev", "evolve"), ("evolve --max-co", "--max-cost")])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(shell: str, typed: str, meant: str) -> None:
    line = f"evolinstruct {typed}"
    asked = {
        "_EVOLINSTRUCT_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,  # bash
        "COMP_CWORD": str(len(line.split()) - 1),
        "_TYPER_COMPLETE_ARGS": line,  # zsh and fish
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run(
        [Path(sys.executable).parent / "evolinstruct"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert meant in done.stdout
    assert done.stderr == ""
