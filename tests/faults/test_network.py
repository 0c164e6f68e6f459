"""A network that is lost costs no instruction: the same command ends in an unbroken run's files."""

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.harness import evolve, outcomes, run, service, start, wait_for
from tests.loopback import serve
from tests.runs import data_files, tasks, write_seeds

pytestmark = pytest.mark.slow


def command(seeds: Path, out: Path, url: str, concurrency: int) -> tuple[str, ...]:
    """Return the command; many calls at once, or so few that none could bring news."""
    options = ("--model", "loopback-1", "--base-url", url, "--concurrency", str(concurrency))
    return evolve(seeds, out, "--client", "openai", "-g", "2", *options)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(40))


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_run_whose_network_is_lost_for_good_fails_nothing_and_goes_on_when_it_is_back(
    tmp_path: Path, seeds: Path, concurrency: int
) -> None:
    with serve(service) as server:
        assert run(command(seeds, tmp_path / "whole", server.url, concurrency))[0] == 0
    out = tmp_path / "run"
    with serve(service) as server:
        url, port = server.url, urlsplit(server.url).port or 0
        process = start(command(seeds, out, url, concurrency))
        wait_for(lambda: outcomes(out) >= 60, process)
    said = process.communicate(timeout=400)[1].decode()
    assert process.returncode == 5
    assert "stopped answering: no call has succeeded for " in said
    assert failed(out) == []
    with serve(service, port=port):
        assert run(command(seeds, out, url, concurrency))[0] == 0
    assert data_files(out) == data_files(tmp_path / "whole")


def test_a_network_that_is_back_before_long_is_waited_for(tmp_path: Path, seeds: Path) -> None:
    with serve(service) as server:
        assert run(command(seeds, tmp_path / "whole", server.url, 4))[0] == 0
    out = tmp_path / "run"
    with serve(service) as server:
        port = urlsplit(server.url).port or 0
        process = start(command(seeds, out, server.url, 4))
        wait_for(lambda: outcomes(out) >= 60, process)
    time.sleep(20)
    with serve(service, port=port):
        process.communicate(timeout=400)
    assert process.returncode == 0
    assert data_files(out) == data_files(tmp_path / "whole")


def failed(out: Path) -> list[str]:
    """Return the failed lines of a run."""
    return [line for path in out.glob("*.failed.jsonl") for line in path.read_text().splitlines()]
