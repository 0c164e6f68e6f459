"""The files of a stage: its lines, its state, its journal and its lock, beside those of a run.

scores.jsonl   a line for each result, in order
score.json     what was asked, and how it went
score.sqlite   the outcome of every call
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from evolinstruct.atomic_write import refuse_link
from evolinstruct.errors import InputError
from evolinstruct.run_dir.owned import OwnedDir
from evolinstruct.run_dir.shape import STAGE, find_misfit


class StageDir(OwnedDir):
    """The files of one stage in a directory, which may be that of a run."""

    def __init__(self, path: Path, stage: str, lines: str) -> None:
        """Name the directory, the stage, and the file of its lines; nothing is read or made yet."""
        super().__init__(path)
        self.lines = path / lines
        self.lock_name = f".{stage}.lock"
        self.state_name = f"{stage}.json"
        self.journal_name = f"{stage}.sqlite"

    def check_place(self) -> None:
        """Refuse a directory that cannot hold the files; change nothing.

        Raises:
            InputError: it is a file or cannot be written, or the state there is damaged or newer.
        """
        if not self.path.exists():
            self.check_parent()
            return
        if not self.path.is_dir():
            raise InputError(f"{self.path} is a file; name a directory with -o.")
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise InputError(f"{self.path} cannot be written; choose another directory with -o.")
        self.refuse_links()
        self.state()

    def refuse_links(self) -> None:
        """Refuse a link under a name that is written: a file elsewhere would be changed."""
        super().refuse_links()
        refuse_link(self.lines)

    def misfit(self, state: Any) -> str | None:
        """Return what of the state is not as a stage writes it."""
        return find_misfit(state, STAGE)
