"""`work` and `merge` on the terminal: how far a shard is, and what shards brought."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evolinstruct.console.evolve import took
from evolinstruct.console.stage import Progress
from evolinstruct.text import command, counted, listed

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.run.cluster import AtWork
    from evolinstruct.run.merging import MergedShard
    from evolinstruct.run.shards import Shard
    from evolinstruct.run.stage_job import StageSummary
    from evolinstruct.run.work import Worked

_NAMED = 10
"""So many missing shards are named at most."""


def progress_of(event: Worked) -> Progress:
    """Return how far a shard is."""
    title = f"Shard {event.shard}"
    return Progress(
        title, event.done, event.families, event.failed, event.spent, event.sending, "call"
    )


def progress_of_all(event: AtWork) -> Progress:
    """Return how far the shards on a cluster are."""
    title = counted(event.shards, "shard")
    return Progress(
        title, event.done, event.families, event.failed, event.spent, event.sending, "call"
    )


def show_prepared(console: Console, run: Path) -> None:
    """Say what is next for a run that is prepared."""
    first = command("evolinstruct", "work", run, "--shard", "1/8", "-o", "shard-1.sqlite")
    console.say(
        f"Next: `{first}` and so on, `evolinstruct merge`, and this command without --prepare."
    )


def show_worked(console: Console, summary: StageSummary, run: Path) -> None:
    """Say what came of the work on a shard, and what is next."""
    console.say(f"{took(summary.seconds, summary.spent, 'the shard has')}.")
    if failed := summary.failed:
        why = [f"{count:,} {name}" for name, count in failed.most_common()]
        console.warn(f"{counted(failed.total(), 'call')} without a reply: {listed(why)}.")
    if summary.status == "done":
        then = command("evolinstruct", "merge", run, summary.file)
        console.say(f"Next: `{then}`, with the other shards.")


def show_merged(console: Console, merged: MergedShard) -> None:
    """Say what one shard brought."""
    taken, words = merged.taken, []
    words.append(f"{taken.new:,} of {counted(taken.outcomes, 'outcome')} new")
    if taken.replaced:
        words.append(f"{taken.replaced:,} in place of a failure")
    if taken.differing:
        words.append(f"{taken.differing:,} differ from what the run has, which stays")
    ended = "" if merged.is_done else "; it is not finished"
    console.say(f"Shard {merged.shard}, {merged.file}: {', '.join(words)}{ended}.")


def show_missing(console: Console, missing: Sequence[Shard], *, unfinished: bool) -> None:
    """Say which shards have not come, and what is next."""
    if missing:
        names = [*map(str, missing[:_NAMED])]
        more = [f"{len(missing) - _NAMED:,} more"] if len(missing) > _NAMED else []
        console.say(f"Missing: {counted(len(missing), 'shard')}, {listed([*names, *more])}.")
    asked = "what is missing" if missing or unfinished else "what the gate makes different"
    console.say(f"Next: the command that made the run, without --prepare; it asks {asked}.")
