"""How a command ends: one sentence on stderr, and the exit code that belongs to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from evolinstruct.errors import EvolinstructError, Interrupted

if TYPE_CHECKING:
    from evolinstruct.console import Console

_HINT = "run it again with -vv to see where, and report it if it persists"


@contextmanager
def reported(*, quiet: bool = False, verbose: int = 0) -> Iterator[Console]:
    """Lend a console to a command; turn its error into a sentence and an exit code."""
    from evolinstruct.console import Console  # noqa: PLC0415 - slow

    console = Console(-1 if quiet else verbose)
    try:
        yield console
    except EvolinstructError as error:
        console.error(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        console.error(Interrupted("Interrupted before the run began; nothing was changed."))
        raise typer.Exit(Interrupted.exit_code) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(1) from None
    except OSError as error:
        console.error(_sentence(f"The system said no: {error}", error))
        raise typer.Exit(1) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback by default
        console.error(_sentence(f"Unexpected {type(error).__name__}: {error}; {_HINT}", error))
        raise typer.Exit(1) from None


def _sentence(text: str, cause: BaseException) -> EvolinstructError:
    error = EvolinstructError(text)
    error.__cause__ = cause
    return error
