"""The page of a run that is going on, asked over real HTTP while its files change."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from evolinstruct.llm.throttle import Sending
from evolinstruct.records import encode
from evolinstruct.run.counts import Counts
from evolinstruct.run.events import Notice, SoFar
from evolinstruct.run.live import Live
from evolinstruct.run.progress import Progress
from tests.browsing import Viewer, viewing
from tests.written import SEEDS, kept, seed, write_run

pytest.importorskip("starlette", reason="starlette")
pytest.importorskip("uvicorn", reason="uvicorn")


def going_on(run: Path, at: float, kept: int) -> None:
    """Write what a run says that is going on."""
    counts = Counts(2, 5, kept, Counter({"unchanged": 1, "<b>": 2}))
    so_far = SoFar(Counter({"evolve": 30, "answer": 12}), 100, kept, 5_000, Decimal("0.25"))
    progress = Progress(counts, 2, so_far, Sending(7, 16, 3, 0.0), 4.0, 65.0)
    live = Live(at, progress, (Notice("Evolving <i>."), Notice("A page is lost.", is_loss=True)))
    (run / "live.json.partial").write_text(json.dumps(live.to_json()))
    (run / "live.json.partial").replace(run / "live.json")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", exit_code=None, status="running")


@pytest.fixture
def viewer(run: Path) -> Iterator[Viewer]:
    with viewing(run) as viewer:
        viewer.enter()
        yield viewer


def figures(page: str) -> dict[str, str]:
    return dict(re.findall(r'<dt>(.*?)</dt><dd class="figure">(.*?)</dd>', page))


@pytest.mark.slow
def test_a_run_that_is_going_on_shows_its_figures(run: Path, viewer: Viewer) -> None:
    going_on(run, time.time(), kept=1)
    page = viewer.ask("/1/live").text
    assert "Going on with generation 2 of 2." in page
    assert figures(page) == {
        "Calls": "42", "Under way": "7", "Time": "1:05", "Kept": "1", "Tokens": "5.0k",
        "Spent": "$0.25",
    }  # fmt: skip
    assert "of about 100: 30 rewritten, 12 answered" in page
    assert "4.0 replies a second; about 0:14 left" in page
    assert '<li class="notice" dir="auto">A page is lost.</li>' in page
    assert "Evolving &lt;i&gt;." in page
    assert "&lt;b&gt;" in page


@pytest.mark.slow
def test_parts_are_sent_as_they_change(run: Path, viewer: Viewer) -> None:
    with viewer.events("/1/live/events") as events:
        assert next(events).keys() == {"now", "kept", "newest"}
        going_on(run, 1.0, kept=1)
        assert "Going on with generation 2" in next(events)["now"]
        going_on(run, 2.0, kept=2)
        changed = next(events)
        assert changed.keys() == {"now", "kept"}
        assert ">2</td>" in changed["kept"]
        line = kept(seed(SEEDS[3]), 2, "deepen", "Describe a <b>zebra</b>.")
        with (run / "generation-2.jsonl").open("ab") as file:
            file.write(encode(line))
        newest = next(each["newest"] for each in events if "newest" in each)
        assert newest.index("Describe a &lt;b&gt;zebra&lt;/b&gt;.") < newest.index("Name three")


@pytest.mark.slow
def test_one_that_is_killed_and_started_again_is_told(run: Path, viewer: Viewer) -> None:
    with viewer.events("/1/live/events") as events:
        going_on(run, 1.0, kept=1)  # and nothing after it
        assert any(
            "Nothing heard for 5 seconds, so it was killed" in e.get("now", "") for e in events
        )
        going_on(run, 9.0, kept=1)
        assert any("Going on with generation 2" in each.get("now", "") for each in events)
        state = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**state, "status": "done", "exit_code": 0}))
        (run / "live.json").unlink()
        ended = next(each["now"] for each in events if "Done." in each.get("now", ""))
        assert figures(ended) == {
            "Calls": "6", "Time": "1:05", "Kept": "5", "Tokens": "900", "Spent": "$1.00"
        }  # fmt: skip


@pytest.mark.slow
def test_a_state_that_cannot_be_read_is_told_and_the_page_goes_on(
    run: Path, viewer: Viewer
) -> None:
    state = (run / "run.json").read_text()
    with viewer.events("/1/live/events") as events:
        next(events)
        (run / "run.json").write_text("{")
        assert "run.json cannot be read" in next(events)["now"]
        (run / "run.json").write_text(state)
        assert "It begins" in next(events)["now"]


@pytest.mark.slow
def test_no_file_of_a_run_is_written_or_locked_by_the_page(run: Path, viewer: Viewer) -> None:
    going_on(run, 1.0, kept=1)
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    with viewer.events("/1/live/events") as events:
        next(events)
    viewer.ask("/1/live")
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before
