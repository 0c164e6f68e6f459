"""The directory of a tuned pack: an ordinary pack, and how it came about in a folder beside it.

PACK_DIR/pack.toml …      the pack, as `evolve --prompts` takes it
PACK_DIR/tuning/          trials.jsonl, tune.json, tune.sqlite: what was tried, and every call
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evolinstruct import prompts
from evolinstruct.atomic_write import replaced, write_errors_explained
from evolinstruct.errors import InputError
from evolinstruct.prompts import HISTORY, Tunable
from evolinstruct.run_dir.stage_files import StageDir
from evolinstruct.tuning.trial import FILE, read_trials


class TunedDir:
    """A pack that tuning writes.

    Attributes:
        path: its folder.
        history: the files of how it came about.
    """

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is read or made yet."""
        self.path = path
        self.history = StageDir(path / HISTORY, "tune", FILE)

    def check_place(self, tunable: Tunable) -> None:
        """Refuse a folder that holds anything but what tuning wrote there.

        Raises:
            InputError: it does, or cannot be written.
        """
        self.history.check_place()
        if not self.path.exists():
            return
        state = self.history.state()
        known = [tunable.method, state.get("method") or tunable.method]
        if self.history.lines.exists():
            known += [each.method for each in read_trials(self.history.path) if each.method]
        elif not self.history.path.is_dir() and any(self.path.iterdir()):
            raise InputError(
                f"{self.path} is not empty, and nothing there says that tune made it; name a new"
                " folder with -o."
            )
        written = self._written(tunable, known)
        for path in self._files():
            if path.read_bytes() not in written.get(path.relative_to(self.path).as_posix(), ()):
                raise InputError(
                    f"{path} is not as tune wrote it from this pack; copy the folder if you want to"
                    f" keep it, remove all of it but {HISTORY}, and run the same command again, or"
                    " name a new folder with -o."
                )

    def _files(self) -> Iterable[Path]:
        is_pack = (self.path / "pack.toml").exists()
        return prompts.files(self.path).values() if is_pack else ()

    @staticmethod
    def _written(tunable: Tunable, methods: Iterable[str]) -> dict[str, set[bytes]]:
        """Return what each file of the pack may hold."""
        found: dict[str, set[bytes]] = {}
        for method in methods:
            for name, content in tunable.files(method).items():
                found.setdefault(name, set()).add(content)
        return found

    def write(self, tunable: Tunable, method: str) -> None:
        """Write the pack with this method; pack.toml comes last, because it makes a pack of it.

        Raises:
            InputError: a file cannot be written.
        """
        found = tunable.files(method)
        for name in sorted(found, key=lambda name: (name == "pack.toml", name)):
            path = self.path / name
            with write_errors_explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_bytes() != found[name]:
                with replaced(path) as file:
                    file.write(found[name])
