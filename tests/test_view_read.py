"""The pages that read a run, asked over real HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from evolinstruct.analysis.runs import Run
from evolinstruct.report import write_report
from tests.browsing import Viewer, viewing
from tests.runs import copied, finished
from tests.written import SEEDS, failed, kept, rejected, score, seed, write_run

pytest.importorskip("starlette", reason="starlette")
pytest.importorskip("uvicorn", reason="uvicorn")

EVIL = "<script>hacked=1</script><img src=x onerror=hacked=2> \"'> &amp; \u202e"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = write_run(tmp_path_factory.mktemp("read") / "run")
    score(run, lambda line: 3.0 + line.generation)
    return run


@pytest.fixture(scope="module")
def viewer(run: Path) -> Iterator[Viewer]:
    with viewing(run) as viewer:
        viewer.enter()
        yield viewer


def shown(page: str) -> list[str]:
    """Return the texts of the lines on a page, without its marks."""
    found = re.findall(r'<a href="[^"]*" class="open" dir="auto">(.*?)</a>', page, re.DOTALL)
    return [re.sub("<[^>]+>", "", each) for each in found]


def count(page: str) -> str:
    return re.findall(r'class="count">([^<]*)<', page)[0]


@pytest.mark.slow
def test_the_start_leads_to_the_pages_of_the_run(viewer: Viewer) -> None:
    assert viewer.ask("/").headers["location"] == "/1"
    assert viewer.ask("/1").headers["location"] == "/1/live"
    for path in ("/2", "/0/read", "/2/read", "/1/nothing", "/1/read/family/0123456789abcdef"):
        assert viewer.ask(path).status == 404


@pytest.mark.slow
def test_the_figures_are_the_report_made_once_and_anew_where_the_run_has_changed(
    tmp_path: Path,
) -> None:
    run = write_run(tmp_path / "run")
    with viewing(run) as viewer:
        viewer.enter()
        first = viewer.ask("/1/figures")
        assert first.status == 200
        write_report([Run(run)], tmp_path / "report.html")
        assert first.text == (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "'self'" not in first.headers["content-security-policy"]
        assert viewer.ask("/1/figures").text == first.text
        score(run, lambda line: 3.0 + line.generation)
        assert "Did they get harder?" in viewer.ask("/1/figures").text
    assert "Did they get harder?" not in first.text


def test_all_lines_are_shown_until_something_is_asked_for(viewer: Viewer) -> None:
    page = viewer.ask("/1/read").text
    assert count(page) == "1 to 15 of 15 lines"
    assert shown(page)[:2] == ["Name three rivers.", SEEDS[1]]
    assert '<option value="deepen">deepen (4)</option>' in page
    assert '<option value="rejected">rejected, by any rule (3)</option>' in page
    assert '<option value="unchanged">– unchanged (1)</option>' in page


def test_what_is_asked_for_is_found_and_marked_and_what_was_added_too(viewer: Viewer) -> None:
    page = viewer.ask("/1/read?text=rivers&generation=1&sort=words&falling=1").text
    assert count(page) == "1 to 1 of 1 line"
    assert "<mark>rivers</mark>. <ins>Say more" in page
    assert 'value="rivers"' in page
    assert '<option value="1" selected="">1 (5)</option>' in page
    assert 'aria-sort="descending"' in page
    answer = viewer.ask("/1/read?text=danube&generation=1").text
    assert 'dir="auto">answer: Rhine, <mark>Danube</mark> and Elbe.' in answer


def test_measures_are_columns_filters_and_orders(viewer: Viewer) -> None:
    page = viewer.ask("/1/read?difficulty-from=4&difficulty-to=4&sort=difficulty").text
    assert count(page) == "1 to 3 of 3 lines"
    assert page.count('<td data-unit="difficulty" class="number">4</td>') == 3
    assert '<details class="ranges" open="">' in page


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("words-from=many", "words-from must be a number (given: &#x27;many&#x27;)."),
        ("page=1e99", "page must be a number (given: &#x27;1e99&#x27;)."),
        ("generation=nan", "generation must be a number (given: &#x27;nan&#x27;)."),
        ("sort=quality", "Nothing here was scored by &#x27;quality&#x27;"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(
    viewer: Viewer, asked: str, sentence: str
) -> None:
    answer = viewer.ask(f"/1/read?{asked}")
    assert (answer.status, sentence in answer.text) == (400, True)


def test_a_page_beyond_the_last_says_so_and_whatever_is_asked_answers(viewer: Viewer) -> None:
    for asked in ("page=9", "page=-3", "text=%22%22%22", "text=%00", "operation='--", "outcome=x"):
        assert viewer.ask(f"/1/read?{asked}").status == 200


def test_a_family_shows_what_each_generation_changed(viewer: Viewer) -> None:
    child = kept(seed(SEEDS[0]), 1, "deepen", "x")
    page = viewer.ask(f"/1/read/family/{child.id}?text=three").text
    assert re.findall(r'<li id="(\w+)"', page) == [
        line.id for line in (seed(SEEDS[0]), child, kept(child, 2, "deepen", "x"))
    ]
    assert "<span>Name <mark>three</mark> rivers. </span><ins>Say more" in page
    assert "Generation 1 · deepen · kept · 16 words (+13)" in page
    assert f'id="{child.id}" class="kept meant" aria-current="true"' in page
    bell = failed(seed(SEEDS[4]), 2, "deepen")
    assert (
        "http_500 after 6 attempts: the server is down"
        in viewer.ask(f"/1/read/family/{bell.id}").text
    )


def test_a_text_is_shown_as_text_wherever_it_stands(tmp_path: Path) -> None:
    evil = seed(EVIL)
    lines = [
        [evil],
        [rejected(evil, 1, "deepen", "unchanged", f"{EVIL} {EVIL}")],
        [kept(evil, 2, "deepen", f"{EVIL} more", output=EVIL)],
    ]
    with viewing(write_run(tmp_path / "<b>run", lines)) as viewer:
        viewer.enter()
        for path in ("live", "read", f"read/family/{evil.id}", "read?text=hacked&sort=words"):
            page = viewer.ask(f"/1/{path}").text
            assert "<script>hacked" not in page
            assert "<img" not in page
            assert "<b>" not in page
            assert "&lt;img src=x onerror=" in page
        asked = viewer.ask("/1/read?text=%22%3E%3Cb%3E&operation=%3Cb%3E").text
        assert "<b>" not in asked
        assert viewer.ask("/1/read?sort=%3Cb%3E").text.count("<b>") == 0


@pytest.mark.slow
def test_the_calls_of_a_line_are_shown_when_its_run_has_ended(tmp_path: Path) -> None:
    run = copied(tmp_path / "run", 3)
    line = json.loads((run / "generation-1.jsonl").read_text().splitlines()[0])
    with viewing(run) as viewer:
        viewer.enter()
        page = viewer.ask(f"/1/read/calls/{line['id']}").text
        assert re.findall("<h3>(.*?)</h3>", page) == ["1. evolve", "2. compare", "3. answer"]
        assert "temperature 1.0" in page

        state = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**state, "exit_code": None, "status": "running"}))
        answer = viewer.ask(f"/1/read/calls/{line['id']}")
        assert answer.status == 500
        assert "is being written, so its journal is left alone" in answer.text


@pytest.mark.slow
def test_a_large_run_is_read_once_and_the_page_says_how_far_that_is(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(150))
    run = write_run(tmp_path / "run", [[seed(f"{n} {words}") for n in range(40_000)], []])
    with viewing(run) as viewer:
        viewer.enter()
        first = viewer.ask("/1/read")
        assert "All lines are being read, once" in first.text
        answer = first
        while "refresh" in answer.headers:  # the page waits for some seconds each time
            answer = viewer.ask("/1/read?text=39999")
        assert count(answer.text) == "1 to 1 of 1 line"
        assert "refresh" not in viewer.ask("/1/read").headers


@pytest.mark.slow
def test_several_runs_have_a_way_to_each_other(run: Path) -> None:
    with viewing(run, finished(4)) as viewer:
        viewer.enter()
        page = viewer.ask("/2/read").text
        assert re.findall(r'<a href="(/\d)" dir="auto"([^>]*)>', page) == [
            ("/1", ""),
            ("/2", ' aria-current="page"'),
        ]
        assert count(page) != count(viewer.ask("/1/read").text)
