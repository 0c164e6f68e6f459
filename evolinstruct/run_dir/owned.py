"""A directory that one command at a time writes: its lock, its journal, and what it says of itself.

A run is one; so is a stage, such as the scores of a run, whose files stand beside the run's.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path
from typing import IO, Any

from evolinstruct.atomic_write import refuse_link, replaced, without_links
from evolinstruct.errors import FilesGone, InputError

FORMAT = 1


class OwnedDir:
    """A directory with a lock, a journal and a state, by the names that its kind gives them.

    Attributes:
        path: the directory.
        lock_name: the file whose lock the one writer holds.
        state_name: the file that says what was asked, and how it went.
        journal_name: the file with the outcome of every call.
    """

    lock_name: str
    state_name: str
    journal_name: str

    def __init__(self, path: Path) -> None:
        """Name the directory; nothing is read or made yet."""
        self.path = path
        self._lock: IO[str] | None = None
        self._identities: dict[str, tuple[int, int]] = {}  # of the files that are watched

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.path / self.journal_name

    @property
    def state_file(self) -> Path:
        """The file with the state."""
        return self.path / self.state_name

    def refuse_links(self) -> None:
        """Refuse a link under a name that is written in place: a file elsewhere would be changed.

        Raises:
            InputError: there is one.
        """
        for name in (self.lock_name, self.state_name, *self._watched):
            refuse_link(self.path / name, hard=name != self.state_name)

    def check_parent(self) -> None:
        """Refuse a directory that cannot be made where it would be.

        Raises:
            InputError: it lies below a file, or in a directory that cannot be written.
        """
        parent = next(parent for parent in self.path.absolute().parents if parent.exists())
        if not parent.is_dir():
            raise InputError(f"{parent} is a file, so {self.path} cannot be made; correct -o.")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise InputError(
                f"{parent} cannot be written, so {self.path} cannot be made; correct -o."
            )

    @property
    def _watched(self) -> tuple[str, ...]:
        """What must not be removed meanwhile: with the lock goes the directory, else replies."""
        return self.lock_name, self.journal_name, f"{self.journal_name}-wal"

    # The one writer

    def open(self) -> None:
        """Make the directory if it does not exist, and take its lock as its one writer.

        The lock is a file of its own, because some file systems cannot lock a directory. It goes
        when the process ends, however it ends.

        Raises:
            InputError: another process holds the lock, or the directory cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.refuse_links()
            lock = self.path / self.lock_name
            self._lock = open(lock, "a+", opener=without_links)  # noqa: SIM115
        except OSError as error:
            raise InputError(
                f"The directory {self.path} cannot be made: {error.strerror};"
                " choose another with -o."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "another process"
            self.close()
            raise InputError(
                f"{self.path} is being written by {holder};"
                " wait for it to end, or choose another directory with -o."
            ) from error
        self._identities = {self.lock_name: _file_identity(os.fstat(self._lock.fileno()))}
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        self._lock.flush()

    def check_intact(self, *names: str) -> None:
        """Refuse to go on where another file, or none, stands under a name that is being written.

        Args:
            names: the files to look at; all that are watched if none is named.

        Raises:
            FilesGone: one was removed or replaced since it was first looked at.
        """
        for name in names or self._watched:
            found = _identity(self.path / name)
            known = self._identities.get(name, found)
            if found != known:
                what = self.path if name == self.lock_name else self.path / name
                raise FilesGone(
                    f"{what} was removed or replaced while the run was writing it; put it back,"
                    " then run the same command again, or choose another directory with -o."
                )
            if found is not None:
                self._identities[name] = found

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # The state

    def state(self) -> dict[str, Any]:
        """Return what the state says; an empty dict if there is none.

        Raises:
            InputError: it cannot be read, or is from a newer version.
        """
        path = self.state_file
        if not path.exists():
            return {}
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(
                f"{path} cannot be read ({type(error).__name__}: {error});"
                " restore it, or choose another directory with -o."
            ) from error
        version = state.get("format") if isinstance(state, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise InputError(f"{path} is from a newer version of evolinstruct; update it.")
        if (misfit := self.misfit(state)) is not None:
            raise InputError(
                f"{path} is not as it was written ({misfit}); restore it from a copy, or choose"
                " another directory with -o."
            )
        return dict(state)

    def misfit(self, state: Any) -> str | None:
        """Return what of a state is not as it was written; None if all of it is."""
        return None if isinstance(state, dict) else "it is no object"

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace the state, as a whole or not at all.

        Raises:
            InputError: it cannot be written.
            FilesGone: the directory was removed or replaced.
        """
        self.check_intact(self.lock_name)
        text = json.dumps({"format": FORMAT, **state}, ensure_ascii=False, indent=2) + "\n"
        with replaced(self.state_file) as file:
            # A file name that is not UTF-8 has lone surrogates, which JSON can write as escapes.
            file.write(text.encode(errors="backslashreplace"))


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from any other that may take its name; None if there is none."""
    try:
        return _file_identity(path.lstat())
    except OSError:
        return None


def _file_identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
