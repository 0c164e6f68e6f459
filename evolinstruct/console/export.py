"""`export` on the terminal: which files were written, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evolinstruct.export import TRAINERS, Exported, Request
from evolinstruct.text import counted


def told(out: Path, request: Request, exported: Exported) -> Iterator[str]:
    """Yield the sentences that end an export."""
    yield from exported.notices
    for split, names in exported.files.items():
        files = names[0] if len(names) == 1 else f"{counted(len(names), 'file')}, {names[0]} …"
        yield f"{split}: {counted(exported.rows[split], 'row')} in {out / files}"
    yield f"The card is {out / 'README.md'}; check what it says about rights before you share it."
    if request.trainer is not None:
        yield (
            f"Next: put your model into {out / request.trainer}.yaml, then"
            f" `cd {out} && {TRAINERS[request.trainer].command}`."
        )
