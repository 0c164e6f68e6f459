"""`check` proves each service by name against a server that plays its documented answers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from evolinstruct.llm.providers import PROVIDERS
from tests.command_line import evolinstruct
from tests.loopback import Answer, Ask, serve
from tests.provider_answers import PLAYED

KEY = "key-loopback-0123456789"


def checked(name: str, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[Ask]]:
    """Return what `check` finds at a server that answers so, and what it was asked."""
    provider, asked = PROVIDERS[name], list[Ask]()
    monkeypatch.setenv(provider.key_variable or "", KEY)

    def handler(ask: Ask) -> Answer:
        asked.append(ask)
        return answer

    with serve(handler) as server:
        place = f"--provider {name} --base-url {server.url}"
        done = evolinstruct(f"check {place} --model loopback-1 --json -q")
    assert KEY not in done.output
    (found,) = json.loads(done.stdout)["endpoints"]
    return found, asked


@pytest.mark.parametrize("name", PLAYED)
def test_a_service_that_answers_is_asked_with_its_key_in_its_header(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, (asked,) = checked(name, PLAYED[name].replies, monkeypatch)
    assert (found["problem"], found["answered_as"]) == (None, "loopback-1")
    header = PROVIDERS[name].key_header
    assert asked.headers[header] == (f"Bearer {KEY}" if header == "authorization" else KEY)
    assert header == "authorization" or "authorization" not in asked.headers


@pytest.mark.parametrize("name", PLAYED)
def test_a_wrong_key_is_told_as_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = checked(name, PLAYED[name].refuses, monkeypatch)
    assert re.search("the service refuses (the key|access)", found["problem"])


@pytest.mark.parametrize("name", PLAYED)
def test_a_model_that_is_not_there_is_told_as_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = checked(name, PLAYED[name].lacks, monkeypatch)
    assert "the service has no such model" in found["problem"]
