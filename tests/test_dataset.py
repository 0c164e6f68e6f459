"""The data set: every answered line once, in an order that readers can take types from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evolinstruct.records import Kept, encode
from evolinstruct.run_dir import dataset
from evolinstruct.run_dir.directory import RunDir

SIZE = 40_000
SEEDS = [
    Kept(
        f"{n:016x}", f"{n:016x}", None, 0, None, None, f"Do {n}.", None, "x" * SIZE, None, None, "s"
    )
    for n in range(60)
]


def merged(out: Path, lines: list[Kept]) -> list[bytes]:
    """Return the lines of the data set that is made of these seeds."""
    out.mkdir()
    run_dir = RunDir(out)
    run_dir.file(0).write_bytes(b"".join(map(encode, lines)))
    dataset.write(run_dir, 0, 0, lambda: None)
    return run_dir.dataset.read_bytes().splitlines(keepends=True)


def test_a_field_that_is_null_in_the_first_megabytes_has_its_first_value_in_front(
    tmp_path: Path,
) -> None:
    shuffled = merged(tmp_path / "none", SEEDS)
    last = next(seed for seed in SEEDS if encode(seed) == shuffled[-1])
    with_input = replace(last, input="a rare input", model="m")
    lines = [with_input if seed is last else seed for seed in SEEDS]
    assert merged(tmp_path / "one", lines) == [encode(with_input), *shuffled[:-1]]


def test_a_value_that_comes_early_stays_in_its_place(tmp_path: Path) -> None:
    shuffled = merged(tmp_path / "none", SEEDS)
    early = next(seed for seed in SEEDS if encode(seed) == shuffled[5])
    with_input = replace(early, input="an input")
    lines = [with_input if seed is early else seed for seed in SEEDS]
    assert merged(tmp_path / "one", lines) == [*shuffled[:5], encode(with_input), *shuffled[6:]]
