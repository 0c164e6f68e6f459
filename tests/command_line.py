"""The command line for tests: run in process, in a directory of its own."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

import pytest
from typer import testing
from typer.testing import CliRunner, Result

from evolinstruct.cli import app

# A runner builds the program's commands anew for each line, which takes longer than most of them.
testing._get_command = cache(testing._get_command)  # type: ignore[attr-defined]


def evolinstruct(line: str, given: str | bytes | None = None) -> Result:
    """Run a command line; `given` is its standard input."""
    return CliRunner().invoke(app, shlex.split(line), input=given)


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder the current one, with ten seeds in it, and no key in the environment."""
    monkeypatch.chdir(folder)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (folder / "seeds.txt").write_text("".join(f"Explain thing {n}.\n" for n in range(10)))
    return folder
