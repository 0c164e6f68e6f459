"""What a service sends back of a secret is in no file of a run and in no word on the terminal."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import Result

from evolinstruct.errors import CallFailed
from evolinstruct.llm.base import ClientOptions, Reply, Request, Usage
from evolinstruct.llm.secrets import MARK, Secrets
from tests.command_line import enter, evolinstruct
from tests.loopback import Answer, Ask, Handler, error, http, reply, serve, stream
from tests.scripted import Scripted

KEY = "loop/back+key=0123456789"
USER, PASSWORD = "ada.of.loopback", "p@ss w/rd<0123456>"
SIGNATURE = "query&value=\\0123456"
HEADER = 'tenant"token"0123456789'
SECRETS = (KEY, USER, PASSWORD, SIGNATURE, HEADER)


def spellings(secret: str) -> list[str]:
    """Return how a service may spell a secret that it sends back."""
    escaped = json.dumps(secret)[1:-1]
    return [
        *(secret, quote(secret, safe=""), quote(secret), quote_plus(secret)),
        *(re.sub("%..", lambda found: found[0].lower(), quote(secret)), html.escape(secret)),
        *(escaped, escaped.replace("/", "\\/"), b64encode(secret.encode()).decode()),
    ]


PAIR = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LEAKS = {PAIR, *(each for secret in SECRETS for each in spellings(secret))}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Tenant-Token: {HEADER}")
    return enter(tmp_path, monkeypatch)


def everything(asked: Ask) -> str:
    """Return all that a call was signed with, as it came and in each spelling."""
    return " ".join([*asked.headers.values(), asked.target, *sorted(LEAKS)])


def in_headers(asked: Ask) -> dict[str, str]:
    names = ("x-echo", "x-ratelimit-remaining", "x-request-id")
    return dict.fromkeys(names, f"{asked.headers['authorization']} {KEY}")


def leaky_reply(asked: Ask) -> Answer:
    said = everything(asked)
    if "Not Equal" in asked.prompt:
        return reply("Not Equal", finish=said, model=said)
    text = f"Explain to a child, in words of your own, why this may matter: {said}"
    return reply(text, model=said, reasoning_content=said, usage={said: said})


def escaped_reply(asked: Ask) -> Answer:
    """Spell every character of the secrets as JSON may."""
    found = leaky_reply(asked).wire.partition(b"\r\n\r\n")[2].decode()
    for secret in SECRETS:
        spelled = "".join(f"\\u{ord(character):04x}" for character in secret)
        found = found.replace(json.dumps(secret)[1:-1], spelled)
    return http(200, found.encode())


ENDS: dict[str, Handler] = {
    "reply": leaky_reply,
    "escaped reply": escaped_reply,
    "refusal": lambda asked: reply(None, refusal=everything(asked)),
    "parts": lambda asked: reply([{"type": "text", "text": everything(asked)}]),
    "400": lambda asked: error(400, everything(asked), code=everything(asked), kind=KEY),
    "401": lambda asked: error(401, everything(asked), headers=in_headers(asked)),
    "400 in another shape": lambda asked: http(400, json.dumps({KEY: everything(asked)}).encode()),
    "filtered": lambda asked: error(400, everything(asked), code="content_filter"),
    "too long": lambda asked: error(413, everything(asked)),
    "not found, as a page": lambda asked: http(
        404, f"<html><title>{everything(asked)}</title>".encode(), content_type="text/html"
    ),
    "a message cut within a secret": lambda asked: error(400, f"{'x' * 290}{KEY}"),
    "a page cut within a secret": lambda asked: http(400, b" " * 4_990 + KEY.encode()),
    "redirect": lambda asked: http(
        302, b"", headers={"location": f"http://{USER}:x@elsewhere/{quote(KEY)}?key={HEADER}"}
    ),
    "a parameter": lambda asked: error(400, f"Unsupported parameter: 'stop' {everything(asked)}"),
}
ASKED_AGAIN: dict[str, Handler] = {
    "429": lambda asked: error(429, everything(asked), headers=in_headers(asked)),
    "500": lambda asked: error(500, everything(asked)),
    "no JSON": lambda asked: http(200, everything(asked).encode()),
    "no choices": lambda asked: http(200, json.dumps({"x": everything(asked)}).encode()),
    "a number": lambda asked: reply({"x": everything(asked)}),
    "a stream": lambda asked: stream(everything(asked)),
    "a list": lambda asked: http(200, json.dumps([everything(asked)]).encode()),
}


def ask(command: str, handler: Handler, client: str) -> Result:
    with serve(handler) as server:
        user = f"{quote(USER)}:{quote(PASSWORD, safe='')}"
        url = server.url.replace("//", f"//{user}@") + f"?sig={quote(SIGNATURE, safe='')}"
        return evolinstruct(
            f"{command} --client {client} --model m --base-url '{url}' --api-key-env MY_KEY -vv"
        )


def check_nothing_leaks(result: Result, folder: Path) -> bytes:
    """Check what was said and every file of a run; return the files' bytes."""
    files = b"".join(path.read_bytes() for path in (folder / "run").rglob("*") if path.is_file())
    leaks = (*LEAKS, KEY[:9])  # nor a part of it, where a message is cut
    assert [leak for leak in leaks if leak in result.output] == []
    assert [leak for leak in leaks if leak.encode() in files] == []
    return files


@pytest.mark.slow
@pytest.mark.parametrize("case", ENDS)
def test_no_secret_that_a_service_sends_back_is_in_a_file_or_told(folder: Path, case: str) -> None:
    result = ask("evolve seeds.txt -o run -g 1 --limit 1 --param stop=END", ENDS[case], "openai")
    files = check_nothing_leaks(result, folder)
    assert result.exit_code in {0, 1, 3}
    if "reply" in case:
        assert files.count(MARK.encode()) > len(SECRETS)


@pytest.mark.parametrize("case", ASKED_AGAIN)
def test_no_secret_is_in_what_a_check_tells_of_a_trouble(folder: Path, case: str) -> None:
    result = ask("check", ASKED_AGAIN[case], "openai")
    assert result.exit_code == 1
    check_nothing_leaks(result, folder)


@pytest.mark.slow
@pytest.mark.parametrize("case", ENDS)
def test_the_same_holds_for_the_package_s_client(folder: Path, case: str) -> None:
    command = "evolve seeds.txt -o run -g 1 --limit 1 --param stop=END"
    check_nothing_leaks(ask(command, ENDS[case], "openai-sdk"), folder)


class Leaky(Scripted):
    """Puts its key wherever a client of one's own can put a word."""

    def __init__(self, options: ClientOptions) -> None:
        self._key = options.api_key or ""
        super().__init__(self._leak)

    def _leak(self, request: Request) -> Reply | Exception:
        if request.purpose == "evolve":
            text = f"Explain to a child, in words of your own, what {self._key} may mean."
            return Reply(text, self._key, Usage(), self._key)
        return CallFailed(self._key, f"no: {self._key}", 1)


class Broken(Leaky):
    """Raises a bug with its key in it, and in its cause."""

    def _leak(self, request: Request) -> Reply | Exception:
        error = RuntimeError(f"a bug with {self._key}")
        error.__cause__ = ValueError(self._key)
        return error


class Unmakeable(Leaky):
    """Raises in the making."""

    def __init__(self, options: ClientOptions) -> None:
        raise RuntimeError(f"no client for {options.api_key}")


@pytest.mark.parametrize("name", ["Leaky", "Broken", "Unmakeable"])
def test_the_same_holds_for_a_client_of_ones_own(folder: Path, name: str) -> None:
    command = f"evolve seeds.txt -o run -g 1 --limit 1 --client {__name__}:{name} --model m"
    result = evolinstruct(f"{command} --api-key-env MY_KEY -vv")
    files = check_nothing_leaks(result, folder)
    assert MARK in result.output or MARK.encode() in files


def test_a_key_given_for_the_name_of_its_variable_is_not_repeated(folder: Path) -> None:
    result = evolinstruct(f"evolve seeds.txt -o run --client offline --api-key-env {KEY}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: --api-key-env takes the name of the variable")
    check_nothing_leaks(result, folder)


@settings(max_examples=50, deadline=None)
@given(
    secret=st.text("ab01%/+&<>'\"\\\\ :@=é😀", min_size=12, max_size=30),
    before=st.text(max_size=10),
    after=st.text(max_size=10),
)
def test_a_secret_is_hidden_in_each_spelling(secret: str, before: str, after: str) -> None:
    secrets = Secrets(secret, f"{secret}-and-more")
    for spelling in spellings(secret):
        for text in (f"{before}{spelling}{after}", f"{before}{spelling}-and-more{after}"):
            assert spelling not in secrets.hide(text)
            assert spelling.encode() not in secrets.hide_in_bytes(text.encode("utf-8", "replace"))


def test_a_short_secret_stays_in_data_and_is_hidden_in_messages() -> None:
    secrets = Secrets("hunter2", "abc", None, "")
    assert secrets.hide("a hunter2 of abc") == "a hunter2 of abc"
    assert secrets.hide_all("a hunter2 of abc") == "a [secret] of abc"
