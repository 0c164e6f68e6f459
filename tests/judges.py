"""Judges for a server on loopback: they see the prompt alone, and go by what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from typer.testing import Result

from tests.command_line import evolinstruct
from tests.loopback import Answer, Ask, Handler, Server, reply

_ITEMS = re.compile(
    r"^\[([A-W])\]\n(.*?)(?=\n\n\[[A-W]\]\n|\n\n#Order#\n)", re.MULTILINE | re.DOTALL
)
_AGAIN = "That cannot be read."


def shown(ask: Ask) -> dict[str, str]:
    """Return the texts that a prompt asks to put in order, by their labels."""
    return dict(_ITEMS.findall(first(ask)))


def first(ask: Ask) -> str:
    """Return the first message: the prompt, also where the judge is asked once more."""
    return str(ask.json["messages"][0]["content"])


def is_second(ask: Ask) -> bool:
    """Tell whether a judge is asked once more."""
    return ask.prompt.startswith(_AGAIN)


def by_length(ask: Ask) -> Answer:
    """Put the shorter text first; rate and tag by length, and take answers for equal."""
    texts = shown(ask)
    if texts:
        return reply(" < ".join(sorted(texts, key=lambda label: (len(texts[label]), texts[label]))))
    if "#Verdict#" in ask.prompt:
        return reply("Equal")
    if "#Tags#" in ask.prompt:
        return reply('["length", "words"]')
    if "#Number#" in ask.prompt or "#Judgement#" in ask.prompt:
        return reply(f"Score: {1 + len(first(ask)) % 10}")
    return reply(f"The answer is {len(ask.prompt)}.")


def undecided(ask: Ask) -> Answer:
    """Give a 7 that might nearly have been an 8, and say so where that is asked."""
    chances = {"7": 0.6, "8": 0.4}
    return reply("7", tokens=[("7", chances)] if ask.json.get("logprobs") else None)


def always(said: str) -> Handler:
    """Say the same to everything."""
    return lambda ask: reply(said)


def score(server: Server, line: str) -> Result:
    """Run `score` with a server as the judge."""
    return evolinstruct(f"score {line} --model judge --base-url {server.url}")


def scores(folder: str | Path = "run") -> list[dict[str, Any]]:
    """Return the lines of a directory's scores."""
    return [json.loads(line) for line in (Path(folder) / "scores.jsonl").read_text().splitlines()]


def values(folder: str | Path = "run", measure: str = "difficulty") -> dict[str, float]:
    """Return the value of each id."""
    return {line["id"]: line["value"] for line in scores(folder) if line["measure"] == measure}
