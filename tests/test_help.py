"""`--help` at a glance: what is used most comes first, meanings have room, examples work."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from evolinstruct.cli import app
from evolinstruct.cli.examples import EXAMPLES
from tests.command_line import evolinstruct

PROGRAM = typer.main.get_command(app)


def commands(group: Any = PROGRAM, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        whole = f"{path} {name}".strip()
        yield from commands(command, whole) if hasattr(command, "commands") else [(whole, command)]


COMMANDS = dict(commands())


def shown(path: str) -> list[str]:
    return evolinstruct(f"{path} --help").stdout.splitlines()


def test_every_command_has_examples_that_name_it() -> None:
    assert set(EXAMPLES) == {"", *COMMANDS}
    for path, lines in EXAMPLES.items():
        assert all(line.startswith(f"evolinstruct {path}".rstrip()) for line in lines)


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_every_example_is_a_command_line_of_the_program(line: str) -> None:
    words = shlex.split(line)[1:]
    with PROGRAM.make_context("evolinstruct", words) as ctx:
        rest = [*ctx._protected_args, *ctx.args]
        command: Any = PROGRAM
        while hasattr(command, "commands"):
            command = command.commands[rest.pop(0)]
        assert command.make_context(command.name, rest).args == []  # raises at an unknown option


def test_the_ten_options_used_most_come_first() -> None:
    lines = shown("evolve")
    start = lines.index("Used most:") + 1
    most = lines[start : lines.index("", start)]
    assert [line.split()[0].rstrip(",") for line in most if line.startswith("  -")] == [
        *("--out", "--client", "--model", "--provider", "--base-url"),
        *("--generations", "--limit", "--prompts", "--max-cost", "--dry-run"),
    ]
    assert lines.index("Used most:") < lines.index("Who answers:") < lines.index("Examples:")


@pytest.mark.parametrize("path", COMMANDS)
def test_help_keeps_to_80_columns_and_gives_meanings_half_of_them(path: str) -> None:
    lines = shown(path)
    end = lines.index("Examples:")  # which are not broken, so that they can be copied
    assert [line for line in lines[:end] if len(line) > 80] == []
    assert max(len(line) - len(line.lstrip()) for line in lines[:end]) <= 40


def test_the_program_shows_its_commands_in_groups() -> None:
    lines = shown("")
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Make:", "Read:", "Judge:", "Bring in and out:", "Options:", "Examples:"]
