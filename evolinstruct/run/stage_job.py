"""The command of a stage: opens its session, and remembers what was asked and how it went."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, TypeVar

from evolinstruct.errors import Interrupted, told
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.clients import Asked
from evolinstruct.run.session import INTERRUPTED, Session
from evolinstruct.run.stage import Stage
from evolinstruct.run.summary import now
from evolinstruct.run_dir.owned import OwnedDir
from evolinstruct.settings import Settings

EXIT_FAILED = 3


@dataclass(frozen=True, slots=True)
class Expected:
    """What the calls for one purpose to one model are expected to take.

    Attributes:
        purpose: what they are for.
        model: who is asked; ``sandbox`` where programs are run.
        calls: how many.
        prompt_tokens: tokens in.
        completion_tokens: tokens out, as long as replies usually are.
        cost: dollars; None where the price is unknown.
    """

    purpose: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "cost": None if self.cost is None else float(self.cost)}


@dataclass(slots=True)
class StageSummary:
    """How a stage ended.

    Attributes:
        file: its lines.
        status: done, or why not.
        exit_code: the command's exit code.
        failed: how many judgements or answers are missing, by why.
        calls: how many calls this command made, by purpose.
        replayed: how many the journal spared it.
        spent: what was ever spent on the stage in the directory.
        seconds: how long this command has taken.
    """

    file: Path
    status: str = "running"
    exit_code: int | None = None
    failed: Counter[str] = field(default_factory=Counter)
    calls: dict[str, int] = field(default_factory=dict)
    replayed: dict[str, int] = field(default_factory=dict)
    spent: Spending = field(default_factory=Spending)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "status": self.status,
            "exit_code": self.exit_code,
            "file": str(self.file),
            "failed": dict(self.failed),
            "calls": self.calls,
            "replayed": self.replayed,
            "spent": self.spent.to_json(),
        }


_Summary = TypeVar("_Summary", bound=StageSummary)


class StageJob(ABC, Generic[_Summary]):
    """One command of a stage.

    Attributes:
        summary: how it went so far.
    """

    def __init__(
        self,
        settings: Settings,
        purposes: Iterable[str | Asked],
        directory: OwnedDir,
        summary: _Summary,
        known: Path | None = None,
    ) -> None:
        """Make the clients; nothing is written yet.

        Raises:
            UsageError: the client is unknown, or lacks a setting.
            InputError: a key is missing.
        """
        self._recipe = settings.recipe
        self._execution = settings.execution
        self._dir = directory
        self._session = Session(settings, purposes, directory, directory.state(), known)
        self._started, self._began = now(), time.monotonic()
        self.summary = summary

    def receivers(self) -> dict[str, list[str]]:
        """Return what each server would get texts for, by its host."""
        return self._session.receivers()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Session]:
        """Lend the open session; however the block ends, what is known by then is written.

        Raises:
            InputError: a file cannot be read or written.
            StopRun: it ended early; the same command goes on.
        """
        async with self._session as session:
            try:
                yield session
                self.summary.status = "done"
                self.summary.exit_code = self._exit_code()
            except BaseException as error:
                ending = told(error if isinstance(error, Exception) else Interrupted(INTERRUPTED))
                self.summary.status, self.summary.exit_code = str(ending), ending.exit_code
                raise
            finally:
                self._save(self._write())

    @abstractmethod
    def _write(self) -> Mapping[str, Any]:
        """Write what is known; return what the state says beside how it went."""

    @abstractmethod
    def _asked(self) -> int:
        """Return how many judgements or answers were asked for."""

    def _exit_code(self) -> int:
        failed = self.summary.failed.total()
        return 0 if self._execution.allows(failed, self._asked()) else EXIT_FAILED

    def _save(self, about: Mapping[str, Any]) -> None:
        session, summary = self._session, self.summary
        summary.calls.update(session.calls)
        summary.replayed.update(session.replayed)
        usage = session.account()
        summary.spent = session.spent
        summary.seconds = time.monotonic() - self._began
        self._dir.save_state(
            {
                **summary.to_json(),
                "started": self._started,
                "ended": now(),
                **about,
                "recipe": self._recipe.model_dump(),
                "journal": session.journal.number,
                "usage": [account.to_json() for account in usage],
            }
        )

    def interrupt(self) -> None:
        """Stop for a person who asked for it; asked twice, at once."""
        self._session.interrupt()

    def _working(self, stage: Stage[Any, Any]) -> None:
        self._session.work = stage
        self._session.go_on()  # a stop that came before it was known to the session
