"""Spool: calls that wait to be sent, on disk, and the part of them that goes into one batch."""

from __future__ import annotations

import marshal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, BinaryIO

from evolinstruct.llm.budget import Budget
from evolinstruct.llm.journal.batch_book import Row
from evolinstruct.llm.prices import cost_of

_SIZE = 8  # bytes of a length


class Spool:
    """Calls that wait to be sent, on disk: a row of the book and a line of an upload each."""

    def __init__(self) -> None:
        self._file: BinaryIO = TemporaryFile()  # noqa: SIM115 - closed with the spool
        self._count = 0
        self._is_read = False
        self._next: tuple[Row, bytes] | None = None

    def put(self, row: Row, line: bytes) -> None:
        """Let a call wait."""
        # In one piece: `marshal.load` reads a file in as many as there are values.
        packed = marshal.dumps((row, line))
        self._file.write(len(packed).to_bytes(_SIZE) + packed)
        self._count += 1

    def __bool__(self) -> bool:
        """Whether any waits."""
        return self.peek() is not None

    def peek(self) -> tuple[Row, bytes] | None:
        """Return the first that waits; it stays."""
        if not self._is_read:
            self._file.seek(0)
            self._is_read = True
        if self._next is None and self._count:
            size = int.from_bytes(self._file.read(_SIZE))
            self._next = marshal.loads(self._file.read(size))  # noqa: S302 - of this process
        return self._next

    def pop(self) -> None:
        """Let go of the first."""
        self._next = None
        self._count -= 1

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


@dataclass(slots=True)
class Cut:
    """The part of a spool that goes into one batch.

    Attributes:
        budget: what may be spent.
        spool: what waits.
        file: where the lines go.
        size: bytes at most.
        calls: what is in it, by purpose.
        cap: what a user is told of the cap that left no room for more, if one did.
    """

    budget: Budget
    spool: Spool
    file: IO[bytes]
    size: int
    calls: Counter[str] = field(default_factory=Counter)
    cap: str | None = None

    def rows(self, requests: int) -> Iterator[Row]:
        """Yield the rows of so many calls at most, and write their lines."""
        size = 0
        while self.calls.total() < requests and (first := self.spool.peek()) is not None:
            row, line = first
            size += len(line)
            if size > self.size and self.calls:
                return
            purpose, model, prompt, completion = _priced(row)
            cost = cost_of(self.budget.batch_price(purpose, model), prompt, completion)
            self.cap = self.budget.set_aside(prompt + completion, cost)
            if self.cap is not None:
                return
            self.spool.pop()
            self.file.write(line)
            self.calls[purpose] += 1
            yield row


def _priced(row: Row) -> tuple[str, str, int, int]:
    _, _, purpose, model, _, prompt, completion, *_ = row
    return purpose, model, prompt, completion
