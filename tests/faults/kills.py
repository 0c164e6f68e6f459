"""Runs over HTTP that are killed at random moments, again and again, and go on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from tests.faults.harness import (
    CONCURRENCY,
    evolve,
    kill,
    openai,
    outcomes,
    run,
    service,
    start,
    torn_or_doubled,
    wait_for,
)
from tests.loopback import serve
from tests.runs import check_invariants, data_files, tasks, write_seeds

GENERATIONS = 3
SEEDS = 40


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a run that was killed so often.

    Attributes:
        kills: how often it was killed while it was under way.
        asked: calls that the service saw.
        needed: calls that an unbroken run makes.
        wrong: what is not as promised, in words.
    """

    kills: int
    asked: int
    needed: int
    wrong: tuple[str, ...]

    @property
    def repeated(self) -> int:
        """Calls that were made more than once."""
        return self.asked - self.needed


def unbroken(folder: Path) -> tuple[Path, int]:
    """Carry a run out that nobody kills; return its directory and how many calls it takes."""
    seeds = write_seeds(folder / "seeds.jsonl", tasks(SEEDS))
    with serve(service) as server:
        code, said = run(evolve(seeds, folder / "whole", *openai(server.url, GENERATIONS)))
        assert (code, said) == (0, ""), said
        return folder / "whole", server.counts.asked.total()


def killed(folder: Path, name: str, whole: Path, needed: int, dice: random.Random) -> Found:
    """Kill a run at random moments until it is through; each time it gets a little further."""
    out, kills = folder / name, 0
    with serve(service) as server:
        command = evolve(folder / "seeds.jsonl", out, *openai(server.url, GENERATIONS))
        while True:
            moment = outcomes(out) + dice.randrange(1, needed // 4)
            process = start(command)
            wait_for(lambda moment=moment: outcomes(out) >= moment, process)  # type: ignore[misc]
            if process.poll() is not None:
                said = process.communicate()[1].decode()
                break
            kill(process)
            kills += 1
        asked = server.counts.asked.total()
    wrong = [f"ended with {process.returncode}: {said}"] if process.returncode else []
    if data_files(out) != data_files(whole):
        wrong.append("the files differ from those of an unbroken run")
    wrong += [f"{file} has a torn or doubled line" for file in torn_or_doubled(out)]
    if asked - needed > kills * CONCURRENCY:
        wrong.append(f"{asked - needed} calls repeated after {kills} kills")
    check_invariants(out, GENERATIONS)
    return Found(kills, asked, needed, tuple(wrong))
