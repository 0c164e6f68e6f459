"""A small run written by hand, for tests of what reads runs: every byte of it is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evolinstruct import prompts
from evolinstruct.records import Failed, Kept, Line, Rejected, child_id, decode, encode, seed_id
from evolinstruct.run.counts import Counts
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.directory import KINDS
from evolinstruct.scoring import Score, Way, text_digest
from evolinstruct.settings import Recipe

HOSTILE = "Ring the bell \x1b[31m\x07 now [bold]loudly[/bold] \u202e backwards"
SEEDS = (
    "Name three rivers.",
    "请用三句话解释潮汐。",
    "اذكر ثلاثة أنهار في أفريقيا.",
    "Describe 👩‍👩‍👧 and 🏳️‍🌈 in one line.",
    HOSTILE,
)
ANSWER = "Rhine, Danube and Elbe."


def seed(text: str) -> Kept:
    """Return a seed's line."""
    name = seed_id(text)
    return Kept(
        id=name,
        seed_id=name,
        parent_id=None,
        generation=0,
        operation=None,
        format=None,
        instruction=text,
        input=None,
        output=ANSWER,
        model=None,
        compared=None,
        seed_source="seeds.jsonl",
    )


def kept(parent: Kept, generation: int, operation: str, text: str, **fields: Any) -> Kept:
    """Return what a generation kept of a family."""
    given = {"format": None, "output": ANSWER, "compared": "not equal", **fields}
    return replace(
        parent,
        id=child_id(parent.seed_id, generation),
        parent_id=parent.id,
        generation=generation,
        operation=operation,
        instruction=text,
        model="scripted",
        **given,
    )


def rejected(parent: Kept, generation: int, operation: str, rule: str, text: str) -> Rejected:
    """Return an evolution that a rule eliminated."""
    line = kept(parent, generation, operation, text, output=None, compared=None)
    fields = {name: getattr(line, name) for name in Kept.__slots__}
    return Rejected(**fields, rule=rule, evidence="the words that matched", raw=text)


def failed(parent: Kept, generation: int, operation: str) -> Failed:
    """Return an evolution without an answer."""
    return Failed(
        id=child_id(parent.seed_id, generation),
        seed_id=parent.seed_id,
        parent_id=parent.id,
        generation=generation,
        operation=operation,
        purpose="evolve",
        error="http_500",
        attempts=6,
        message="the server is down",
    )


def family_lines() -> list[list[Line]]:
    """Return the lines of three generations, each in the order of the seeds."""
    seeds = [seed(text) for text in SEEDS]
    river, tide, nile, emoji, bell = seeds
    words = " ".join(["more"] * 12)
    first = kept(river, 1, "deepen", f"{river.instruction} Say {words}.")
    long = " ".join(["further"] * 30)
    return [
        [*seeds],
        [
            first,
            kept(tide, 1, "add_constraints", "请用三句话解释潮汐和月亮。", compared="unclear"),
            rejected(nile, 1, "concretize", "unchanged", nile.instruction),
            failed(emoji, 1, "in_breadth"),
            kept(bell, 1, "complicate_input", f"{HOSTILE}\n\tid,name", format="csv"),
        ],
        [
            kept(first, 2, "increase_reasoning", f"{first.instruction} Think {long}."),
            rejected(tide, 2, "in_breadth", "prompt_leaked", "Given prompt: tides."),
            kept(nile, 2, "deepen", f"{nile.instruction} اشرح السبب."),
            rejected(emoji, 2, "deepen", "rewrite_unusable", ""),
            failed(bell, 2, "deepen"),
        ],
    ]


def write_run(path: Path, lines: list[list[Line]] | None = None, **changes: Any) -> Path:
    """Write a finished run; `changes` are laid over its run.json."""
    path.mkdir()
    generations = lines or family_lines()
    all_counts = []
    for number, found in enumerate(generations):
        counts = Counts(number, len(found))
        for line in found:
            counts.add(line)
        all_counts.append(counts)
        for kind in KINDS if number else [Kept]:
            name = f"generation-{number}{KINDS[kind]}.jsonl"
            written = (encode(line) for line in found if type(line) is kind)
            (path / name).write_bytes(b"".join(written))
    shutil.copytree(prompts.find("general"), path / "prompts")
    state = {
        "format": 1,
        "status": "done",
        "exit_code": 0,
        "started": "2025-01-01T10:00:00+00:00",
        "ended": "2025-01-01T10:01:05+00:00",
        "versions": {"evolinstruct": "0.1.0"},
        "recipe": Recipe(client="offline", generations=2).model_dump(mode="json"),
        "seeds": {"files": ["seeds.jsonl"], "used": len(generations[0])},
        "pack": {"name": "general", "digest": ""},
        "generations": [
            {"tally": counts.to_json(), "made_from": "", "files": {}} for counts in all_counts
        ],
        "dataset": None,
        "usage": [
            used(1, "deepen", "evolve", 3, 0.25),
            used(1, "deepen", "answer", 2, 0.5),
            used(2, "deepen", "evolve", 1, 0.25),
        ],
    }
    (path / "run.json").write_text(json.dumps({**state, **changes}))
    return path


def score(
    path: Path,
    value: Callable[[Kept], float | None],
    *way: str,
    digest: Callable[[Kept], str] = lambda line: text_digest(line.instruction),
    tags: Callable[[Kept], Sequence[str]] | None = None,
) -> None:
    """Add scores to a run or beside a file: one for each kept line that a value is told for.

    `way` is the measure, the method, the model and the pack, as far as they are not the usual ones.
    """
    files = sorted(path.glob("generation-?.jsonl")) if path.is_dir() else [path]
    lines = [decode(Kept, raw) for file in files for raw in file.read_bytes().splitlines()]
    named = Way(*way, *("difficulty", "ranking", "", "general")[len(way) :])
    scores = [
        Score.of(
            line.id,
            named,
            found,
            (found - 0.5, found + 0.5),
            2,
            digest(line),
            None if tags is None else json.dumps(tags(line)),
        )
        for line in lines
        if (found := value(line)) is not None
    ]
    with ((path if path.is_dir() else path.parent) / "scores.jsonl").open("ab") as file:
        file.writelines(flat.encode(each) for each in scores)


def used(generation: int, operation: str, purpose: str, calls: int, cost: float) -> dict[str, Any]:
    """Return a row of what calls took."""
    return {
        "generation": generation,
        "operation": operation,
        "purpose": purpose,
        "calls": calls,
        "prompt_tokens": calls * 100,
        "completion_tokens": calls * 50,
        "cost": cost,
    }
