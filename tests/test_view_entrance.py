"""Who may enter `evolinstruct view`, asked over real HTTP."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import Viewer, viewing
from tests.command_line import evolinstruct
from tests.runs import copied, finished

pytest.importorskip("starlette", reason="starlette")
pytest.importorskip("uvicorn", reason="uvicorn")


@pytest.fixture(scope="module")
def viewer() -> Iterator[Viewer]:
    with viewing(finished(3)) as viewer:
        viewer.enter()
        yield viewer


@pytest.mark.slow
def test_the_address_that_is_told_lets_one_browser_in() -> None:
    with viewing(finished(3)) as viewer:
        first = viewer.ask(f"/?token={viewer.token}")
        assert (first.status, first.headers["location"]) == (303, "/")
        assert re.fullmatch(
            rf"evolinstruct-view-{viewer.port}=[\w-]{{43}}; HttpOnly; Path=/; SameSite=Strict",
            first.headers["set-cookie"],
        )
        assert viewer.ask(f"/?token={viewer.token}").status == 403
        _, _, another = viewer.announced()
        assert viewer.ask(f"/?token={another}").status == 303


@pytest.mark.slow
def test_without_the_cookie_nothing_but_the_look_of_pages_is_served(viewer: Viewer) -> None:
    for path in ("/", "/1/live", "/1/read", "/?token=", "/?token=wrong"):
        answer = viewer.ask(path, Cookie=f"evolinstruct-view-{viewer.port}=wrong")
        assert answer.status == 403
        assert "This browser was not let in" in answer.text
    assert viewer.ask("/assets/web.css", Cookie="").status == 200
    assert viewer.ask("/assets/..%2fguard.py", Cookie="").status == 404


@pytest.mark.slow
def test_a_look_ahead_at_the_address_does_not_use_its_token_up() -> None:
    with viewing(finished(3)) as viewer:
        assert viewer.ask(f"/?token={viewer.token}", "HEAD").status == 403
        assert viewer.enter().status == 303


def test_another_name_that_leads_here_is_refused(viewer: Viewer) -> None:
    for host in ("evil.example", f"evil.example:{viewer.port}", "127.0.0.1", ""):
        assert viewer.ask("/1/live", Host=host).status == 403
    for host in (f"localhost:{viewer.port}", f"LOCALHOST:{viewer.port}"):
        assert viewer.ask("/1/live", Host=host).status == 200


def test_a_page_of_another_origin_that_posts_is_refused(viewer: Viewer) -> None:
    strangers = ("http://evil.example", f"http://127.0.0.1:{viewer.port + 1}", "null", "")
    for origin in strangers:
        answer = viewer.ask("/1/live", "POST", "{}", Origin=origin)
        assert (answer.status, "may not send anything here" in answer.text) == (403, True)
    assert viewer.ask("/1/live", "POST", "{}").status == 403  # a browser would say where from
    assert viewer.ask("/1/live", "POST", "{}", Origin=viewer.origin).status == 405  # let through


def test_every_answer_forbids_foreign_and_inline_code_and_frames(viewer: Viewer) -> None:
    for path in ("/", "/1/live", "/1/read", "/9/live", "/assets/theme.js"):
        headers = viewer.ask(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert not any(name.startswith("access-control") for name in headers)


@pytest.mark.slow
def test_beyond_this_machine_a_password_is_needed_and_what_it_means_is_said() -> None:
    refused = evolinstruct(f"view {finished(3)} --host 0.0.0.0 --port 0")
    assert refused.exit_code == 2
    assert "needs a password of 8 characters or more in the variable" in refused.stderr


@pytest.mark.slow
def test_a_password_lets_in_and_a_wrong_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOLINSTRUCT_VIEW_PASSWORD", "eight & more")
    with viewing(finished(3), "--host", "0.0.0.0") as viewer:
        assert "The connection is not encrypted" in viewer.said
        assert viewer.ask("/1/live").headers["location"] == "/login"
        assert 'type="password"' in viewer.ask("/login").text
        assert viewer.ask("/?token=").headers["location"] == "/login"

        wrong = viewer.ask("/login", "POST", "password=guess", Origin=viewer.origin)
        assert (wrong.status, "set-cookie" in wrong.headers) == (403, False)
        right = "password=eight+%26+more"
        elsewhere = viewer.ask("/login", "POST", right, Origin="http://evil.example")
        assert (elsewhere.status, "set-cookie" in elsewhere.headers) == (403, False)

        let_in = viewer.ask("/login", "POST", right, Origin=viewer.origin)
        viewer.cookie = let_in.headers["set-cookie"].partition(";")[0]
        assert viewer.ask("/1/live").status == 200


@pytest.mark.slow
def test_without_a_name_the_runs_of_the_current_directory_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no run").mkdir()
    nothing = evolinstruct("view --port 0")
    assert nothing.exit_code == 1
    assert "There is no run in " in nothing.stderr
    for name in ("b", "a"):
        copied(tmp_path / name, 3)
    with viewing() as viewer:
        viewer.enter()
        shown = re.findall(r'<a href="/\d" dir="auto"[^>]*>(\w+)</a>', viewer.ask("/1/live").text)
    assert shown == ["a", "b"]


def test_a_port_in_use_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = evolinstruct(f"view {finished(3)} --port {port}")
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"Error: 127.0.0.1:{port} cannot be listened at: Address")
    assert "name another port with --port" in refused.stderr


@pytest.mark.slow
def test_ctrl_c_ends_it_without_a_word_while_pages_are_open() -> None:
    with viewing(finished(3)) as viewer:
        viewer.enter()
        viewer.ask("/1/read")
        with viewer.events("/1/live/events") as events:
            next(events)
            viewer.end()
    assert viewer.process.returncode == 0
    assert re.fullmatch(r"(Open http://\S+ in a browser; Ctrl-C ends\.\n){2}", viewer.rest())
