"""Catalogue of bad input, made from the tests that try it; ``python -m tests.catalogue`` writes it.

Each row is an input of a test and the message that it expects; nothing is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.faults.test_damage import DAMAGES
from tests.test_against import BAD_SETS
from tests.test_answers import REFUSED
from tests.test_cli_errors import COMMAND_LINES, RECIPES
from tests.test_personal_settings import BAD_DOTENVS, BAD_SETTINGS
from tests.test_prompts import BROKEN
from tests.test_seeds import BAD_FILES
from tests.test_workbooks import BAD_BOOKS

PATH = Path(__file__).parent.parent / "docs" / "bad-input.md"
_SHOWN = 60
_Row = tuple[str, ...]


def text() -> str:
    """Return the catalogue as Markdown."""
    lines = [
        "# Bad input and its messages",
        "",
        "`python -m tests.catalogue` writes this page from the tests that try each input; a test",
        "fails if the two differ. Each message is printed on stderr after `Error: `. The exit code",
        "is 2 for command lines, and 1 for everything else.",
        "",
        "## Command lines",
        "",
        *_table("after `evolve SEEDS -o RUN`", _command_lines()),
        "",
        "## Recipes",
        "",
        *_table("content of bad.toml", ((_code(text), said) for text, said in RECIPES.items())),
        "",
        "## The settings file of a user",
        "",
        *_table("content of settings.toml", _settings_files()),
        "",
        "## Variables in `.env`",
        "",
        *_table("content of .env", _dotenvs()),
        "",
        "## Seed files",
        "",
        *_table("what is wrong | content", _seed_files()),
        "",
        "## Excel files",
        "",
        *_table(
            "what is wrong", ((name, f"book.xlsx{said}") for name, (_, said) in BAD_BOOKS.items())
        ),
        "",
        "## Test sets",
        "",
        *_table("after `--against`", _test_sets()),
        "",
        "## Prompt packs",
        "",
        *_table("what is wrong", ((name, f"small{said}") for name, (_, said) in BROKEN.items())),
        "",
        "## Journals",
        "",
        *_table("what is wrong", _journals()),
        "",
    ]
    return "\n".join(lines)


def _command_lines() -> Iterator[_Row]:
    return ((_code(words), said) for words, said in (COMMAND_LINES | REFUSED).items())


def _settings_files() -> Iterator[_Row]:
    place = "The settings file settings.toml"
    return ((_code(text), f"{place}: {said}") for text, said in BAD_SETTINGS.items())


def _dotenvs() -> Iterator[_Row]:
    return ((_shown(content), said) for content, said in BAD_DOTENVS.items())


def _seed_files() -> Iterator[_Row]:
    return ((name, _shown(content), said) for name, (_, content, said) in BAD_FILES.items())


def _test_sets() -> Iterator[_Row]:
    return ((name, said) for name, (_, _, said) in BAD_SETS.items())


def _journals() -> Iterator[_Row]:
    return ((name, f"The journal run/journal.sqlite {said}") for name, (_, said) in DAMAGES.items())


def _table(heading: str, rows: Iterable[_Row]) -> Iterator[str]:
    columns = heading.count("|") + 2
    yield f"| {heading} | message |"
    yield "|---" * columns + "|"
    for row in rows:
        yield "| " + " | ".join(map(_cell, row)) + " |"


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")


def _shown(content: bytes) -> str:
    shown = repr(content)[2:-1]
    return f"`{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}`" if shown else ""


def _code(words: str) -> str:
    """Return words as code, with what no page can show escaped."""
    return f"`{words.encode('unicode_escape').decode()}`"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text())
