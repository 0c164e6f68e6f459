"""Power cuts of a run: all is put back to what the disk had been asked for by then, and goes on."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.harness import evolve, kill, openai, outcomes, run, start, wait_for
from tests.faults.harness import service as answer_at_once
from tests.loopback import Answer, Ask, serve
from tests.runs import data_files, tasks, write_seeds

SHIM = Path(__file__).with_name("synced.c")
SEEDS, GENERATIONS = 60, 2
LATENCY = 0.1
MOMENTS = 0.0, 4.0
"""Seconds after the first sync between which the power is cut."""
ARRIVES = 0.5
"""The share of files that are lost as far as nobody had them synced; the others are as written."""


def service(ask: Ask) -> Answer:
    """Answer as a model of mixed quality does, and as slowly."""
    return Answer(answer_at_once(ask).wire, latency=LATENCY)


def compiled(folder: Path) -> Path | None:
    """Return the library that tells what is synced; None where there is no compiler for it."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    made = folder / "synced.so"
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(SHIM), "-ldl", "-lpthread"]
    return None if subprocess.run(words, check=False, capture_output=True).returncode else made


@dataclass(slots=True)
class Disk:
    """What a disk has for sure, by the syncs, renames and removals that a program made.

    A new file has its name once the file is synced, as common file systems do it; renamed and
    removed files once their directory is.

    Attributes:
        names: for each file the copy that holds what the disk has.
        synced: when each was last synced, by the monotonic clock.
    """

    names: dict[str, Path]
    synced: dict[str, float] = field(default_factory=dict)

    def replay(self, folder: Path) -> None:
        """Take in what the program did, as the library noted it."""
        now: dict[str, Path | None] = dict(self.names)
        for line in (folder / "log").read_text().splitlines():
            what, path, *rest = line.split("\t")
            if what == "file":
                now[path] = self.names[path] = folder / rest[0]
                self.synced[path] = float(rest[1])
            elif what == "rename":
                self._rename(now, path, rest[0])
            elif what == "remove":
                now[path] = None
            else:
                for name in [name for name in now if name.startswith(f"{path}/")]:
                    self._settle(name, now[name])

    def _rename(self, now: dict[str, Path | None], path: str, to: str) -> None:
        """Rename a file, or a folder with all that is in it."""
        for name in [name for name in now if f"{name}/".startswith(f"{path}/")]:
            now[to + name.removeprefix(path)], now[name] = now[name], None

    def _settle(self, name: str, content: Path | None) -> None:
        if content is None:
            self.names.pop(name, None)
        else:
            self.names[name] = content


def cut_power(out: Path, disk: Disk, dice: random.Random) -> None:
    """Put every file of a run back to what the disk has for sure; what it never had is gone.

    So it is with what SQLite writes. Of the other files some, by the dice, are as they were
    written: a disk may take what nobody has asked it to.
    """
    for path in [path for path in out.rglob("*") if path.is_file()]:
        if "sqlite" in path.name or dice.random() < ARRIVES:
            path.unlink()
    for name, content in disk.names.items():
        if not Path(name).exists():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(content, name)


@dataclass(frozen=True, slots=True)
class Cut:
    """What a power cut took.

    Attributes:
        outcomes: how many outcomes the journal lost.
        seconds: how long ago the journal had last been brought to the disk.
    """

    outcomes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a run that was cut off several times.

    Attributes:
        cuts: what each took.
        asked: calls that the service saw.
        said: what the last command said, and its exit code.
        files: the files of the run.
    """

    cuts: list[Cut]
    asked: int
    said: tuple[int, str]
    files: dict[str, bytes]


def unbroken(folder: Path) -> Found:
    """Carry out the run that the others are held against."""
    write_seeds(folder / "seeds.jsonl", tasks(SEEDS))
    return cut_off(folder, "whole", random.Random(), cuts=0)


def cut_off(
    folder: Path, name: str, dice: random.Random, cuts: int, library: Path | None = None
) -> Found:
    """Cut a run off at random moments, then let it end."""
    out, found = folder / name, list[Cut]()
    with serve(service) as server:
        command = evolve(folder / "seeds.jsonl", out, *openai(server.url, GENERATIONS))
        for number in range(cuts):
            synced = folder / f"{name}-{number}"
            disk = Disk(_copies(out, synced))
            process = start(("env", f"LD_PRELOAD={library}", f"SYNCED={synced}", *command))
            wait_for((synced / "log").exists, process)
            end = time.monotonic() + dice.uniform(*MOMENTS)
            wait_for(lambda end=end: time.monotonic() > end, process)  # type: ignore[misc]
            if process.poll() is not None:
                process.communicate()
                break
            kill(process)
            at, before = time.monotonic(), outcomes(out)
            disk.replay(synced)
            cut_power(out, disk, dice)
            last = disk.synced.get(str(out / "journal.sqlite-wal"), at)
            found.append(Cut(before - outcomes(out), at - last))
        said = run(command)
        return Found(found, server.counts.asked.total(), said, data_files(out))


def _copies(out: Path, folder: Path) -> dict[str, Path]:
    """Copy what is there before a program starts: the disk has that."""
    folder.mkdir()
    copies = {}
    for number, path in enumerate(path for path in out.rglob("*") if path.is_file()):
        copies[str(path)] = shutil.copyfile(path, folder / f"before-{number}")
    return copies
