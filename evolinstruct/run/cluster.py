"""Cluster: the shards of a prepared run are worked on by a Ray cluster.

Their files lie beside the run, where every node sees them. Whatever becomes of the cluster, they
stay: what they lack is asked when the run goes its own way.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from evolinstruct.errors import InputError, Interrupted
from evolinstruct.installation import require_extra
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.throttle import Sending
from evolinstruct.run.session import INTERRUPTED
from evolinstruct.run_dir.directory import RunDir

_LONGEST_LINE = 1 << 24  # bytes: an error may repeat whatever the user wrote
_DRIVER = "evolinstruct.run.ray_driver"


@dataclass(frozen=True, slots=True)
class AtWork:
    """How far the shards on a cluster are, all together.

    Attributes:
        shards: how many there are.
        done: families that have been taken through all generations.
        families: how many the run has.
        failed: calls that got no reply.
        spent: what was ever spent on the shards.
        sending: how calls are being sent.
    """

    shards: int
    done: int
    families: int
    failed: int
    spent: Spending
    sending: Sending


def files_of(run: Path) -> Path:
    """Return the folder with the files of a run's shards."""
    return run.with_name(f"{run.name}.shards")


@dataclass
class Cluster:
    """The work on all shards of a run.

    Attributes:
        ended_early: why shards are not finished, a sentence each.
    """

    run: Path
    address: str
    ended_early: list[str] = field(default_factory=list)
    _driver: asyncio.subprocess.Process | None = None
    _is_over: bool = False

    def __post_init__(self) -> None:
        """Refuse to begin where Ray is not installed.

        Raises:
            InputError: it is not.
        """
        require_extra("ray", "ray", "--ray")

    async def events(self) -> AsyncGenerator[AtWork]:
        """Have all shards worked on; yield how far they are.

        Raises:
            InputError: the cluster cannot be reached.
            Interrupted: somebody stopped it; the same command goes on.
        """
        asked = {
            "address": self.address,
            "run": str(self.run.absolute()),
            "folder": str(files_of(self.run.absolute())),
            "here": str(Path.cwd()),
        }
        words = ("-m", _DRIVER, json.dumps(asked))
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        # In a session of its own: Ctrl-C is for this process, which tells the other one.
        self._driver = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdout=pipe,
            stderr=nothing,
            start_new_session=True,
            limit=_LONGEST_LINE,
        )
        try:
            async for event in self._read(self._driver):
                yield event
        finally:
            with suppress(ProcessLookupError):
                self._driver.kill()
            await self._driver.wait()
        if self._is_over:
            raise Interrupted(INTERRUPTED)

    async def _read(self, driver: asyncio.subprocess.Process) -> AsyncGenerator[AtWork]:
        assert driver.stdout is not None  # noqa: S101 - it is a pipe
        families = RunDir(self.run).state()["seeds"]["used"]
        async for line in driver.stdout:
            said = json.loads(line)
            if "error" in said:
                raise InputError(said["error"])
            if "why" in said:
                self.ended_early.append(f"The shard {said['shard']} ended early: {said['why']}")
            else:
                yield _at_work(said, families)
        if await driver.wait() and not self._is_over:
            self.ended_early.append(f"The cluster {self.address} went away.")

    def interrupt(self) -> None:
        """Stop all workers in good order; asked twice, at once."""
        with suppress(ProcessLookupError):
            if self._driver is not None:
                self._driver.kill() if self._is_over else self._driver.terminate()
        self._is_over = True


def _at_work(said: Mapping[str, Any], families: int) -> AtWork:
    cost = None if said["cost"] is None else Decimal(str(said["cost"]))
    spent = Spending(said["calls"], said["tokens"], cost)
    sending = Sending(said["in_flight"], said["limit"], waiting=0, paused=0.0)
    return AtWork(said["shards"], said["done"], families, said["failed"], spent, sending)
