"""The two commands that make a data set again, as a shell takes them.

Knows how settings become flags. Files are named without their folders: a path says more about a
machine than a data set should.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evolinstruct.analysis.run_state import State
from evolinstruct.export.options import Request
from evolinstruct.seeds import hub
from evolinstruct.settings import DEFAULT, Recipe


def evolve_command(state: State, run_name: str) -> str:
    """Return the command that makes the run again, with the prompts that lie beside the card."""
    words = ["evolinstruct", "evolve", *seed_names(state), "-o", run_name, "--prompts", "prompts"]
    for name, ours, _ in state.recipe.differences(Recipe()):
        if name != "prompts":
            words += _flags(name, ours)
    for name in ("field", "limit"):
        if (value := state.seeds.get(name)) is not None:
            words += _flags(name, value)
    if state.seeds.get("skip_bad"):
        words.append("--skip-bad")
    return shlex.join(words)


def seed_names(state: State) -> list[str]:
    """Return the names of the seeds: data sets as they are, files without their folders."""
    names = state.seeds.get("files", ())
    return [name if hub.is_hub(name) else Path(name).name for name in names]


def export_command(request: Request, run_name: str, out_name: str) -> str:
    """Return the command that exports the run again."""
    words = ["evolinstruct", "export", run_name, "-o", out_name, "--format", request.format]
    for name, value in request.filters.items():
        for word in value if isinstance(value, list | tuple) else [value]:
            words += _flags(name, word)
    settings = {
        "parquet": request.parquet,
        "test": request.test,
        "system": request.system,
        "seed": request.seed,
        "shard": request.shard,
        "trainer": request.trainer,
        "title": request.title,
        "license": request.licences.data,
        "seed_license": request.licences.seeds,
        "output_license": request.licences.outputs,
    }
    for name, value in settings.items():
        if value is not None and value is not False:
            words += _flags(name, value)
    words += [] if request.seeds else ["--no-seeds"]
    words += [] if request.shuffle else ["--no-shuffle"]
    return shlex.join(words)


def _flags(name: str, value: Any) -> Iterator[str]:
    flag = f"--{name.replace('_', '-')}"
    match value:
        case bool():
            yield flag if value else f"--no-{flag.removeprefix('--')}"
        case Mapping() if name == "rules":
            yield from _rules(value)
        case Mapping() if name == "operations":
            yield from (flag, ",".join(f"{key}={weight:g}" for key, weight in value.items()))
        case Mapping():
            for key, item in value.items():
                text = item if isinstance(item, str) else json.dumps(item)
                yield from (flag, text if key == DEFAULT else f"{key}={text}")
        case _:
            yield from (flag, str(value))


def _rules(rules: Mapping[str, Any]) -> Iterator[str]:
    for name, wish in rules.items():
        if isinstance(wish, Mapping):
            for setting, number in wish.items():
                yield from ("--rule", f"{name}.{setting}={number:g}")
        else:
            yield from ("--rule" if wish else "--no-rule", name)
