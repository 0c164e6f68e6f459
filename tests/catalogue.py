"""The catalogue of bad input, from the tests that try it: ``python -m tests.catalogue`` writes it.

Each row is what a test puts in and the sentence that it expects; nothing is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from tests.faults.test_damage import DAMAGES
from tests.test_seeds import BAD_FILES

PATH = Path(__file__).parent.parent / "docs" / "bad-input.md"
_SHOWN = 60


def text() -> str:
    """Return the catalogue as Markdown."""
    lines = [
        "# Bad input, and what is said of it",
        "",
        "Written by `python -m tests.catalogue` from the tests that try it; a test fails where the",
        "two differ. Each sentence is printed on stderr behind `Error: `, and the exit code is 1.",
        "",
        "## Seed files",
        "",
        *_table((name, _shown(content), said) for name, (_, content, said) in BAD_FILES.items()),
        "",
        "## Journals",
        "",
        "The sentences as far as the tests hold them; `\\S+` stands for the path.",
        "",
        *_table((damage.__name__, "", said) for damage, said in DAMAGES),
        "",
    ]
    return "\n".join(lines)


def _table(rows) -> list[str]:  # type: ignore[no-untyped-def]
    body = ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    return ["| what is wrong | content | what is said |", "|---|---|---|", *body]


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")


def _shown(content: bytes) -> str:
    shown = repr(content)[2:-1]
    return f"`{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}`" if shown else ""


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text())
