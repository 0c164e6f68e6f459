"""Notices: what a run says before it begins, in sentences.

What it leaves out, what it adds or changes, and where it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evolinstruct import environment
from evolinstruct.llm.journal import Journal
from evolinstruct.run.forecast import Forecast
from evolinstruct.run.plan import Plan
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.seeds.problems import remarks
from evolinstruct.settings import Recipe, ignored_variables, misspelt_variables
from evolinstruct.text import counted, listed

DONE, PREPARED = "done", "prepared"
"""What run.json says of a run that has ended well, and of one that waits for its workers."""
_OURS = ("EVOLINSTRUCT_", "OPENAI_")


def about_settings(plan: Plan) -> Iterator[str]:
    """Say what is not read, what is left out of the seeds, and what of the method is off."""
    recipe: Recipe = plan.settings.recipe
    if from_file := [name for name in environment.in_file() if name.startswith(_OURS)]:
        yield f"Read from {environment.DOTENV} in this folder: {listed(sorted(from_file))}."
    if misspelt := misspelt_variables():
        yield f"Not read, because no variable has this name: {listed(misspelt)}."
    if ignored := ignored_variables():
        yield (
            f"Not read from the environment: {listed(ignored)}, because a variable that nobody sees"
            " would decide the bytes of the run; give it as a flag or in a recipe."
        )
    if not recipe.compare:
        yield "Comparison is off: a rewrite that gained no information is kept."
    if not recipe.eliminate:
        but = " and holds no test item" if plan.against else ""
        yield f"Elimination is off: whatever can be an instruction{but} is kept."
    if plan.contaminated:
        hold = "holds" if plan.contaminated == 1 else "hold"
        yield (
            f"{counted(plan.contaminated, 'seed')} {hold} an item of the test sets. Seeds are kept"
            " as they are; `evolinstruct contamination` shows which to take out."
        )
    counts = plan.counts
    left_out = [
        f"{counted(number, noun)}{example}"
        for number, noun, example in (
            (counts.duplicates, "exact duplicate", ""),
            (counts.skipped, "bad row", f" (such as {', '.join(counts.problems[:1])})"),
        )
        if number
    ]
    if left_out:
        yield f"Left out of the seeds: {' and '.join(left_out)}."
    yield from remarks(counts.remarks)
    yield from counts.notes


def what_batches_take(rounds: int) -> str:
    """Say how often the run waits for a service, and how long."""
    return (
        f"In batches this run takes about {rounds} rounds, one after the other, and a few small"
        " ones for what is asked once more. Most take minutes to an hour; a service may take 24"
        f" hours for each, {24 * rounds:,} in all."
    )


def what_was_lost(plan: Plan, run_dir: RunDir, journal: Journal) -> Iterator[str]:
    """Say that the journal's newest part is gone, if it is."""
    pages = journal.lost_pages
    if _lacks_replies(plan, run_dir, journal):
        yield (
            f"The journal {run_dir.journal} lacks replies that the run's files were made of: it is"
            " an older copy, or its journal.sqlite-wal was left behind. What it lacks is asked and"
            " paid for again; put the right one in its place first if you have it."
        )
    elif pages:
        yield (
            f"The newest part of {run_dir.journal} ({counted(pages, 'page')}) cannot be read, as"
            " after a power cut or a fault of the disk: what it held is asked for again."
        )


def _lacks_replies(plan: Plan, run_dir: RunDir, journal: Journal) -> bool:
    """Tell whether there are more evolved lines than outcomes: each took one at least."""
    finished = plan.state.get("generations", ())
    lines: int = sum(file["lines"] for record in finished[1:] for file in record["files"].values())
    return lines + run_dir.count_lines(max(1, len(finished))) > journal.outcomes()


def what_was_found(plan: Plan, run_dir: RunDir, journal: Journal, *, finished: bool) -> str:
    """Say where an earlier command left the run, and what that spares this one."""
    if finished:
        return (
            f"The run in {run_dir.path} is finished: nothing is asked, and its files stay as they"
            " are."
        )
    replies = counted(journal.replies(), "reply", "replies")
    return (
        f"Going on with the run in {run_dir.path}: {_how_far(plan.state, plan, run_dir)},"
        f" {replies} in the journal, none will be paid for again."
    )


def what_is_prepared(plan: Plan, run_dir: RunDir) -> str:
    """Say that workers may begin."""
    return f"{run_dir.path} is prepared: {counted(plan.size, 'seed')}, and no call was made."


def what_is_added(plan: Plan, run_dir: RunDir, known: Forecast) -> str:
    """Say what the run gets more of, how much of it is known, and what it takes at most."""
    return (
        f"Adding to the run in {run_dir.path}: {' and '.join(plan.additions)};"
        f" {_what_applies(known)}."
    )


def what_is_updated(plan: Plan, run_dir: RunDir, known: Forecast) -> str:
    """Say which other run is made, how much of the old one applies, and what it takes at most."""
    return (
        f"Updating the run in {run_dir.path} ({'; '.join(plan.differences)}):"
        f" {_what_applies(known)}."
    )


def _what_applies(known: Forecast) -> str:
    return (
        f"at least {known.applicable:,} replies apply, at most {known.new_at_most:,} calls are new"
    )


def what_is_retried(word: str, number: int) -> str:
    """Say how many outcomes are asked for once more."""
    if not number:
        return f"Nothing to retry: no line is {word}."
    return (
        f"Retrying what is {word}: {counted(number, 'call')} of this run will be made once more,"
        " and what follows from them in later generations."
    )


def _how_far(state: Mapping[str, Any], plan: Plan, run_dir: RunDir) -> str:
    number = len(state.get("generations", ()))
    if number > plan.settings.recipe.generations:
        return "every generation finished"
    share = min(1.0, run_dir.count_lines(number) / plan.size)
    # Rounded down: what is not done is never called done.
    return f"generation {number}, {int(share * 100)}% done"
