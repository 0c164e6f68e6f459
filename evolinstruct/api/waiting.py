"""Waiting for work that needs an event loop: from a script, from a notebook, inside a loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, suppress
from contextvars import copy_context
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from evolinstruct.errors import UsageError

if TYPE_CHECKING:
    from evolinstruct.console import Console

_Arguments = ParamSpec("_Arguments")
_Event = TypeVar("_Event")
_Result = TypeVar("_Result")


def waiting(
    work: Callable[_Arguments, Coroutine[Any, Any, _Result]],
) -> Callable[_Arguments, _Result]:
    """Return a function that does the same as a coroutine function, and returns when it is done.

    In a notebook, whose own event loop is running, the work is done in a thread; inside any other
    running loop the function raises a `UsageError` that names the form to await.
    """
    name = work.__name__.removesuffix("_async")

    @wraps(work)
    def wait(*args: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        if not _loop_is_running():
            return asyncio.run(work(*args, **named))
        if not is_notebook():
            raise UsageError(
                f"{name}() cannot wait inside a running event loop;"
                f" write `await {name}_async(...)` with the same arguments."
            )
        return _beside(work(*args, **named))

    wait.__name__ = wait.__qualname__ = name
    return wait


def _loop_is_running() -> bool:
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        return True
    return False


def is_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:  # as in scripts, which need not load the console for it
        return False
    from evolinstruct.console import notebook  # noqa: PLC0415 - slow

    return notebook.is_notebook()


def _beside(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do work in a loop of its own, in a thread; Ctrl-C ends it in good order."""
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def followed() -> _Result:
        begun.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work

    with ThreadPoolExecutor(1) as thread:
        # The context tells the notebook beneath which cell it shows what the thread says.
        ended = thread.submit(copy_context().run, asyncio.run, followed())
        try:
            return ended.result()
        except KeyboardInterrupt:
            loop, task = begun.result()
            with suppress(RuntimeError):  # it has ended since
                loop.call_soon_threadsafe(task.cancel if task else loop.stop)
            raise


async def follow(
    events: AsyncGenerator[_Event],
    on_event: Callable[[_Event], None] | None,
    show: Callable[[Console, AsyncGenerator[_Event]], Awaitable[None]],
) -> None:
    """Take events to their end: to a listener, else in a notebook beneath the cell.

    Args:
        events: what goes on.
        on_event: is called with each of them.
        show: shows them on a console.
    """
    async with aclosing(events):
        if on_event is None and is_notebook():
            from evolinstruct.console.notebook import NotebookConsole  # noqa: PLC0415 - slow

            await show(NotebookConsole(), events)
            return
        async for event in events:
            if on_event is not None:
                on_event(event)
