"""Retries: which calls are made once more for the lines that a user names.

Reads the failed and rejected lines of a run and says which call each one ended in. The journal
retires the outcomes of these calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from evolinstruct.elimination import RULES
from evolinstruct.errors import InputError, UsageError
from evolinstruct.llm.journal import Place
from evolinstruct.purposes import PURPOSES
from evolinstruct.records import Failed, Rejected
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.text import did_you_mean

FAILED = "failed"


def check_retry(what: str, run_dir: RunDir) -> None:
    """Refuse what cannot be retried.

    Raises:
        UsageError: the word names no kind of line.
        InputError: the directory holds no run.
    """
    known = (FAILED, *RULES)
    if what not in known:
        hint = did_you_mean(what, known)
        raise UsageError(f"--retry: no line is {what!r}{hint}; there are {', '.join(known)}.")
    if not run_dir.is_run:
        raise InputError(
            f"{run_dir.path} holds no run, so there is nothing to retry; leave --retry out."
        )


def places(what: str, run_dir: RunDir, generations: int) -> Iterator[Place]:
    """Yield the place of each outcome: failed calls, or those that a rule objected to.

    Raises:
        InputError: a line cannot be read.
    """
    kind = Failed if what == FAILED else Rejected
    for generation in range(generations + 1):
        if not run_dir.file(generation, kind).exists():
            continue
        for line in run_dir.read(generation, kind):
            if isinstance(line, Failed):
                yield Place(line.id, line.purpose, generation)
            elif line.rule == what:
                yield Place(line.id, purpose(line), generation)


def purpose(line: Rejected) -> str:
    """Return which call has to bring something else for a rejected line to become another.

    A rewrite that was judged badly is written again, a bad answer given again. Where a call itself
    was refused or cut off, it is that call: the line tells how far it had come.
    """
    rule = RULES.get(line.rule)
    for name, row in PURPOSES.items():
        if rule is not None and rule.stage in row.retried_for:
            return name
    if not line.instruction:
        return "evolve"
    # An answer that was cut off is in the line; a comparison is taken as far as it came.
    return "answer" if line.raw is None or line.rule == "truncated" else "compare"
