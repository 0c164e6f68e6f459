"""A byte of the journal that is not as it was written is never used, and its loss never hidden."""

import os
import random
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from evolinstruct.api import prepare
from evolinstruct.errors import InputError
from evolinstruct.llm.base import Reply, Request
from evolinstruct.llm.usage import Account
from evolinstruct.run.events import Notice
from tests.faults.harness import COMMAND, is_no_worse, start
from tests.faults.test_retries import Flaky
from tests.runs import carry_out, data_files, evolve, tasks, write_seeds

CLIENT = "tests.faults.test_flips:Mortal"
JOURNAL, LOG = "journal.sqlite", "journal.sqlite-wal"
PAGE = 4096
LETHAL = "EVOLINSTRUCT_TESTS_LAST_CALL"


class Mortal(Flaky):
    """Ends the process at a call, as a kill does, where the environment says which."""

    async def complete(self, request: Request) -> Reply:
        if str(len(self.asked)) == os.environ.get(LETHAL):
            os._exit(9)
        return await super().complete(request)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: refused in a sentence, or with calls made anew and things said."""

    refusal: str | None
    calls: dict[str, int]
    said: str
    usage: Sequence[Account] = ()


def go_on(out: Path) -> Ended:
    job = prepare(out.parent / "seeds.jsonl", out, client=CLIENT, generations=2)
    try:
        events = carry_out(job)
    except InputError as error:
        return Ended(str(error), {}, "")
    said = "\n".join(event.text for event in events if isinstance(event, Notice))
    return Ended(None, dict(job.summary.calls), said, job.summary.usage)


@pytest.fixture(scope="module")
def retried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with retired outcomes, `whole`; in `cut` everything has to be replayed."""
    folder = tmp_path_factory.mktemp("retried")
    seeds = write_seeds(folder / "seeds.jsonl", tasks(40))
    evolve(seeds, folder / "whole", client=CLIENT, generations=2)
    carry_out(prepare(seeds, folder / "whole", client=CLIENT, generations=2), retry="failed")
    shutil.copytree(folder / "whole", folder / "cut")
    for path in (folder / "cut").glob("generation-[12]*.jsonl"):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 3])
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed, `cut`: most of its journal is in the write-ahead log."""
    folder = tmp_path_factory.mktemp("killed")
    seeds = write_seeds(folder / "seeds.jsonl", tasks(40))
    evolve(seeds, folder / "whole", client=CLIENT, generations=2)
    words = ("evolve", str(seeds), "-o", str(folder / "cut"), "-q", "-g2", "--client", CLIENT)
    process = start(("env", f"{LETHAL}=215", *COMMAND, *words))
    process.communicate()
    assert process.returncode == 9
    db = sqlite3.connect(f"file:{folder / 'cut' / JOURNAL}?mode=ro", uri=True)
    # Those of a generation that is not finished: they are looked for again.
    (late,) = db.execute("SELECT COUNT(*) FROM calls WHERE generation = 2").fetchone()
    db.close()
    assert late > 40
    (folder / "cut" / "journal.sqlite-shm").unlink()
    return folder


def copied(folder: Path) -> Path:
    out = folder / "copy"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(folder / "cut", out)
    return out


def flip(path: Path, dice: random.Random, spared: int = 0) -> None:
    """Change a byte: every third time in the first page, never in the last `spared` ones."""
    content = bytearray(path.read_bytes())
    size = len(content) - spared
    at = dice.randrange(dice.choice([min(size, PAGE), size, size]))
    content[at] ^= dice.randrange(1, 256)
    path.write_bytes(content)


@pytest.mark.parametrize("number", [6, pytest.param(600, marks=pytest.mark.slow)])
def test_a_flipped_byte_of_the_journal_is_refused_or_changes_no_byte_and_no_call(
    retried: Path, number: int
) -> None:
    whole = data_files(retried / "whole")
    usage = go_on(copied(retried)).usage
    assert usage
    refused = 0
    for seed in range(number):
        out = copied(retried)
        before = data_files(out)
        flip(out / JOURNAL, random.Random(seed))
        ended = go_on(out)
        if ended.refusal is None:
            assert (data_files(out), ended.calls, ended.usage) == (whole, {}, usage), seed
            continue
        refused += 1
        assert ended.refusal.startswith(f"The journal {out / JOURNAL} is "), seed
        assert ended.refusal.isprintable(), seed
        assert is_no_worse(before, out, whole), seed
    assert number / 8 < refused < number


@pytest.mark.parametrize("number", [3, pytest.param(80, marks=pytest.mark.slow)])
def test_a_journal_cut_off_anywhere_is_refused(retried: Path, number: int) -> None:
    for seed in range(number):
        out = copied(retried)
        before = data_files(out)
        path = out / JOURNAL
        os.truncate(path, random.Random(seed).randrange(path.stat().st_size))
        ended = go_on(out)
        assert ended.refusal is not None, seed
        assert ended.refusal.startswith(f"The journal {path} is "), seed
        assert is_no_worse(before, out, data_files(retried / "whole")), seed


@pytest.mark.slow
@pytest.mark.parametrize("number", [200])
def test_replies_lost_from_the_log_of_a_killed_run_are_told_and_change_no_byte(
    killed: Path, number: int
) -> None:
    """A power cut leaves the like, so that the run goes on."""
    whole = data_files(killed / "whole")
    expected = go_on(copied(killed))
    assert "cannot be read" not in expected.said
    told = 0
    for seed in range(number):
        out = copied(killed)
        flip(out / LOG, random.Random(seed), spared=PAGE)  # its last commit may be torn by a kill
        ended = go_on(out)
        assert data_files(out) == whole, seed
        if ended.calls != expected.calls:
            told += 1
            newest = f"The newest part of {out / JOURNAL} ("
            assert newest in ended.said or f"{out / JOURNAL} lacks replies" in ended.said, seed
    assert told > number / 4


@pytest.mark.slow
@pytest.mark.parametrize("number", [60])
def test_a_log_cut_off_anywhere_costs_calls_and_no_byte(killed: Path, number: int) -> None:
    expected = go_on(copied(killed))
    for seed in range(number):
        out = copied(killed)
        os.truncate(out / LOG, random.Random(seed).randrange((out / LOG).stat().st_size))
        ended = go_on(out)
        assert ended.refusal is None, seed
        assert sum(ended.calls.values()) >= sum(expected.calls.values()), seed
        assert data_files(out) == data_files(killed / "whole"), seed
