"""A reply that is cut off is asked for once more with twice the tokens, and never kept as whole."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from evolinstruct.llm.base import ClientOptions, Reply, Request
from evolinstruct.records import Kept, Rejected
from evolinstruct.run_dir.directory import RunDir
from tests.runs import data_files, evolve, tasks, write_seeds
from tests.scripted import Scripted, obedient, reply


class Cutting(Scripted):
    """Cuts every answer off below 900 tokens, and those about thing 2 always."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Reply | Exception:
        said = obedient(request)
        is_long = "number 2" in request.context.instruction
        if request.purpose == "answer" and (is_long or (request.max_tokens or 0) < 900):
            return reply("The answer beg", "length")
        return said


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(4))


def test_a_reply_that_fits_twice_the_tokens_is_kept_and_one_that_does_not_is_rejected(
    tmp_path: Path, seeds: Path
) -> None:
    out = tmp_path / "run"
    client = "tests.test_truncation:Cutting"
    summary = evolve(seeds, out, client=client, generations=1, max_tokens=500)
    kept = list(RunDir(out).read(1, Kept))
    assert len(kept) == 3
    assert not any((line.output or "").endswith("beg") for line in kept)
    [lost] = RunDir(out).read(1, Rejected)
    assert (lost.rule, lost.evidence) == (
        "truncated",
        "the answer reply does not end within 1,000 tokens",
    )
    assert Counter(summary.calls) == {"evolve": 4, "compare": 4, "answer": 8}
    with closing(sqlite3.connect(out / "journal.sqlite")) as db, db:
        found = db.execute("SELECT max_tokens, word, attempt FROM calls WHERE purpose = 'answer'")
        limits = Counter(found.fetchall())
    db.close()
    assert limits == {(500, "length", 0): 4, (1000, "length", 0): 1, (1000, "stop", 0): 3}


@pytest.mark.slow
def test_the_journal_answers_both_tries_and_pays_for_more_tokens_only_where_it_must(
    tmp_path: Path, seeds: Path
) -> None:
    out = tmp_path / "run"
    asked = {"client": "tests.test_truncation:Cutting", "max_tokens": 500}
    evolve(seeds, out, **asked, generations=1)
    before = data_files(out)["generation-1.jsonl"]
    summary = evolve(seeds, out, **asked, generations=2)
    assert data_files(out)["generation-1.jsonl"] == before
    asked["max_tokens"] = 700
    summary = evolve(seeds, out, **asked, generations=1, update=True)
    assert summary.calls == {"answer": 1}  # 1,400 tokens for the one that did not fit in 1,000
    assert data_files(out)["generation-1.jsonl"] == before
