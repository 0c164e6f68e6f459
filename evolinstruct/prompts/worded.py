"""The prompts of purposes that a file of their own words: ``NAME.txt`` in a pack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evolinstruct.defaults import PACK
from evolinstruct.errors import InputError
from evolinstruct.prompts.folder import find
from evolinstruct.prompts.named_checks import Checks
from evolinstruct.prompts.templates import Holds, Passage, Template, checked, source
from evolinstruct.purposes import PURPOSES


def read_worded(
    folder: Path, sources: Mapping[str, Passage], checks: Checks
) -> dict[str, Template]:
    """Return the prompts that stand in a file of their own, by purpose."""
    worded = {name: row for name, row in PURPOSES.items() if row.worded_by == "file"}
    for name, row in worded.items():
        if row.for_check in checks and f"{name}.txt" not in sources:
            raise InputError(
                f"{folder / name}.txt: the file is missing; the check {row.for_check!r} needs it."
            )
    own = {name: sources[f"{name}.txt"] for name in worded if f"{name}.txt" in sources}
    borrowed = [name for name, row in worded.items() if row.borrowed and name not in own]
    texts = own | {name: source(find(PACK) / f"{name}.txt") for name in borrowed}
    return {
        name: Template.of(checked(text, Holds(frozenset(worded[name].prompt))))
        for name, text in texts.items()
    }
