"""A report in a real browser: headless Chromium, driven by selenium; skipped without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from evolinstruct.analysis.runs import Run
from evolinstruct.report import write_report
from tests import browsers
from tests.browsers import find, show, texts, wait
from tests.test_report import EVIL, embedded, make_run, text_of
from tests.written import score

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browsers.opened(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("plain")
    run = make_run(folder, seeds=40)
    score(run, lambda line: 3 + line.generation - 2 * (line.operation == "in_breadth"))
    write_report([Run(run)], folder / "r.html")
    return (folder / "r.html").as_uri()


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("mapped")
    write_report([Run(embedded(make_run(folder)))], folder / "r.html")
    return (folder / "r.html").as_uri()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hostile")
    evil = make_run(
        folder,
        "<img src=x onerror=hacked=4>",
        client="tests.test_report:Hostile",
        eliminate=False,
        compare=False,
    )
    score(evil, lambda line: 5 - line.generation)
    write_report([Run(evil), Run(make_run(folder, "tame"))], folder / "r.html")
    return (folder / "r.html").as_uri()


def count(browser: Any) -> str:
    return texts(browser, "#count")[0]


def test_it_renders_without_a_word_on_the_console(browser: Any, report: str) -> None:
    show(browser, report)
    assert browser.get_log("browser") == []
    assert count(browser) == "1 to 25 of 120"
    heights = [element.size["height"] for element in find(browser, "figure svg")]
    assert len(heights) >= 7
    assert min(heights) > 50


def test_the_filters_filter(browser: Any, report: str) -> None:
    show(browser, report)
    browser.execute_script(
        "const s = document.getElementById('by-generation'); s.value = '0';"
        "s.dispatchEvent(new Event('change'))"
    )
    assert count(browser) == "1 to 25 of 40"
    assert set(texts(browser, "#rows tbody td:nth-child(3)")) == {"seed"}
    find(browser, "#search")[0].send_keys("THING NUMBER 17")
    wait(browser, "document.querySelectorAll('#rows tbody tr').length === 1")
    assert texts(browser, "#rows .open") == ["Explain thing number 17 to a child. It is blue."]
    find(browser, "#search")[0].send_keys(" and nothing else")
    wait(browser, "document.querySelectorAll('#rows tbody tr').length === 0")
    assert count(browser) == "Nothing fits these filters; take one away."


def test_the_list_shows_what_was_added_and_an_answer(browser: Any, report: str) -> None:
    show(browser, report)
    first, second = find(browser, "#rows tbody tr")[:2]
    assert first.find_elements("css selector", "ins") == []
    added = "".join(each.text for each in second.find_elements("css selector", ".open ins"))
    assert added
    assert added in second.find_element("css selector", ".open").text
    assert second.find_element("css selector", ".answer").text.startswith("Answer: ")


def test_what_was_searched_is_marked_in_the_list_and_in_the_family(
    browser: Any, report: str
) -> None:
    show(browser, report)
    find(browser, "#search")[0].send_keys("THING (NUMBER")
    wait(browser, "document.querySelectorAll('#rows tbody tr').length === 0")
    find(browser, "#search")[0].clear()
    find(browser, "#search")[0].send_keys("THING NUMBER 17")
    wait(browser, "document.querySelectorAll('#rows mark').length > 0")
    assert {text.lower() for text in texts(browser, "#rows .open mark")} == {"thing number 17"}
    find(browser, "#rows tbody tr")[0].click()
    marks = texts(browser, "dialog .meant .text mark")
    assert [mark.lower() for mark in marks] == ["thing number 17"]


def test_a_head_shows_that_it_sorts_and_how(browser: Any, report: str) -> None:
    show(browser, report)
    assert set(texts(browser, "#rows thead .arrow")) == {"↕"}
    find(browser, "#rows thead button")[3].click()
    words = [int(text) for text in texts(browser, "#rows tbody td:nth-child(4)")]
    assert words == sorted(words)
    assert texts(browser, "#rows th[aria-sort=ascending]") == ["Words↑"]


def test_no_text_of_the_list_is_cut_without_a_sign(browser: Any, hostile: str) -> None:
    show(browser, hostile)
    families = browser.execute_script(
        "return JSON.parse(document.getElementById('data').textContent).runs[0].families"
    )
    whole = [" ".join(text_of(line).split()) for family in families for line in family]
    cut = 0
    for element, text in zip(find(browser, "#rows .open"), whole, strict=False):
        begun, said = element.text.startswith("… "), element.text.removeprefix("… ")
        ended = said.endswith("…")
        assert said.removesuffix("…").strip() in text
        assert begun or text.startswith(said.removesuffix("…").strip())
        assert ended or text.endswith(said.strip())
        cut += ended
        assert browser.execute_script(
            "const [e] = arguments; return e.scrollWidth <= e.clientWidth", element
        )
    assert cut > 0


def test_a_click_and_a_key_open_the_family_of_a_row(browser: Any, report: str) -> None:
    show(browser, report)
    find(browser, "#rows tbody tr")[1].click()
    assert len(find(browser, "dialog[open] .tree li")) == 3
    assert texts(browser, "dialog .meant .about")[0].startswith("Generation 1")
    chosen = texts(browser, "dialog .meant code")[0]
    assert browser.current_url.endswith(f"#{chosen}")
    browser.switch_to.active_element.send_keys("\ue00c")  # escape
    wait(browser, "!document.querySelector('dialog').open")
    browser.execute_script("document.querySelectorAll('#rows .open')[2].focus()")
    browser.switch_to.active_element.send_keys("\ue007")  # enter
    assert texts(browser, "dialog .meant .about")[0].startswith("Generation 2")


def test_a_family_has_an_address_of_its_own(browser: Any, report: str) -> None:
    show(browser, report)
    chosen = find(browser, ".example a")[0].get_attribute("hash")
    show(browser, report + chosen)
    assert texts(browser, "dialog[open] .meant code") == [chosen[1:]]


@pytest.mark.parametrize("width", [1200, 390])
def test_keys_alone_read_the_points_of_the_map(browser: Any, mapped: str, width: int) -> None:
    show(browser, mapped, width=width)
    browser.execute_script("document.getElementById('map').focus()")
    read = []
    for key in ("\ue014", "\ue014", "\ue012"):  # right, right, left
        browser.switch_to.active_element.send_keys(key)
        read += texts(browser, "#point .text")
    assert all(read)
    assert read[0] == read[2] != read[1]
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_tab_reaches_what_can_be_done_in_its_order(browser: Any, report: str) -> None:
    show(browser, report)
    reached = []
    for _ in range(9):
        browser.switch_to.active_element.send_keys("\ue004")
        reached.append(browser.execute_script("return document.activeElement.textContent"))
    links = ["In short", "Charts", "Difficulty", "Operations", "Selection"]
    links += ["Instructions", "Recipe"]
    assert reached == ["Skip to the report", *links, "Theme: auto"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_follows_the_system_until_told_otherwise(browser: Any, report: str, theme: str) -> None:
    show(browser, report, theme=theme)
    paper = {"light": "rgb(246, 247, 249)", "dark": "rgb(16, 20, 24)"}
    shown = "getComputedStyle(document.body).backgroundColor"
    bars = "getComputedStyle(document.querySelector('[fill=\"var(--kept)\"]')).fill"
    before = browser.execute_script(f"return {bars}")
    assert browser.execute_script(f"return {shown}") == paper[theme]
    button = find(browser, "#theme")[0]
    other = "dark" if theme == "light" else "light"
    while button.text != f"Theme: {other}":
        button.click()
    assert browser.execute_script(f"return {shown}") == paper[other]
    assert browser.execute_script(f"return {bars}") != before


@pytest.mark.parametrize("page", ["report", "hostile"])
def test_a_phone_scrolls_down_only(browser: Any, page: str, request: pytest.FixtureRequest) -> None:
    show(browser, request.getfixturevalue(page), width=390)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    browser.execute_script("document.querySelectorAll('#rows .open')[1].click()")
    dialog = "document.querySelector('dialog')"
    assert browser.execute_script(f"return {dialog}.scrollWidth <= {dialog}.clientWidth")


def test_what_a_model_wrote_is_shown_as_text_and_does_nothing(browser: Any, hostile: str) -> None:
    show(browser, hostile)
    browser.execute_script("document.querySelectorAll('#rows .open')[1].click()")
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    said = browser.execute_script(
        "return document.querySelector('dialog .meant .text').textContent"
    )
    assert said.endswith(EVIL)
    assert browser.execute_script("return typeof window.hacked") == "undefined"
    assert find(browser, "img, iframe, main b, [onerror], [onload]") == []
    assert texts(browser, "dialog h3") == ["A family · <img src=x onerror=hacked=4>"]
    assert browser.get_log("browser") == []
