"""`evolinstruct view` in a real browser: headless Chromium; skipped without one."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests import browsers
from tests.browsers import find, show, texts, wait
from tests.browsing import Viewer, viewing
from tests.faults.harness import evolve, openai, service, start
from tests.loopback import serve, slowly
from tests.runs import evolve as evolved
from tests.runs import tasks, write_seeds
from tests.test_report import EVIL
from tests.written import score

pytestmark = pytest.mark.slow
pytest.importorskip("starlette", reason="starlette")
pytest.importorskip("uvicorn", reason="uvicorn")

DOWN, ENTER, TAB = "\ue015", "\ue007", "\ue004"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browsers.opened(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def viewer(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    """Show a tame run and one whose every text is hostile."""
    folder = tmp_path_factory.mktemp("runs")
    seeds = write_seeds(folder / "seeds.jsonl", tasks(40))
    evolved(seeds, folder / "tame", generations=2, answer_seeds=False)
    score(folder / "tame", lambda line: 3.0 + line.generation)
    evil = {"client": "tests.test_report:Hostile", "eliminate": False, "compare": False}
    evolved(seeds, folder / "<b>evil", generations=2, answer_seeds=False, **evil)
    with viewing(folder / "tame", folder / "<b>evil") as viewer:
        browser.get(f"{viewer.origin}/?token={viewer.token}")
        yield viewer


def press(browser: Any, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def active(browser: Any, of: str) -> str:
    return str(browser.execute_script(f"return document.activeElement.{of} ?? ''"))


def count(browser: Any) -> str:
    return texts(browser, ".count")[0]


def test_the_printed_address_leads_in_and_leaves_no_token_behind(
    browser: Any, viewer: Viewer
) -> None:
    show(browser, viewer.origin)
    assert browser.current_url == f"{viewer.origin}/1/live"
    assert browser.execute_script("return document.cookie") == ""
    assert texts(browser, "h1") == ["EVOLVED INSTRUCTIONS\ntame"]
    assert browser.get_log("browser") == []


def test_lines_are_found_while_one_types(browser: Any, viewer: Viewer) -> None:
    show(browser, f"{viewer.origin}/1/read")
    assert count(browser) == "1 to 25 of 120 lines"
    press(browser, "/")
    assert active(browser, "id") == "search"
    press(browser, '"thing number 17"')
    wait(browser, "location.search.includes('17')")
    assert count(browser) == "1 to 3 of 3 lines"
    assert {text.lower() for text in texts(browser, "#results mark")} == {"thing number 17"}
    assert active(browser, "id") == "search"
    press(browser, " and nothing else")
    wait(browser, "!document.querySelector('#results table')")
    assert count(browser) == "Nothing fits; take a word or a filter away."


def test_the_figures_have_their_style_and_their_script(browser: Any, viewer: Viewer) -> None:
    show(browser, f"{viewer.origin}/1/figures")
    (theme,) = find(browser, "#theme")
    theme.click()
    assert theme.text != "Theme: auto"
    assert browser.execute_script("return getComputedStyle(document.body).margin") == "0px"


def test_lines_are_read_by_keys_alone(browser: Any, viewer: Viewer) -> None:
    show(browser, f"{viewer.origin}/1/read?generation=2")
    browser.execute_script("document.querySelector('#results th a').focus()")
    press(browser, ENTER)
    wait(browser, "location.search.includes('sort=generation')")
    assert active(browser, "href").endswith("falling=1")  # the same head, which now turns the order
    browser.execute_script("document.activeElement.blur()")
    press(browser, "j", "j", "j", "k")
    lines = find(browser, "#results .open")
    assert browser.switch_to.active_element == lines[1]
    press(browser, ENTER)
    wait(browser, "location.pathname.includes('/family/')")
    assert texts(browser, ".meant .about")[0].startswith("Generation 2")
    assert len(find(browser, ".tree li")) == 3
    browser.back()
    assert "sort=generation" in browser.current_url


def test_measures_filter_and_the_order_stays(browser: Any, viewer: Viewer) -> None:
    show(browser, f"{viewer.origin}/1/read?sort=difficulty&falling=1")
    first = find(browser, "td[data-unit=difficulty]")[0].text
    find(browser, ".ranges summary")[0].click()
    find(browser, "input[name=difficulty-to]")[0].send_keys("4")
    wait(browser, "location.search.includes('difficulty-to=4')")
    values = texts(browser, "td[data-unit=difficulty]")
    assert (first, values[0]) == ("5", "4")
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("path", ["/1/live", "/1/read", "/2/live", "/2/read?text=onerror"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_scrolls_down_only_in_both_themes(
    browser: Any, viewer: Viewer, path: str, theme: str
) -> None:
    show(browser, viewer.origin + path, width=390, theme=theme)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(246, 247, 249)", "dark": "rgb(16, 20, 24)"}[theme]


def test_a_family_fits_a_phone(browser: Any, viewer: Viewer) -> None:
    show(browser, f"{viewer.origin}/2/read?generation=2", width=390)
    browser.get(find(browser, "#results .open")[0].get_attribute("href"))
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390


def test_whatever_is_seen_has_a_name_for_those_who_hear_it(browser: Any, viewer: Viewer) -> None:
    show(browser, f"{viewer.origin}/1/read?sort=words")
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    named = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {"link", "button", "textbox", "searchbox", "combobox", "spinbutton", "progressbar"}
    meant = [node for node in named if node.get("role", {}).get("value") in roles]
    assert len(meant) > 30
    assert [node for node in meant if not node.get("name", {}).get("value")] == []
    heads = browser.execute_script(
        "return [...document.querySelectorAll('th')].map((h) => h.ariaSort)"
    )
    assert heads == ["none", "none", "none", "ascending", "none", None]
    assert len(find(browser, "main h2")) == 1


def test_what_a_model_wrote_is_text_and_does_nothing(browser: Any, viewer: Viewer) -> None:
    for path in ("/2/live", "/2/read?text=onerror", "/2/read?generation=2"):
        show(browser, viewer.origin + path)
        assert "onerror" in browser.execute_script("return document.body.textContent")
        assert find(browser, "img, iframe, main b, main script, [onerror], [onload]") == []
    browser.get(find(browser, "#results .open")[0].get_attribute("href"))
    said = browser.execute_script("return document.querySelector('.meant .text').textContent")
    assert said.endswith(EVIL)
    assert browser.execute_script("return typeof window.hacked") == "undefined"
    assert browser.get_log("browser") == []


@contextmanager
def stranger(body: str) -> Iterator[str]:
    """Serve one page from another origin of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()


def test_a_page_of_another_origin_can_neither_post_nor_read_nor_frame(
    browser: Any, viewer: Viewer
) -> None:
    read = f"{viewer.origin}/1/read"
    with stranger(f"<iframe src='{read}'></iframe>") as elsewhere:
        show(browser, elsewhere)
        for options in ("", "method: 'POST', body: '{}', mode: 'no-cors',"):
            answer = browser.execute_async_script(
                f"fetch('{read}', {{{options} credentials: 'include'}})"
                ".then((answer) => answer.text()).then(arguments[0], () => arguments[0](''))"
            )
            assert answer == ""
        browser.switch_to.frame(0)
        framed = browser.execute_script("return document.documentElement.textContent")
        browser.switch_to.default_content()
        assert "The lines" not in framed


def test_a_run_is_watched_while_it_is_killed_and_started_again(
    browser: Any, tmp_path: Path
) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(150))
    out = tmp_path / "run"

    def status() -> str:
        return "document.querySelector('#status').textContent"

    with serve(slowly(service, 0.1)) as server:
        command = evolve(seeds, out, *openai(server.url))
        running = start(command, stderr=subprocess.DEVNULL)
        while not (out / "live.json").exists():
            assert running.poll() is None
        with viewing(out) as viewer:
            show(browser, f"{viewer.origin}/?token={viewer.token}")
            wait(browser, f"{status()}.startsWith('Going on with generation 1')")
            wait(browser, "document.querySelector('.lines li')")
            before = browser.execute_script("return document.querySelector('progress').value")
            wait(browser, f"document.querySelector('progress').value > {before}")
            assert re.fullmatch(r"\d+% – Live – run", browser.title)

            running.send_signal(signal.SIGKILL)
            running.wait()
            wait(browser, f"{status()}.startsWith('Nothing heard')")
            running = start(command, stderr=subprocess.DEVNULL)
            wait(browser, f"{status()}.startsWith('Going on')")
            assert running.wait() in {0, 3}
            wait(browser, f"{status()} === 'Done.'")
            assert browser.get_log("browser") == []
