"""A disk that takes no more, or nothing at all: one clear sentence, and no file made worse."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.harness import evolve, is_no_worse, run
from tests.runs import data_files, finished, tasks, write_seeds
from tests.runs import evolve as evolve_here


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(150))


LIMITS = [(20, 40), *(pytest.param(150, n, marks=pytest.mark.slow) for n in (8, 40, 100, 250, 600))]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "kilobytes"), LIMITS)
def test_a_file_that_may_not_grow_stops_the_run_which_goes_on_when_it_may(
    tmp_path: Path, number: int, kilobytes: int
) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(number))
    out = tmp_path / "run"
    whole = data_files(finished(number))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))

    code, said = run(evolve(seeds, out, "--client", "offline", "-q"), preexec_fn=limit)
    assert code == 1
    assert said.count("\n") == 1
    assert said.startswith("Error: ")
    assert "run the same command again" in said or "run the command again" in said
    assert all(whole[name].startswith(content) for name, content in data_files(out).items())
    evolve_here(seeds, out)
    assert data_files(out) == whole


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of half a megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    if (
        sys.platform != "linux"
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(
    tmp_path: Path, seeds: Path, small_disk: Path
) -> None:
    out = small_disk / "run"
    whole = data_files(finished(150))
    for _ in range(2):
        before = data_files(out) if out.exists() else {}
        code, said = run(evolve(seeds, out, "--client", "offline", "-q"))
        assert (code, said.count("\n")) == (1, 1), said
        assert is_no_worse(before, out, whole)
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    evolve_here(seeds, out)
    assert data_files(out) == whole


@pytest.mark.slow
def test_a_directory_that_became_read_only_is_named_and_left_as_it_is(
    tmp_path: Path, seeds: Path, small_disk: Path
) -> None:
    few = write_seeds(tmp_path / "few.jsonl", tasks(10))
    out = small_disk / "run"
    evolve_here(few, out, generations=1)
    before = data_files(out)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, said = run(evolve(few, out, "--client", "offline", "-g", "2", "-q"))
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    sentence = f"Error: {out} cannot be written; choose another directory with -o.\n"
    assert (code, said) == (1, sentence)
    assert data_files(out) == before


@pytest.mark.parametrize("mask", [0o002, 0o027, 0o077])
def test_files_of_a_run_have_the_permissions_of_the_umask(tmp_path: Path, mask: int) -> None:
    few = write_seeds(tmp_path / "few.jsonl", tasks(3))
    out = tmp_path / "run"
    before = os.umask(mask)
    try:
        evolve_here(few, out, generations=1)
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (out, *out.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o777 & ~mask}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o666 & ~mask}
