"""Live: the page of a run that is going on: how far it is, what comes of it, its newest lines.

It is made of what the run says in `live.json` and `run.json` and of its lines, and sent anew each
second, in parts, where a part has changed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from evolinstruct.analysis.newest import NewestLines
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.state import State
from evolinstruct.errors import EvolinstructError
from evolinstruct.purposes import PURPOSES
from evolinstruct.report.markup import Html, join, tag, text
from evolinstruct.report.story import tile
from evolinstruct.run.counts import Counts
from evolinstruct.run.live import Live, read_live
from evolinstruct.run.progress import Progress
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.text import clock, dollars, short_number, until
from evolinstruct.web.frame import framed
from evolinstruct.web.lines import listed_line, stacked
from evolinstruct.web.visit import Page, Visit

_EVERY = 1.0  # seconds
_SILENT = 5.0
"""After so many seconds without a word a run is taken to be stopped."""
_NEWEST = 12
_PARTS = {"now": "How far it is", "kept": "What came of the instructions", "newest": "Newest lines"}


class _Watch:
    """Looks at one run again and again; makes the parts of the page."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._dir = RunDir(visit.path)
        self._newest = NewestLines(visit.path, _NEWEST)
        self._said: Live | None = None
        self._heard = time.monotonic()

    def look(self) -> dict[str, Html]:
        """Return the parts as they are now."""
        live = read_live(self._dir.live)
        if live is None or self._said is None or live.at != self._said.at:
            self._said, self._heard = live, time.monotonic()
        try:
            return dict(self._parts(Run(self._visit.path).state, live))
        except EvolinstructError as error:
            return {"now": tag("p", text(error), class_="notice", role="alert")}

    def _parts(self, state: State, live: Live | None) -> Iterator[tuple[str, Html]]:
        silent = time.monotonic() - self._heard
        yield "now", join([_lead(state, live, silent), *_figures(state, live), *_notices(live)])
        counts = _counts(state, live)
        yield "kept", join([_generations(counts), _rules(counts)])
        last = max((each.generation for each in counts), default=0)
        lines = self._newest.look(last)
        listed = [listed_line(line, self._visit.address("read")) for line in lines]
        yield "newest", tag("ol", *listed, class_="lines") if listed else _nothing("No line yet.")


# The parts


def _lead(state: State, live: Live | None, silent: float) -> Html:
    return tag("p", text(_status(state, live, silent)), class_="lead", id="status")


def _status(state: State, live: Live | None, silent: float) -> str:
    if live is None:
        if state.exit_code is not None:
            return "Done." if state.is_done else f"Ended: {state.status}"
        return "It begins, or was killed before a generation began; `evolve` goes on with it."
    counts = live.progress.counts
    where = f"generation {counts.generation} of {live.progress.generations}"
    where = where if counts.generation else "the seeds"
    if silent >= _SILENT:
        return (
            f"Nothing heard for {_seconds(silent)}, so it was killed, or its machine sleeps; it was"
            f" at {where}. The same `evolve` command goes on with it."
        )
    return f"Going on with {where}."


def _seconds(span: float) -> str:
    """Return a span in steps that do not change each second."""
    return f"{span // _SILENT * _SILENT:.0f} seconds" if span < 60 else "more than a minute"  # noqa: PLR2004


def _figures(state: State, live: Live | None) -> Iterator[Html]:
    if live is None:
        yield tag("dl", *_ended_tiles(state), class_="tiles")
        return
    progress = live.progress
    yield tag(
        "progress", value=str(progress.done), max=str(max(progress.likely, 1)),
        aria_label="Calls made, of those that are likely",
    )  # fmt: skip
    yield tag("dl", *_tiles(progress), class_="tiles")


def _tiles(progress: Progress) -> Iterator[Html]:
    so_far, sending = progress.so_far, progress.sending
    replies = [
        f"{so_far.replies[name]:,} {row.done}"
        for name, row in PURPOSES.items()
        if so_far.replies[name]
    ]
    yield tile("Calls", f"{progress.done:,}", f"of about {progress.likely:,}: {', '.join(replies)}")
    if sending is not None:
        waits = f"; paused until {until(sending.paused)}" if sending.paused >= 1 else ""
        yield tile(
            "Under way",
            f"{sending.in_flight:,}",
            f"of {sending.limit:,} at once, {sending.waiting:,} waiting{waits}",
        )
    left = "" if progress.left is None else f"about {clock(progress.left)} left"
    yield tile("Time", clock(progress.elapsed), f"{progress.rate:,.1f} replies a second; {left}")
    yield tile("Kept", f"{so_far.kept:,}", "evolved instructions")
    yield from _spent(so_far.tokens, None if so_far.cost is None else float(so_far.cost))


def _ended_tiles(state: State) -> Iterator[Html]:
    yield tile("Calls", f"{sum(row.calls for row in state.usage):,}", "by all commands")
    if state.seconds is not None:
        yield tile("Time", clock(state.seconds), "the last command")
    kept = sum(counts.kept for counts in state.all_counts if counts.generation)
    yield tile("Kept", f"{kept:,}", "evolved instructions")
    costs = [row.cost for row in state.usage if row.cost is not None]
    tokens = sum(row.tokens or 0 for row in state.usage)
    yield from _spent(tokens, sum(costs) if len(costs) == len(state.usage) else None)


def _spent(tokens: int, cost: float | None) -> Iterator[Html]:
    if tokens:
        yield tile("Tokens", short_number(tokens), "in and out")
    if cost:
        yield tile("Spent", dollars(cost), "by all commands")


def _notices(live: Live | None) -> Iterator[Html]:
    if live is not None and live.notices:
        said = (
            tag("li", text(notice.text), class_="notice" if notice.is_loss else "said", dir="auto")
            for notice in reversed(live.notices)
        )
        yield tag("ol", *said, class_="notices", aria_label="What the run says, the newest first")


def _counts(state: State, live: Live | None) -> list[Counts]:
    """Return the counts of the generations that have begun, in their order."""
    known = {counts.generation: counts for counts in state.all_counts}
    if live is not None:
        known[live.progress.counts.generation] = live.progress.counts
    return [known[number] for number in sorted(known)]


def _generations(all_counts: Iterable[Counts]) -> Html:
    rows = [_generation(counts) for counts in all_counts if counts.generation]
    if not rows:
        return _nothing("No generation has begun.")
    outcomes = (
        tag("span", text(name.capitalize()), class_="outcome", data_outcome=name)
        for name in ("kept", "rejected", "failed")
    )
    names = (text("Generation"), text(""), *outcomes, text("Of"))
    head = tag("tr", *(tag("th", name, scope="col") for name in names))
    return tag(
        "div", tag("table", tag("thead", head), tag("tbody", *rows), class_="bars"),
        class_="scrolls card", tabindex="0", role="region", aria_label="By generation",
    )  # fmt: skip


def _generation(counts: Counts) -> Html:
    rejected, failed = counts.rejected.total(), counts.failed.total()
    parts = {"kept": counts.kept, "rejected": rejected, "failed": failed}
    figures = (*parts.values(), counts.pool)
    return tag(
        "tr",
        tag("th", text(counts.generation), scope="row"),
        tag("td", stacked(parts, counts.pool), class_="drawn"),
        *(tag("td", text(f"{figure:,}")) for figure in figures),
    )


def _rules(all_counts: Iterable[Counts]) -> Html:
    """Return how many each rule has rejected in all generations, the most first."""
    total: Counter[str] = Counter()
    for counts in all_counts:
        if counts.generation:
            total.update(counts.rejected)
    if not total:
        return Html("")
    most = max(total.values())
    rows = [
        tag(
            "tr",
            tag("th", text(rule), scope="row"),
            tag("td", stacked({"rejected": count}, most), class_="drawn"),
            tag("td", text(f"{count:,}")),
        )
        for rule, count in total.most_common()
    ]
    head = tag("tr", *(tag("th", text(name), scope="col") for name in ("Rule", "", "Rejected")))
    return tag(
        "div", tag("table", tag("thead", head), tag("tbody", *rows), class_="bars"),
        class_="scrolls card", tabindex="0", role="region", aria_label="Rejected, by rule",
    )  # fmt: skip


def _nothing(sentence: str) -> Html:
    return tag("p", text(sentence), class_="hint")


# The page, and its stream


def _show(visit: Visit) -> Response:
    parts = _Watch(visit).look()
    sections = [
        tag(
            "section",
            tag("h2", text(title), id=f"{name}-title"),
            tag("div", parts.get(name, ""), id=name),
            aria_labelledby=f"{name}-title",
        )
        for name, title in _PARTS.items()
    ]
    connection = tag("p", id="connection", role="status", class_="hint", data_events="live/events")
    return framed(visit, connection, *sections)


def _events(visit: Visit) -> Response:
    return StreamingResponse(_stream(_Watch(visit)), media_type="text/event-stream")


async def _stream(watch: _Watch) -> AsyncIterator[bytes]:
    """Send the parts of the page that have changed, each second."""
    sent: dict[str, Html] = {}
    while True:
        parts = await run_in_threadpool(watch.look)
        changed = {name: part for name, part in parts.items() if sent.get(name) != part}
        sent |= changed
        said = json.dumps(changed) if changed else None
        # A comment where there is nothing new: a connection that is gone is noticed by it.
        yield f"data: {said}\n\n".encode() if said else b": still there\n\n"
        await asyncio.sleep(_EVERY)


PAGE = Page("live", "Live", {"": _show, "/events": _events}, scripts=("live.js",))
