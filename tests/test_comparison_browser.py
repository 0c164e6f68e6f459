"""The page Blind comparison in a real browser: headless Chromium; skipped without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.judging import blind_pairs, person_verdicts
from tests import browsers
from tests.browsers import find, show, texts, wait
from tests.browsing import viewing
from tests.test_review_browser import press, wait_for
from tests.test_view_comparison import NAMES, write_contest

pytestmark = pytest.mark.slow
pytest.importorskip("starlette", reason="starlette")
pytest.importorskip("uvicorn", reason="uvicorn")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browsers.opened(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.mark.parametrize("width", [390, 1200])
def test_twenty_pairs_are_compared_by_keys_alone(browser: Any, tmp_path: Path, width: int) -> None:
    contest = write_contest(tmp_path / "judged", 20)
    with viewing(contest) as viewer:
        browser.get(f"{viewer.origin}/?token={viewer.token}")
        show(browser, f"{viewer.origin}/1/comparison?name=ann", width=width)
        wait(browser, "document.getElementById('desk').dataset.ready !== undefined")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        for number, key in enumerate("1201" * 5):
            said = " ".join(texts(browser, "main"))
            assert not any(name in said for name in NAMES)
            assert find(browser, "#thing b") == []
            press(browser, key)
            wait_for(browser, f"{number + 1} of 20 decided")
            assert len([*person_verdicts(contest, "ann")]) == number + 1
        assert "all done" in texts(browser, "#how-far")[0]
        press(browser, "k", "2")  # the last word counts
        wait(browser, "document.querySelector('.verdict')")
        assert browser.get_log("browser") == []
    found = [each.verdict for each in person_verdicts(contest, "ann")]
    expected = {"1": "first", "2": "second", "0": "tie"}
    assert found[:18] == [expected[key] for key in ("1201" * 5)[:18]]
    assert len(blind_pairs(contest, "ann")) == 20
