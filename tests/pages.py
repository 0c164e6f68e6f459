"""Takes the blocks of code out of a page of the documents, in their order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SKILL = ROOT / "SKILL.md"
GUIDES = (README, SKILL, *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(
    r"(?P<unrun><!-- not run: [^>]*-->\n)?(?:In `(?P<file>[\w.]+)`:\n\n)?"
    r"^```(?P<language>sh|python|toml)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code.

    Attributes:
        language: sh, python or toml.
        text: what it holds.
        file: the file that its page says it is, if any.
    """

    language: str
    text: str
    file: str | None


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page that are to work; those that cannot say why."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [
        Block(each["language"], each["text"], each["file"]) for each in found if not each["unrun"]
    ]


def section(title: str, page: Path) -> str:
    """Return what stands below a heading of the second level."""
    text = page.read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
