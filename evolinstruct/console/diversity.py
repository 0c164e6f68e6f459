"""`diversity` on the terminal: figures by generation and operation, and the clusters."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from evolinstruct.console import Console
from evolinstruct.console.evolve import took, who_gets_texts
from evolinstruct.console.page import Page
from evolinstruct.console.ticker import Ticker, bar
from evolinstruct.diversity.measures import MEASURES, NEIGHBOURS, Figures
from evolinstruct.diversity.survey import SetFigures, Survey, generation_name
from evolinstruct.text import NONE, clock, counted, dollars, one_line, percent, short_number

if TYPE_CHECKING:
    from evolinstruct.embedding import Embedding, Expected

_SHOWN = [measure for measure in MEASURES if measure.is_shown]
_GAP = 2
_LEAST_NAME = 24


def show_expected(console: Console, expected: Sequence[Expected]) -> None:
    """Say what embedding would take."""
    for each in expected:
        cost = "an unknown price" if each.cost is None else dollars(each.cost)
        takes = f"about {counted(each.calls, 'call')}, {counted(each.tokens, 'token')} and {cost}"
        console.say(
            f"{counted(each.missing, 'text')} of {each.texts:,} to embed with"
            f" {one_line(each.model)}, to be kept in {each.folder}:"
            f" {takes if each.calls else 'on this machine, without a call'}."
        )
    for said in dict.fromkeys(who_gets_texts(each.receivers) for each in expected):
        console.say(said)
    console.say(
        "What the journal holds is not paid again. No call was made, and nothing was written."
    )


async def show_embedding(console: Console, events: AsyncGenerator[Embedding]) -> None:
    """Say what is embedded, show how far it is, again and again, and what it took."""
    ticker, progress = Ticker(console), None
    try:
        async with ticker.ticking(), aclosing(events):
            async for event in events:
                if event.done == 1:
                    model = one_line(event.model)
                    console.say(f"Embedding {counted(event.texts, 'text')} with {model}.")
                    progress = _Progress(event)
                    ticker.show(progress)
                if progress is not None:
                    progress.event = event
    finally:
        if progress is not None and progress.event.spent.calls:
            console.say(f"{took(progress.seconds, progress.event.spent, 'embeddings have')}.")


class _Progress:
    """How far embedding is.

    Attributes:
        event: what was embedded last.
    """

    def __init__(self, event: Embedding) -> None:
        self.event = event
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it takes so far."""
        return time.monotonic() - self._began

    def plain(self) -> str:
        return f"{self._said}."

    def drawn(self, width: int) -> Text:
        said = self._said
        line = bar(self.event.done, self.event.texts, width - len(said) - 1)
        line.append(said)
        line.truncate(width, overflow="ellipsis")
        return line

    @property
    def _said(self) -> str:
        event, elapsed = self.event, self.seconds
        words = [f"{event.done:,} of {counted(event.texts, 'text')}"]
        words += [f"{event.failed:,} without a vector"] if event.failed else []
        words += [f"{short_number(event.spent.tokens)} tokens"] if event.spent.tokens else []
        words += [dollars(event.spent.cost)] if event.spent.cost else []
        left = elapsed * (event.texts - event.done) / event.done
        return " · ".join([*words, f"{clock(elapsed)} elapsed", f"{clock(left)} left"])


def show(page: Page, found: Survey) -> None:
    """Print the figures of each set, the clusters of all, and what the figures are."""
    for each in found.sets:
        page.print(f"{one_line(each.name)} · {counted(each.whole.texts, 'instruction')}")
    page.print(f"embedded by {one_line(found.model)}")
    if len(found.sets) == 1:
        _show_set(page, found.sets[0])
    else:
        _show_side_by_side(page, found.sets)
    _show_clusters(page, found)
    page.print()
    for line in _explained(found):
        page.print(line)


def _show_set(page: Page, each: SetFigures) -> None:
    by_generation = {generation_name(key): figures for key, figures in each.generations.items()}
    _show_groups(page, "By generation", {**by_generation, "all": each.whole})
    if each.operations:
        _show_groups(page, "By operation", each.operations)


def _show_groups(page: Page, title: str, groups: Mapping[str, Figures]) -> None:
    is_whole = all(figures.sample == figures.texts for figures in groups.values())
    shown = [measure for measure in _SHOWN if not (is_whole and measure.key == "sample")]
    rows = [
        [one_line(name), *(measure.text(figures) for measure in shown)]
        for name, figures in groups.items()
    ]
    page.table(title, ["", *(measure.label for measure in shown)], rows)


def _show_side_by_side(page: Page, sets: Sequence[SetFigures]) -> None:
    rows: list[list[str]] = []
    for title, found in _compared(sets):
        rows.append([title])
        for measure in _SHOWN:
            cells = [NONE if figures is None else measure.text(figures) for figures in found]
            rows.append([f"  {measure.label}", *cells])
    page.table("Side by side", ["", *_short_names(sets)], rows)


def _compared(sets: Sequence[SetFigures]) -> Iterator[tuple[str, list[Figures | None]]]:
    """Yield the figures of all, and of each generation and operation that several sets have."""
    yield "all", [each.whole for each in sets]
    generations = Counter(key for each in sets for key in each.generations)
    for key in sorted(key for key, count in generations.items() if count > 1):
        title = f"generation {key}" if key else "seeds"
        yield title, [each.generations.get(key) for each in sets]
    operations = Counter(name for each in sets for name in each.operations)
    for name in sorted(name for name, count in operations.items() if count > 1):
        yield one_line(name), [each.operations.get(name) for each in sets]


def _short_names(sets: Sequence[SetFigures]) -> list[str]:
    """Return the names of sets, without the folders they lie in where that tells them apart."""
    short = [one_line(Path(each.name).name) for each in sets]
    if len(set(short)) == len(short) and all(short):
        return short
    return [one_line(each.name) for each in sets]


def _show_clusters(page: Page, found: Survey) -> None:
    head, counts = found.counted(_short_names(found.sets))
    head = ["share", *head]
    figures = [
        [percent(cluster.share), *row] for cluster, row in zip(found.clusters, counts, strict=True)
    ]
    taken = sum(max(map(len, column)) + _GAP for column in zip(*figures, head, strict=True))
    room = max(_LEAST_NAME, page.width - taken)
    rows: list[list[str | Text]] = [
        [_fitted(f"{number} {one_line(cluster.name)}", room), *row]
        for number, (cluster, row) in enumerate(zip(found.clusters, figures, strict=True), 1)
    ]
    page.table("Clusters, by their most central instruction", ["", *head], rows)


def _fitted(name: str, room: int) -> Text:
    """Return a name that takes at most so many columns."""
    text = Text(name)
    text.truncate(room, overflow="ellipsis")
    return text


def _explained(found: Survey) -> Iterator[str]:
    near = f"{found.options.near:g}"
    yield (
        f"Measured on at most {counted(found.options.sample, 'text')} of each group, drawn by the"
        f" seed {found.options.seed}. Vendi: so many texts without anything in common would be as"
        " diverse. NovelSum: the mean distance to all texts, near ones weighing most. distance: to"
        f" the {NEIGHBOURS} nearest texts. near pairs: of all pairs, those more alike than {near};"
        " near texts: of all texts, those in such a pair. distinct-2: of all phrases of two words,"
        " those that differ."
    )
    yield "Compare figures of equally many measured texts: all but near pairs depend on the number."
