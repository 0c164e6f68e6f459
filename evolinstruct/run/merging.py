"""Merging: the files of shards are taken into the journal of their run.

It can be repeated, with the same files and with others: what is there stays, and what was spent on
a shard is counted once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evolinstruct.errors import InputError
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.journal.shard import Merging, Taken, read_whole
from evolinstruct.llm.usage import Account, take_spending
from evolinstruct.run.differences import check_state, method_of
from evolinstruct.run.shards import Shard, require_shard
from evolinstruct.run_dir.directory import RunDir

_DONE = "done"


@dataclass(frozen=True, slots=True)
class MergedShard:
    """What one shard brought to its run.

    Attributes:
        shard: which one.
        file: its file.
        status: how the work on it ended; ``running`` where it goes on, or was killed.
        taken: what it brought.
        spent: what was ever spent on it.
        parts: which part of the run's rates and caps it had, as flags.
    """

    shard: Shard
    file: Path
    status: str
    taken: Taken
    spent: Spending
    parts: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Whether all of its calls were made."""
        return self.status == _DONE

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, for a script."""
        return {"file": str(self.file), **self.of_run(), **asdict(self.taken)}

    def of_run(self) -> dict[str, Any]:
        """Return what run.json says of it."""
        return {
            "shard": str(self.shard),
            "status": self.status,
            "parts": list(self.parts),
            **self.spent.to_json(),
        }


def merge(run: Path, files: Sequence[Path]) -> Iterator[MergedShard]:
    """Take shards into the journal of their run, lower ones first; yield what each one brought.

    All files are looked at before the first one is taken in, each as a whole or not at all.

    Raises:
        InputError: the directory holds no run, or another command writes it; or a file is damaged,
            no shard's, or of another run or version.
    """
    run_dir = RunDir(run)
    if not run_dir.is_run:
        raise InputError(f"{run} holds no run; name the directory that the shards are of.")
    run_dir.open()
    try:
        state = run_dir.state()
        check_state(run_dir, state)
        shards = sorted(_looked_at(files, state))
        with Merging(run_dir.journal) as merging:
            for shard, _, path, said in shards:
                with merging.taking(path) as (taken, number, db):
                    accounts = take_spending(db, path)
                merged = _merged(shard, path, said, taken, accounts)
                _note(state, number, merged)
                run_dir.save_state(state)
                yield merged
    finally:
        run_dir.close()


def _looked_at(
    files: Sequence[Path], state: Mapping[str, Any]
) -> Iterator[tuple[Shard, int, Path, dict[str, Any]]]:
    """Yield what each file says of itself, and its place among them; refuse one that is wrong."""
    for place, path in enumerate(files):
        said = read_whole(path)
        require_shard(said, path, state["journal"], method_of(state))
        yield Shard.parse(said["shard"]), place, path, said


def _merged(
    shard: Shard, path: Path, said: Mapping[str, Any], taken: Taken, accounts: Iterable[Account]
) -> MergedShard:
    spent = Spending()
    for account in accounts:
        tokens = account.most_prompt + account.most_completion
        spent.add(tokens, account.most_due, account.calls)
    return MergedShard(shard, path, said["status"], taken, spent, tuple(said["parts"]))


def _note(state: dict[str, Any], number: int, merged: MergedShard) -> None:
    """Put what is known of a shard in place of what was known, by its journal's number."""
    others = [each for each in state.get("shards", ()) if each["number"] != number]
    state["shards"] = [*others, {"number": number, **merged.of_run()}]


def missing(run: Path) -> list[Shard]:
    """Return the shards that a run lacks, by the finest division of those that it has got.

    Raises:
        InputError: run.json cannot be read.
    """
    found = {Shard.parse(each["shard"]) for each in RunDir(run).state().get("shards", ())}
    of = max((shard.of for shard in found), default=0)
    return [
        shard
        for shard in (Shard(number, of) for number in range(1, of + 1))
        if not any(each.includes(shard) for each in found)
    ]
