"""Clients of a user's own with a mistake each, named in tests as ``tests.own_clients:NAME``."""

from __future__ import annotations

import sys
from typing import Any

from evolinstruct.errors import CallFailed
from evolinstruct.llm.base import ClientOptions, Reply, Request, Usage
from evolinstruct.llm.offline import OfflineClient


def returning(reply: object) -> type[OfflineClient]:
    class Returning(OfflineClient):
        async def complete(self, request: Request) -> Any:
            return reply

    return Returning


def raising(error: BaseException) -> type[OfflineClient]:
    class Raising(OfflineClient):
        async def complete(self, request: Request) -> Reply:
            raise error

    return Raising


class Closing(OfflineClient):
    async def aclose(self) -> None:
        raise ValueError("closed twice")


class Noticing(OfflineClient):
    def take_notices(self) -> list[str]:
        raise ValueError("no notice")


class Numbered(OfflineClient):
    NOTICE: Any = 5


class Exiting(OfflineClient):
    def __init__(self, options: ClientOptions) -> None:
        sys.exit(7)


NoText = returning(Reply(None, "stop", Usage(), "m"))  # type: ignore[arg-type]
NoUsage = returning(Reply("x", "stop", None, "m"))  # type: ignore[arg-type]
WordyUsage = returning(Reply("x", "stop", Usage("many"), "m"))  # type: ignore[arg-type]
HugeUsage = returning(Reply("x", "stop", Usage(10**30), "m"))
Ended = raising(SystemExit(0))
Nameless = raising(CallFailed(1, None, 1))  # type: ignore[arg-type]
