"""The examples of the documentation: command lines that are run, and how commands end.

Every example runs offline, in one directory, in the order of this file. `Shell` cuts long outputs
and replaces times, so that they are the same on every machine.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CODES = {
    0: "done",
    1: "something in a file, the directory or the service is wrong: one sentence says what",
    2: "the command line alone is wrong",
    3: "done, but some instructions failed; `--allow-failures` turns it into 0",
    4: "stopped by a limit of calls, tokens or cost; the same command with a higher one goes on",
    5: "stopped because the service does not answer, or almost nothing is kept; the same command"
    " goes on",
    6: "waiting for batches (`--batch --submit`); the same command goes on with what has come",
    130: "interrupted; run the same command again, and a run goes on where it was",
}
READS = (0, 1, 2, 130)
"""How a command ends that only reads, or writes one file."""
STAGE = (0, 1, 2, 3, 4, 5, 130)
"""How a command of a stage ends."""
ENDINGS = {
    "evolve": tuple(CODES),
    "preview": tuple(CODES),
    "score": STAGE,
    "judge": STAGE,
    "tune": STAGE,
    "work": STAGE,
    "diversity": STAGE,
}

_BIN = Path(sys.executable).parent
_WIDTH = 80
_MOST_LINES = 80
_TIMES = (
    (re.compile(r"([Tt]ook) \d+:\d\d"), r"\1 0:00"),
    (re.compile(r"in \d+\.\d\d s\b"), "in 0.00 s"),
)


@dataclass(frozen=True)
class Example:
    """A command line that is worth showing.

    Attributes:
        about: what it does, as a title.
        line: the line, as one would type it.
        exit_code: how it ends.
    """

    about: str
    line: str
    exit_code: int = 0


DEMO = "evolinstruct evolve starter -o demo --client offline --limit 20"
"""What the other examples look at."""

EXAMPLES: dict[str, tuple[Example, ...]] = {
    "evolve": (
        Example("20 of the seeds that come along, without a model", DEMO),
        Example(
            "what a run with a model would take",
            "evolinstruct evolve starter -o paid --model my-model"
            " --base-url http://localhost:8000/v1 --dry-run",
        ),
        Example(
            "what workers on other machines need",
            "evolinstruct evolve starter -o wide --client offline --limit 20 --prepare",
        ),
    ),
    "work": (
        Example(
            "the first half of the seeds",
            "evolinstruct work wide --shard 1/2 -o shard-1.sqlite",
        ),
        Example(
            "a shard that is none",
            "evolinstruct work wide --shard 3/2 -o shard-3.sqlite",
            exit_code=2,
        ),
    ),
    "merge": (
        Example(
            "both halves, and the run that is made of them",
            "evolinstruct work wide --shard 2/2 -o shard-2.sqlite --quiet"
            " && evolinstruct merge wide shard-*.sqlite"
            " && evolinstruct evolve starter -o wide --client offline --limit 20",
        ),
        Example("one of them again", "evolinstruct merge wide shard-2.sqlite"),
    ),
    "preview": (
        Example(
            "one seed, before the run is paid for",
            "evolinstruct preview starter -o taste --client offline -n 1 -g 2",
        ),
    ),
    "tune": (
        Example(
            "what it would take at most, with another model to optimize",
            "evolinstruct tune starter -o my-pack --model my-model --model optimize=my-best-model"
            " --model analyse=my-best-model --base-url http://localhost:8000/v1 --dry-run",
        ),
        Example(
            "two steps without a model, and three seeds evolved by what comes of it",
            "evolinstruct tune starter -o my-pack --client offline --steps 2 --candidates 3"
            " && evolinstruct evolve starter -o by-my-pack --limit 3 -g 1 --prompts my-pack"
            " --client offline --quiet",
        ),
    ),
    "show": (
        Example("what one operation made", "evolinstruct show demo --operation deepen --limit 2"),
        Example("what was rejected, and why", "evolinstruct show demo --rejected --limit 2"),
    ),
    "view": (
        Example(
            "to other machines only with a password",
            "evolinstruct view demo --host 0.0.0.0",
            exit_code=2,
        ),
    ),
    "review": (
        Example("before anybody has decided", "evolinstruct review demo"),
        Example(
            "five lines for another tool",
            "evolinstruct review demo --export labelstudio tasks.json --sample 5",
        ),
    ),
    "trace": (
        Example("how an instruction came about", "evolinstruct trace demo 572582c2"),
        Example("an id that no line has", "evolinstruct trace demo 572582c3", exit_code=1),
    ),
    "stats": (
        Example("a run in figures", "evolinstruct stats demo"),
        Example(
            "the same for a spreadsheet",
            "evolinstruct stats demo --csv | cut -d, -f1-8 | head -n 6",
        ),
    ),
    "diversity": (
        Example("what is alike in a run", "evolinstruct diversity demo --clusters 6"),
        Example(
            "the same by words alone, which the offline client sees, for a spreadsheet",
            "evolinstruct diversity demo --embed words --client offline --csv 2> /dev/null"
            " | cut -d, -f2-8",
        ),
    ),
    "select": (
        Example(
            "the five that are hardest and best answered",
            "evolinstruct score demo --client offline --by difficulty,quality --quiet"
            " && evolinstruct select demo -n 5 -o best.jsonl",
        ),
        Example(
            "a test set of every difficulty, of which nothing is trained on",
            "evolinstruct select demo -n 6 -o test.jsonl --by quality --balance difficulty"
            " && evolinstruct export demo -o train --format chat --without test.jsonl",
        ),
        Example(
            "a measure that was not scored",
            "evolinstruct select demo -n 5 -o best.jsonl --by 'difficulty*solved'",
            exit_code=1,
        ),
    ),
    "judge": (
        Example(
            "what it would take to see whether a model is better",
            "evolinstruct judge -o verdicts --questions test.jsonl --contestant old=demo"
            " --contestant new=my-model --judge my-judge --base-url http://localhost:8000/v1"
            " --plan",
        ),
        Example(
            "two answers to each question of the test set, judged without a model",
            "evolinstruct judge -o verdicts --questions test.jsonl --contestant old=demo"
            " --contestant new=my-model --client offline && head -n 1 verdicts/verdicts.jsonl",
        ),
        Example(
            "counted anew, with what people have said since",
            "evolinstruct judge -o verdicts",
        ),
        Example(
            "a file that is not there",
            "evolinstruct judge -o verdicts --questions test.jsonl --contestant old=demo"
            " --contestant new=new.jsonl --client offline",
            exit_code=1,
        ),
    ),
    "check": (Example("the client that needs no model", "evolinstruct check --client offline"),),
    "settings": (
        Example(
            "what holds, and where it is from",
            "printf 'EVOLINSTRUCT_RPM=60\\n' > .env"
            " && printf '[profiles.local]\\nbase_url = \"http://localhost:8000/v1\"\\n' > my.toml"
            " && EVOLINSTRUCT_SETTINGS=my.toml"
            " evolinstruct settings --profile local --model my-model && rm .env",
        ),
        Example(
            "a key in the settings file",
            "printf 'api_key = \"sk-…\"\\n' > my.toml"
            " && EVOLINSTRUCT_SETTINGS=my.toml evolinstruct settings",
            exit_code=1,
        ),
    ),
    "rules": (
        Example("one rule", "evolinstruct rules word_growth"),
        Example("all of them", "evolinstruct rules"),
    ),
    "score": (
        Example(
            "what the difficulty of a run would take with a model",
            "evolinstruct score demo --model my-model --base-url http://localhost:8000/v1"
            " --dry-run",
        ),
        Example(
            "difficulty and tags, without a model",
            "evolinstruct score demo --by difficulty,tags --client offline",
        ),
        Example(
            "a seed file, in pairs",
            "evolinstruct score starter -o taste-scores --pairwise --sample 12 --client offline"
            " && head -n 2 taste-scores/scores.jsonl",
        ),
        Example(
            "a measure that no pack has",
            "evolinstruct score demo --by clarity --client offline",
            exit_code=2,
        ),
    ),
    "refilter": (
        Example("the growth that the paper asks for", "evolinstruct refilter demo --strict"),
    ),
    "contamination": (
        Example(
            "a question of a test set of one's own, which is a seed too",
            "printf 'Is 391 prime?\\nHow many legs has a spider?\\n' > tests.txt"
            " && evolinstruct contamination demo --against tests.txt",
        ),
    ),
    "seeds": (Example("what would be read", "evolinstruct seeds starter"),),
    "export": (
        Example(
            "chat messages, a tenth of the families set aside",
            "evolinstruct export demo -o chat --format chat --test 0.1",
        ),
    ),
    "verify": (
        Example(
            "the answers of a run whose instructions demand what code can verify",
            "evolinstruct evolve starter -o verifiable --prompts verifiable --client offline"
            " --limit 20 --quiet && evolinstruct verify verifiable/dataset.jsonl",
        ),
        Example(
            "instructions and constraints for reinforcement learning",
            "evolinstruct export verifiable -o rlvr --format rlvr --test 0.1",
        ),
    ),
    "report": (Example("a page for the browser", "evolinstruct report demo -o report.html"),),
    "prompts": (
        Example("which packs there are", "evolinstruct prompts list"),
        Example("one operation of a pack", "evolinstruct prompts show general deepen"),
        Example(
            "a pack of one's own",
            "evolinstruct prompts copy general mine && evolinstruct prompts check mine",
        ),
    ),
}


class Terminal:
    """A terminal of fixed width without colours, in a directory."""

    def __init__(self, folder: Path) -> None:
        """Bind the directory."""
        self._folder = folder
        path = f"{_BIN}{os.pathsep}{os.environ['PATH']}"
        ours = ("OPENAI_", "EVOLINSTRUCT_", "FORCE_COLOR")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
            "PATH": path,
            "COLUMNS": str(_WIDTH),
            "EVOLINSTRUCT_SETTINGS": os.devnull,
            "TERM": "dumb",
            "PYTHONUNBUFFERED": "1",  # what goes to stdout and to stderr stays in its order
        }

    def call(self, line: str) -> tuple[str, int]:
        """Return what a command line prints, times made even, and its exit code."""
        done = subprocess.run(  # noqa: S603 - the lines are those of the documentation
            ["/bin/sh", "-c", line],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        told = done.stdout
        for pattern, even in _TIMES:
            told = pattern.sub(even, told)
        return told, done.returncode


class Shell:
    """A terminal in whose directory the demo run is made, and every line is run once."""

    def __init__(self, folder: Path) -> None:
        """Make the demo run, whichever example is asked for first."""
        self._terminal = Terminal(folder)
        self._made = {DEMO: self._call(DEMO, 0)}

    def run(self, example: Example) -> str:
        """Return what an example prints, long outputs cut.

        Raises:
            RuntimeError: it ends otherwise than it should.
        """
        if example.line not in self._made:
            self._made[example.line] = self._call(example.line, example.exit_code)
        lines = self._made[example.line].splitlines()
        if len(lines) > _MOST_LINES:
            lines = [*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES} more lines"]
        return as_lines(lines)

    def _call(self, line: str, exit_code: int) -> str:
        told, code = self._terminal.call(line)
        if code != exit_code:
            raise RuntimeError(f"{line} ends with {code}: {told}")
        return told


def as_lines(lines: Iterable[str]) -> str:
    """Return lines as one text, without blanks at their ends."""
    return "".join(f"{line.rstrip()}\n" for line in lines)
