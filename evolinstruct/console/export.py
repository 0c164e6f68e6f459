"""`export` on the terminal: which files were written, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evolinstruct.export import TRAINERS, ExportOptions, ExportResult
from evolinstruct.text import command, counted


def told(out: Path, options: ExportOptions, result: ExportResult) -> Iterator[str]:
    """Yield what a user is told at the end of an export."""
    yield from result.notices
    for split, names in result.files.items():
        files = names[0] if len(names) == 1 else f"{counted(len(names), 'file')}, {names[0]} …"
        yield f"{split}: {counted(result.rows[split], 'row')} in {out / files}"
    yield f"The card is {out / 'README.md'}; look over what it says of rights before you share it."
    if options.trainer is not None:
        yield (
            f"Next: put your model into {out / options.trainer}.yaml, then"
            f" `{command('cd', out)} && {TRAINERS[options.trainer].command}`."
        )
