"""``python -m tests.bench.contamination [LINES] [ITEMS]``: the look for test items, timed.

Texts of 60 words, drawn as words are (Zipf); one in a hundred holds an item, one in twenty a phrase
that many items begin with. One core, the reading of files included.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from evolinstruct.records import child_id, encode
from tests.bench.__main__ import heading, met, say
from tests.bench.runs import EVOLVE, Client, Used
from tests.written import kept, seed

SECONDS, MEGABYTES = 60, 300
WORDS, VOCABULARY = 60, 30_000
PHRASE = "write a python function that takes a list of"
_RANDOM = random.Random(0)


def texts(count: int) -> Iterator[str]:
    """Yield so many texts."""
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(_RANDOM.choices(letters, k=_RANDOM.randint(2, 9))) for _ in range(VOCABULARY)]
    weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
    for _ in range(count):
        yield " ".join(_RANDOM.choices(words, cum_weights=weights, k=WORDS))


def write_items(path: Path, count: int) -> list[str]:
    """Write a test set, and return its questions."""
    items = [f"{PHRASE} {text}" if n % 20 == 0 else text for n, text in enumerate(texts(count))]
    path.write_text("".join(json.dumps({"question": item}) + "\n" for item in items))
    return items


def write_lines(path: Path, count: int, items: list[str]) -> None:
    """Write the lines of a data set."""
    parent = seed("Name three rivers.")
    with path.open("wb") as file:
        for n, drawn in enumerate(texts(count)):
            text = drawn
            if n % 100 == 0:
                text = f"{text} {_RANDOM.choice(items)}"
            elif n % 20 == 0:
                text = f"{PHRASE} {text}"
            line = kept(parent, 1, "deepen", text)
            file.write(encode(line).replace(line.id.encode(), child_id(str(n), 1).encode()))


def measure(folder: Path, *options: str) -> Used:
    """Run the command."""
    words = ["contamination", str(folder / "lines.jsonl"), "--against", str(folder / "items.jsonl")]
    return Client([sys.executable, "-c", EVOLVE, *words, *options, "--json"]).wait()


def main() -> None:
    """Measure the command, without and with the look for near items."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.contamination")
    parser.add_argument("lines", type=int, nargs="?", default=250_000)
    parser.add_argument("items", type=int, nargs="?", default=20_000)
    given = parser.parse_args()
    heading(f"{given.lines:,} instructions of {WORDS} words against {given.items:,} items")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        items = write_items(folder / "items.jsonl", given.items)
        write_lines(folder / "lines.jsonl", given.lines, items)
        for options in ((), ("--near",)):
            used = measure(folder, *options)
            what = " ".join(options) or "n-grams alone"
            say(
                f"{what}: {used.seconds:.0f} s, {used.cpu:.0f} s of CPU, {used.memory:.0f} MB;"
                f" bound {SECONDS} s: {met(used.seconds <= SECONDS)},"
                f" {MEGABYTES} MB: {met(used.memory <= MEGABYTES)}"
            )


if __name__ == "__main__":
    main()
