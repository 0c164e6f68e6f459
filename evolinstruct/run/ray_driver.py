"""Ray driver: has the shards of a prepared run worked on by a Ray cluster, in a process of its own.

    python -m evolinstruct.run.ray_driver '{"address": "auto", "run": "…", "folder": "…"}'

One actor works on each shard, and is started again where it dies. Each second the driver prints a
line of JSON about how far all of them are. `evolinstruct.run.cluster` starts it and reads the
lines, because a driver ends with its cluster, and `evolve` goes on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from evolinstruct.errors import EvolinstructError, InputError
from evolinstruct.installation import import_extra
from evolinstruct.run import work
from evolinstruct.run.shards import Shard
from evolinstruct.settings import Layer
from evolinstruct.text import shorten

EVERY = 1.0
"""Seconds between two lines."""
_RESTARTS = 20
"""So often an actor that dies is started again: what dies each time would never end."""
_GRACE = 15.0
_SHOWN = 200  # characters of a cluster's name, and of what is said of it


Tell = Callable[[Mapping[str, Any]], object]
"""Hands a line on."""


class Worker:
    """Works on one shard, as an actor; one that is started again goes on with the same file."""

    def __init__(self, run: str, shard: str, file: str, here: str) -> None:
        """Name the files, by paths that this node has, too."""
        self._paths = Path(run), Shard.parse(shard), Path(file)
        self._here = here
        self._job: work.ShardJob | None = None
        self._said: dict[str, Any] = {}

    async def work(self) -> str | None:
        """Work on the shard; return why it ended early, None if it did not."""
        try:
            os.chdir(self._here)
            self._job = work.prepare(*self._paths, Layer({}))
            async with aclosing(self._job.events()) as events:
                async for event in events:
                    self._said = {
                        "done": event.done,
                        "failed": event.failed,
                        **event.spent.to_json(),
                        "in_flight": event.sending.in_flight,
                        "limit": event.sending.limit,
                    }
        except OSError as error:
            return f"{self._here} is not there ({error.strerror}); all nodes must see it."
        except EvolinstructError as error:
            return str(error)
        return None

    async def progress(self) -> dict[str, Any]:
        """Return how far it is; nothing before the first call."""
        return self._said

    async def interrupt(self) -> None:
        """Stop in good order."""
        if self._job is not None:
            self._job.interrupt()


class _Driver:
    """All actors of a run, and what they said last."""

    def __init__(self, ray: Any, asked: Mapping[str, str], tell: Tell) -> None:
        self._ray = ray
        self._tell = tell
        folder = Path(asked["folder"])
        folder.mkdir(exist_ok=True)
        of = _division(folder) or max(1, int(ray.cluster_resources().get("CPU", 1)))
        actor = ray.remote(num_cpus=1, max_restarts=_RESTARTS, max_task_retries=_RESTARTS)(Worker)
        names = [f"{number}/{of}" for number in range(1, of + 1)]
        self._actors = {
            name: actor.remote(asked["run"], name, str(_file(folder, name)), asked["here"])
            for name in names
        }
        self._working = {one.work.remote(): name for name, one in self._actors.items()}
        self._said: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, Any] = {}
        self._is_over = False

    def carry_out(self) -> None:
        """Print how far it is until all have ended, or a signal has stopped them."""
        signal.signal(signal.SIGTERM, self._interrupt)
        end = None
        while self._working and (end is None or time.monotonic() < end):
            ready, _ = self._ray.wait(list(self._working), timeout=EVERY)
            for ref in ready:
                self._end(ref)
            self._look()
            if self._is_over and end is None:
                end = time.monotonic() + _GRACE
                for actor in self._actors.values():
                    actor.interrupt.remote()

    def _interrupt(self, *_: object) -> None:
        self._is_over = True

    def _end(self, ref: Any) -> None:
        name = self._working.pop(ref)
        try:
            why = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            why = f"its actor is gone ({type(error).__name__})"
        if why is not None:
            self._tell({"shard": name, "why": why})

    def _look(self) -> None:
        """Ask each actor how far it is; one that is busy answers later."""
        for name, ref in list(self._asked.items()):
            if self._ray.wait([ref], timeout=0)[0]:
                del self._asked[name]
                with suppress(self._ray.exceptions.RayError):
                    self._said[name] = self._ray.get(ref) or self._said.get(name, {})
        for name, actor in self._actors.items():
            if name not in self._asked:
                self._asked[name] = actor.progress.remote()
        self._tell({"shards": len(self._actors), **_together(self._said.values())})


def _together(said: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what actors said as one, so that a line is as short for a thousand of them."""
    known = [each for each in said if each]
    names = ("done", "failed", "calls", "tokens", "in_flight", "limit")
    costs = [each["cost"] for each in known]
    cost = None if None in costs else float(sum(Decimal(str(each)) for each in costs))
    return {**{name: sum(each[name] for each in known) for name in names}, "cost": cost}


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name.replace('/', '-of-')}.sqlite"


def _division(folder: Path) -> int | None:
    """Return by how many an earlier command has divided the run, None where there is none."""
    found = [int(path.stem.partition("-of-")[2]) for path in folder.glob("*-of-*.sqlite")]
    return max(found, default=None)


def main(asked: Mapping[str, str], tell: Tell) -> None:
    """Work on all shards.

    Raises:
        InputError: Ray is not installed, or the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = import_extra("ray", "ray", "--ray")
    try:
        ray.init(address=asked["address"], log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        told = shorten(" ".join(str(error).split()), _SHOWN)
        raise InputError(
            f"--ray: the cluster {shorten(asked['address'], _SHOWN)} cannot be reached ({told});"
            " start one with `ray start --head`, or correct the address."
        ) from error
    try:
        _Driver(ray, asked, tell).carry_out()
    finally:
        ray.shutdown()


@contextmanager
def _stdout() -> Iterator[Tell]:
    """Lend what prints a line of JSON; Ray, which prints too, prints nowhere from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1) as file:
        os.dup2(nowhere, sys.stdout.fileno())
        yield lambda said: file.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    with _stdout() as tell:
        try:
            main(json.loads(sys.argv[1]), tell)
        except InputError as error:
            tell({"error": str(error)})
