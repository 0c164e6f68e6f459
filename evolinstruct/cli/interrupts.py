"""Interrupts: a signal ends the work of a command in good order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine
from typing import Any

from evolinstruct.cli.reporting import SIGNALS, Report, end_as_interrupted


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

        for name in SIGNALS:
            if signal.getsignal(name) is not signal.SIG_IGN:  # as under nohup
                asyncio.get_running_loop().add_signal_handler(name, interrupted)
        await work()

    try:
        asyncio.run(followed())
    finally:
        end_as_interrupted()  # the loop has taken its handlers away, and the command may go on
