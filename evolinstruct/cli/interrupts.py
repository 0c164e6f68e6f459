"""Interrupts: a signal ends a command at once before its work begins, in good order within it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine
from typing import Any

from evolinstruct.cli.reporting import Report

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_as_interrupted() -> None:
    """Let every signal that asks for an end act as Ctrl-C, from the first moment on."""
    for name in _SIGNALS:
        if signal.getsignal(name) is not signal.SIG_IGN:  # as under nohup
            signal.signal(name, signal.default_int_handler)


def interruptible(
    report: Report, interrupt: Callable[[], None], work: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """Carry work out; a signal that asks for an end ends it in good order."""
    import asyncio  # noqa: PLC0415 - slow
    import gc  # noqa: PLC0415

    # Few objects of a run form cycles: looking for them less often saves a tenth of the time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)

    async def followed() -> None:
        def interrupted() -> None:
            report.console.interrupted()
            interrupt()

        for name in _SIGNALS:
            if signal.getsignal(name) is not signal.SIG_IGN:  # as under nohup
                asyncio.get_running_loop().add_signal_handler(name, interrupted)
        await work()

    asyncio.run(followed())
