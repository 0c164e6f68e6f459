"""Every error of the program, as one tree.

    EvolinstructError          ends the command; its text is one sentence for a person
    ├── UsageError             the command line alone is wrong                      exit 2
    ├── InputError             a file, the directory or a pack is wrong             exit 1
    └── StopRun                the run ends early; all that was written stays
        ├── ServiceRefused     wrong key, unknown model: asking on is useless       exit 1
        ├── BudgetReached      a limit of the user's is reached; resumable          exit 4
        ├── ServiceSilent      the service stopped answering; resumable             exit 5
        ├── TooLittleKept      almost nothing is kept; resumable                    exit 5
        └── Interrupted        Ctrl-C or SIGTERM; resumable                       exit 130

    CallError                  one call ended without a reply; never leaves the run
    ├── TryAgain               passing: the same call may succeed a little later
    ├── CallRejected           the service will not have this instruction: a rejection with a rule
    └── CallFailed             final: journalled, and a failed line

    RuleFailed                 a rule raised: the instruction is a failed line; never leaves the run

Each leaf answers one question: retry, skip or stop? Nothing is below this but the client seam.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolinstruct.llm.base import Limits


class EvolinstructError(Exception):
    """Ends the command. Its text names the thing, the place and the next step."""

    exit_code = 1


class UsageError(EvolinstructError):
    """The command line alone is wrong: an unknown name, a number out of range."""

    exit_code = 2


class InputError(EvolinstructError):
    """A seed file, a prompt pack, a recipe or the run directory is wrong."""


class StopRun(EvolinstructError):
    """The run ends before its last generation; everything written so far stays valid."""


class ServiceRefused(StopRun):
    """The service refuses every call alike (key, model, quota): going on cannot help."""


class BudgetReached(StopRun):
    """A cap on calls, tokens or money is reached."""

    exit_code = 4


class ServiceSilent(StopRun):
    """The service has stopped answering."""

    exit_code = 5


class TooLittleKept(StopRun):
    """The kept share of instructions is under the share that the user asked for."""

    exit_code = 5


class Interrupted(StopRun):
    """The user or the system asked the run to end."""

    exit_code = 130


UNREACHABLE = "unreachable"
"""The error of an attempt that never came as far as the service."""


class CallError(Exception):
    """One call ended without a usable reply.

    Attributes:
        error: a short machine-readable name, such as ``timeout`` or ``http_500``.
        message: what the service said, for a person.
    """

    def __init__(self, error: str, message: str) -> None:
        super().__init__(f"{error}: {message}")
        self.error = error
        self.message = message


class TryAgain(CallError):
    """A passing trouble: the same call may succeed a little later.

    Attributes:
        retry_after: seconds that the service asked to wait, or None.
        status: the HTTP status of its answer, or None where there was none.
        limits: the limits that it announced (:class:`evolinstruct.llm.base.Limits`), or None.
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
        self.status = status
        self.limits = limits


class CallRejected(CallError):
    """The service will not process this instruction; ``error`` is the name of the rule.

    Attributes:
        raw: the reply as far as it came, where there was one.
    """

    def __init__(self, error: str, message: str, raw: str | None = None) -> None:
        super().__init__(error, message)
        self.raw = raw


class CallFailed(CallError):
    """A final failure of one call.

    Attributes:
        attempts: how often the call was sent.
    """

    def __init__(self, error: str, message: str, attempts: int) -> None:
        super().__init__(error, message)
        self.attempts = attempts


class RuleFailed(Exception):
    """A rule raised instead of judging: the instruction is skipped.

    Attributes:
        rule: its name.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
