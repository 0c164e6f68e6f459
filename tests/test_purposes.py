"""A purpose is a row of the table and a prompt file: nothing else has to know it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from evolinstruct import prompts
from evolinstruct.llm.base import CallContext, CallId, Reply, Request
from evolinstruct.purposes import PURPOSES, Purpose
from evolinstruct.run.session import Session
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.settings import Layer, resolve
from tests.command_line import evolinstruct

RATE = Purpose(
    "rate", {"instruction": "child"}, of_rewrites="answers", done="rated", reply="text", tokens=2
)


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack that words the new purpose, whose row is in the table."""
    monkeypatch.setitem(PURPOSES, "rate", RATE)
    shutil.copytree(prompts.find("general"), tmp_path / "pack")
    (tmp_path / "pack" / "rate.txt").write_text("How hard is this, from 1 to 10?\n{{instruction}}")
    return tmp_path / "pack"


def asked(pack: Path, directory: Path) -> tuple[Reply, int]:
    """Ask once through a session, as a stage does; return the reply and the calls made."""
    settings = resolve(Layer({"client": "offline", "model": {"rate": "judge"}}))
    messages = prompts.read(pack).prompt("rate", child="Name a tree.")
    context = CallContext(1, "deepen", "in-depth", None, "Name a tree.")

    async def ask() -> tuple[Reply, int]:
        async with Session(settings, ["rate"], RunDir(directory)) as session:
            model = settings.recipe.setting("model", "rate")
            reply = await session.ask(Request(CallId("c1", "rate"), context, messages, model))
            return reply, session.calls["rate"]

    return asyncio.run(ask())


def test_a_new_purpose_can_be_asked_and_is_journalled(pack: Path, tmp_path: Path) -> None:
    first, calls = asked(pack, tmp_path / "run")
    again, replayed = asked(pack, tmp_path / "run")
    assert (first, first.model, calls, replayed) == (again, "judge", 1, 0)


def test_a_new_purpose_takes_settings_and_is_forecast(pack: Path, tmp_path: Path) -> None:
    line = f"evolve starter -o {tmp_path}/run --client offline --limit 4 -g 1 --dry-run --json"
    told = evolinstruct(f"{line} --prompts {pack} --max-tokens rate=7 --model rate=judge")
    assert told.exit_code == 0, told.output
    assert '"rate": 4' in told.stdout
    assert '"purpose": "rate", "calls": 3' in told.stdout
    assert "unknown purpose 'rank'" in evolinstruct(f"{line} --model rank=judge").output


def test_a_pack_without_the_prompt_of_a_purpose_that_runs_ask_is_refused(pack: Path) -> None:
    (pack / "rate.txt").unlink()
    told = evolinstruct(f"prompts check {pack}")
    assert told.exit_code == 1
    assert "rate.txt: the file is missing" in told.output
