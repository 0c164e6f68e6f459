"""The page Review in a real browser: headless Chromium; skipped without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.analysis.runs import Run
from evolinstruct.run_dir.reviews import review_file
from tests import browsers
from tests.browsers import find, show, texts, wait
from tests.browsing import Viewer, viewing
from tests.runs import copied, evolve, tasks, write_seeds
from tests.test_report import EVIL

pytestmark = pytest.mark.slow
pytest.importorskip("starlette", reason="starlette")
pytest.importorskip("uvicorn", reason="uvicorn")

ENTER, ESCAPE, CONTROL, TAB, DELETE = "\ue007", "\ue00c", "\ue009", "\ue004", "\ue017"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browsers.opened(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return copied(tmp_path / "run", 24, client="offline", generations=2)


def enter(browser: Any, viewer: Viewer, name: str = "ann", size: int = 30, more: str = "") -> None:
    browser.get(f"{viewer.origin}/?token={viewer.token}")
    show(browser, f"{viewer.origin}/1/review?name={name}&size={size}{more}")
    wait(browser, "document.getElementById('desk').dataset.ready !== undefined")


def press(browser: Any, *keys: str) -> None:
    """Press keys, whatever has the focus."""
    from selenium.webdriver import ActionChains  # noqa: PLC0415 - may be missing

    ActionChains(browser).send_keys(*keys).perform()


def press_with_control(browser: Any, key: str) -> None:
    from selenium.webdriver import ActionChains  # noqa: PLC0415 - may be missing

    ActionChains(browser).key_down(CONTROL).send_keys(key).key_up(CONTROL).perform()


def how_far(browser: Any) -> str:
    return texts(browser, "#how-far")[0]


def wait_for(browser: Any, said: str) -> None:
    wait(browser, f"document.getElementById('how-far').textContent.includes({json.dumps(said)})")


def decisions(run: Path, name: str = "ann") -> list[tuple[str, str]]:
    file = review_file(run, name)
    said = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [(each["id"], each["decision"]) for each in said]


def test_thirty_lines_are_reviewed_by_keys_alone_through_a_kill(browser: Any, run: Path) -> None:
    with viewing(run) as viewer:
        enter(browser, viewer)
        for number in range(14):
            press(browser, "a")
            wait_for(browser, f"{number + 1} of 30 decided")
            assert len(decisions(run)) == number + 1  # written before the next is shown
        viewer.process.kill()
        viewer.process.wait()
        press(browser, "a")
        wait(browser, "!document.getElementById('trouble').hidden")
        assert texts(browser, "#trouble")[0].startswith("It was not kept: `evolinstruct view` does")
        assert "14 of 30 decided · showing 15" in how_far(browser)
    with viewing(run) as viewer:
        enter(browser, viewer)
        assert "14 of 30 decided · showing 15" in how_far(browser)
        press(browser, "r")
        wait(browser, "document.activeElement.id === 'reason'")
        press(browser, "too easy", ENTER)
        wait_for(browser, "15 of 30 decided")
        press(browser, "e")
        wait(browser, "document.activeElement.id === 'instruction'")
        press_with_control(browser, "a")  # all that is there
        press(browser, "Say it anew.")
        press(browser, TAB, TAB, " ")
        press_with_control(browser, ENTER)
        wait_for(browser, "16 of 30 decided")
        for number in range(16, 30):
            press(browser, "a")
            wait_for(browser, f"{number + 1} of 30 decided")
        assert "all done" in how_far(browser)
        assert browser.get_log("browser") == []
    found = decisions(run)
    assert len({line_id for line_id, _ in found}) == len(found) == 30
    counts = [said for _, said in found]
    assert (counts.count("accepted"), counts.count("rejected"), counts.count("edited")) == (
        28,
        1,
        1,
    )
    reviews = Run(run).reviews()
    edited = next(each for each in reviews.by("ann").values() if each.decision == "edited")
    assert (edited.instruction, edited.output) == ("Say it anew.", None)
    assert {each.reason for each in reviews.by("ann").values()} == {None, "too easy"}


def test_keys_move_search_and_undo(browser: Any, run: Path) -> None:
    with viewing(run) as viewer:
        enter(browser, viewer)
        first = find(browser, "#thing")[0].get_attribute("data-id")
        press(browser, "j", "j", "k")
        wait_for(browser, "showing 2")
        press(browser, "k", "a")
        wait_for(browser, "1 of 30 decided")
        press(browser, "u")
        wait_for(browser, "0 of 30 decided")
        assert find(browser, "#thing")[0].get_attribute("data-id") == first
        press(browser, "u")
        wait_for(browser, "nothing to undo")
        assert decisions(run) == [(first, "accepted"), (first, None)]
        press(browser, "r")
        wait(browser, "document.activeElement.id === 'reason'")
        press(browser, "a", "j", ESCAPE)  # in a field, keys are text
        wait(browser, "document.getElementById('why').hidden")
        assert len(decisions(run)) == 2
        press(browser, "/")
        wait(browser, "document.activeElement.id === 'search'")
        press(browser, first)
        wait_for(browser, "of 1 decided")
        press(browser, ENTER, "a")
        wait_for(browser, "1 of 1 decided")
        assert decisions(run)[-1] == (first, "accepted")


def test_two_tabs_and_two_people_do_not_mix(browser: Any, run: Path) -> None:
    with viewing(run) as viewer:
        enter(browser, viewer, size=6)
        tab = browser.current_window_handle
        browser.switch_to.new_window("tab")
        other = browser.current_window_handle
        for name in ("ann", "bob"):
            browser.get(f"{viewer.origin}/1/review?name={name}&size=6")
            wait(browser, "document.getElementById('desk').dataset.ready !== undefined")
            press(browser, "a", "a")
            wait_for(browser, "2 of 6 decided")
        browser.close()
        browser.switch_to.window(tab)
        browser.execute_script("window.dispatchEvent(new Event('focus'))")
        wait_for(browser, "2 of 6 decided")  # what the other tab decided
        press(browser, "r")
        wait(browser, "document.activeElement.id === 'reason'")
        press(browser, ENTER)
        wait_for(browser, "2 of 6 decided · showing 2")
        assert other != tab
    first = decisions(run)[0][0]
    assert [said for _, said in decisions(run)] == ["accepted", "accepted", "rejected"]
    assert decisions(run)[-1] == (first, "rejected")
    assert [said for _, said in decisions(run, "bob")] == ["accepted", "accepted"]


def test_a_text_that_has_changed_meanwhile_is_not_decided_about(browser: Any, run: Path) -> None:
    with viewing(run) as viewer:
        enter(browser, viewer)
        for file in run.glob("generation-?.jsonl"):
            file.write_text(file.read_text().replace('"output": "', '"output": "Changed. '))
        press(browser, "a")
        wait(browser, "!document.getElementById('trouble').hidden")
        assert texts(browser, "#trouble") == [
            "Its text has changed since it was shown; load the page again."
        ]
    assert decisions(run) == []


def test_what_a_person_wrote_stays_where_it_cannot_be_kept(browser: Any, run: Path) -> None:
    with viewing(run) as viewer:
        enter(browser, viewer)
        press(browser, "e")
        wait(browser, "document.activeElement.id === 'instruction'")
        press_with_control(browser, "a")
        press(browser, DELETE)
        press_with_control(browser, ENTER)
        wait(browser, "!document.getElementById('trouble').hidden")
        assert "an edit needs its 'instruction'" in texts(browser, "#trouble")[0]
        press(browser, "Say it anew.")
        press_with_control(browser, ENTER)
        wait_for(browser, "1 of 30 decided")


def test_hostile_texts_are_shown_as_text(browser: Any, tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(6))
    evil = {"client": "tests.test_report:Hostile", "eliminate": False, "compare": False}
    evolve(seeds, tmp_path / "<b>evil", generations=2, **evil)
    with viewing(tmp_path / "<b>evil") as viewer:
        enter(browser, viewer, "ann", 6)
        shown = set()
        for number in range(6):
            shown |= set(texts(browser, "#thing .text"))
            assert find(browser, "#thing img, #thing script, #thing b") == []
            press(browser, "a")
            wait_for(browser, f"{number + 1} of 6 decided")
        assert any(text.split()[0] in " ".join(shown) for text in EVIL)
        assert browser.execute_script("return window.hacked") is None
        assert browser.get_log("browser") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_it_fits_a_phone_and_both_themes(browser: Any, run: Path, theme: str, width: int) -> None:
    with viewing(run) as viewer:
        browser.get(f"{viewer.origin}/?token={viewer.token}")
        address = f"{viewer.origin}/1/review?name=ann"
        show(browser, address, width=width, theme=theme)
        wait(browser, "document.getElementById('desk').dataset.ready !== undefined")
        widest = browser.execute_script("return document.documentElement.scrollWidth")
        assert widest <= width
        names = texts(browser, ".keys button")
        assert names == ["Accept a", "Reject r", "Edit e", "Undo u", "Previous k", "Next j"]
        assert browser.execute_script(
            "return [...document.querySelectorAll('input, select, textarea, button')]"
            ".every((field) => field.labels?.length || field.ariaLabel || field.textContent)"
        )
