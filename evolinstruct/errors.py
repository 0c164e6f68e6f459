"""Errors: every error that the program raises, as one tree.

    EvolinstructError          ends the command; its text is one sentence for a person
    ├── UsageError             the command line alone is wrong                      exit 2
    ├── InputError             a file, the directory or a pack is wrong             exit 1
    └── StopRun                the run ends early; everything written stays
        ├── ServiceRefused     wrong key, unknown model: no call can succeed        exit 1
        ├── ClientBroken       a client of one's own has a bug                      exit 1
        ├── BudgetReached      a cap of the user is reached; resumable              exit 4
        ├── ServiceSilent      the service stopped answering; resumable             exit 5
        ├── TooLittleKept      almost nothing is kept; resumable                    exit 5
        ├── WaitingForBatch    calls wait in batches at the service; resumable      exit 6
        ├── FilesGone          a file of the run was removed under it               exit 1
        └── Interrupted        Ctrl-C or SIGTERM; resumable                       exit 130

    CallError                  one call ended without a reply; never leaves the run
    ├── TryAgain               passing: the same call may succeed a little later
    ├── CallRejected           the service refuses this instruction: a rejected line with a rule
    └── CallFailed             final: stored in the journal, and a failed line

    RuleFailed                 a rule raised: a failed line; never leaves the run

Each leaf answers one question: retry, skip or stop?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolinstruct.llm.base import Limits


class EvolinstructError(Exception):
    """Ends the command; its text is a sentence that names the thing, place and next step."""

    exit_code = 1


class UsageError(EvolinstructError):
    """Raised for a wrong command line, such as an unknown name; nothing is read or written."""

    exit_code = 2


class InputError(EvolinstructError):
    """Raised for a wrong file, prompt pack or directory; the user corrects it and runs again."""


class StopRun(EvolinstructError):
    """Ends the run early; everything written stays valid, and the same command goes on."""


class ServiceRefused(StopRun):
    """Raised when the service refuses every call (key, model, quota); the run stops at once."""


class ClientBroken(StopRun):
    """Raised when a client raises or returns what no client may; it is mended, and the run goes on.

    Unlike a refusal it does not tell whether the service bills the call.
    """


class BudgetReached(StopRun):
    """Raised when a cap on calls, tokens or money is reached; a higher cap lets the run go on."""

    exit_code = 4


class ServiceSilent(StopRun):
    """Raised when the service has stopped answering; the run stops and can be resumed later."""

    exit_code = 5


class TooLittleKept(StopRun):
    """Raised when a smaller share of instructions is kept than ``--min-kept`` asks for."""

    exit_code = 5


class WaitingForBatch(StopRun):
    """Raised with ``--submit`` when all is sent; the same command goes on with what has come."""

    exit_code = 6


class FilesGone(StopRun):
    """Raised when the run directory or the journal in it was removed or replaced under a run."""


class Interrupted(StopRun):
    """Raised by Ctrl-C or SIGTERM; calls under way get a few seconds to end, then the run stops."""

    exit_code = 130


UNREACHABLE = "unreachable"
"""The error of an attempt that never reached the service."""
DAILY_LIMIT = "daily_limit"
"""The error of an attempt that came after all that an account may use in a day."""
TIER_FULL = "tier_full"
"""The error of an attempt for which the service tier that was asked for has no room just now."""
TIMEOUT = "timeout"
"""The error of an attempt that got no answer in time."""
CONNECTION_ERROR = "connection_error"
"""The error of an attempt whose connection was closed before an answer came."""


class CallError(Exception):
    """Ends one call without a usable reply; the leaf says what follows.

    Attributes:
        error: a short name for scripts, such as ``timeout`` or ``http_500``.
        message: what the service said, for a person.
        took: the seconds from its sending to this end, None where that is not known.
    """

    def __init__(self, error: str, message: str) -> None:
        super().__init__(f"{error}: {message}")
        self.error = error
        self.message = message
        self.took: float | None = None


class TryAgain(CallError):
    """Raised for a temporary problem; the same call is sent again a little later.

    Attributes:
        retry_after: the seconds to wait that the service asked for, or None.
        not_waited: the seconds that it asked for in vain, because the user allows no such wait;
            infinite for a day's limit without a time; None where a wait asked for is kept.
        status: the HTTP status of the answer, or None if there was no answer.
        limits: the limits that the service announced, or None.
    """

    def __init__(
        self,
        error: str,
        message: str,
        retry_after: float | None = None,
        *,
        status: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(error, message)
        self.retry_after = retry_after
        self.not_waited: float | None = None
        self.status = status
        self.limits = limits


class CallRejected(CallError):
    """Raised when the service refuses this instruction; it is rejected, with ``error`` as the rule.

    Attributes:
        raw: the reply as far as it came, or None.
    """

    def __init__(self, error: str, message: str, raw: str | None = None) -> None:
        super().__init__(error, message)
        self.raw = raw


class CallFailed(CallError):
    """Raised when a call has failed for good; the instruction becomes a failed line.

    Attributes:
        attempts: how often the call was sent.
        advice: what to do if every call ends so; may be empty.
        purpose: what the call was made for, where that is known by now.
    """

    def __init__(self, error: str, message: str, attempts: int, advice: str = "") -> None:
        super().__init__(error, message)
        self.attempts = attempts
        self.advice = advice
        self.purpose = ""


class RuleFailed(Exception):
    """Raised when a rule raises instead of judging; the instruction becomes a failed line.

    Attributes:
        rule: the name of the rule.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def told(error: BaseException) -> EvolinstructError:
    """Return what a user is told of an error that ends a command."""
    match error:
        case EvolinstructError():
            return error
        case KeyboardInterrupt():
            return Interrupted("Interrupted; run the same command again.")
        case OSError(filename=name, strerror=said) if said:
            place = f"{name}: " if name else ""
            return EvolinstructError(f"{place}{said}; put that right and run the command again.")
        case _:
            return EvolinstructError(
                f"Unexpected {type(error).__name__}: {error};"
                " -vv shows where, which belongs in a report of this."
            )
