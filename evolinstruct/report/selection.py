"""What would be selected: the best tenth of a run by its scores, where they come from, and why.

The walk is that of `evolinstruct select`: by difficulty times quality, or by the one of them that
was scored, and past what is too like a better one where instructions are embedded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from evolinstruct import defaults
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.scores import DIFFICULTY, MeasureName, ScoreBook
from evolinstruct.diversity import is_installed, store
from evolinstruct.filters import Value
from evolinstruct.records import Kept
from evolinstruct.report.markup import Html, join, table, tag, text
from evolinstruct.selection import Chosen, Selection, Wish, consider
from evolinstruct.selection.reasons import in_words
from evolinstruct.text import command, counted, decimal, listed, number, percent, shorten

_BY = (DIFFICULTY, "quality")
_PART, _MOST = 10, 1_000
"""The best tenth, and at most so many."""
_FIRST = 10
_LONGEST = 320
"""So many instructions are shown, and at most so many characters of each."""


@dataclass(frozen=True, slots=True)
class Selected:
    """What would be selected of a run.

    Attributes:
        selection: the choice, with why.
        lines: the instructions, the best first.
        considered: how many there are, by generation and by operation.
        values: what tells each of the scores that decide, by its name.
    """

    selection: Selection
    lines: Sequence[Kept]
    considered: tuple[Counter[str], Counter[str]]
    values: Mapping[str, Value]


def selected_of(run: Run) -> Selected | None:
    """Return what would be selected of a run; None where nothing has the scores that it takes.

    Raises:
        InputError: a file of the run cannot be read.
    """
    scores = ScoreBook.open(run.path)
    names = [name for name in _BY if scores.way(MeasureName(name))]
    if not names:
        return None
    by_generation, by_operation = Counter[str](), Counter[str]()
    for line in run.instructions():
        by_generation[_generation(line)] += 1
        by_operation[_operation(line)] += 1
    count = min(_MOST, -(-by_generation.total() // _PART))
    found = consider(Wish(run.path, count, "*".join(names), apart=_apart(run.path)), _ignore)
    if not found.chosen:
        return None
    lines = {line.id: line for line in run.instructions() if found.has(line)}
    chosen = [lines[line_id] for line_id, _ in found.chosen]
    return Selected(found, chosen, (by_generation, by_operation), scores.values_of(names))


def _apart(run: Path) -> float | None:
    """Return how alike two may be; None where nothing is embedded, or nothing can be compared."""
    file = run / store.FOLDER / store.NAME
    if not file.is_file() or not is_installed():
        return None
    with store.opened(file, only_read=True) as kept:
        return None if kept.last_model is None else defaults.NEAR


def _ignore(_: str) -> None:
    """Say nothing."""


def _generation(line: Kept) -> str:
    return f"generation {line.generation}" if line.generation else "seeds"


def _operation(line: Kept) -> str:
    return line.operation or "seeds"


# On the page


def show_selected(found: Selected, run: Run, name: str) -> Html:
    """Return what the page says of a choice; the run is named if need be."""
    begun = [tag("strong", text(name), dir="auto"), text(": ")] if name else []
    generations, operations = found.considered
    shares = [
        _shares("By generation", generations, Counter(map(_generation, found.lines))),
        _shares("By operation", operations, Counter(map(_operation, found.lines))),
    ]
    return join(
        [
            tag("p", *begun, text(lead(found)), class_="lead"),
            tag("p", *_how(found, run), class_="hint"),
            tag("div", *shares, class_="charts"),
            tag("div", tag("h3", text("The first of them")), *_first(found), class_="card best"),
        ]
    )


def lead(found: Selected) -> str:
    """Say in a sentence what would be selected."""
    wish, chosen = found.selection.wish, found.selection.chosen
    values = [each.value for each in chosen.values()]
    (most, count), *_ = Counter(map(_generation, found.lines)).most_common(1)
    share = percent(found.considered[0][most] / found.selection.considered)
    return (
        f"The best {counted(len(found.lines), 'instruction')} of {found.selection.considered:,}, by"
        f" {wish.by}, have {decimal(values[0])} down to {decimal(values[-1])};"
        f" {percent(count / len(found.lines))} of them are of {most}, as are {share} of all."
    )


def _how(found: Selected, run: Run) -> list[Html]:
    wish = found.selection.wish
    apart = [] if wish.apart is None else ["--apart", f"{wish.apart:g}"]
    named = ("-n", wish.count, "-o", "best.jsonl", "--by", wish.by)
    line = command("evolinstruct", "select", run.path, *named, *apart)
    alike = "" if apart else " Nothing is embedded, so some may say nearly the same."
    passed = listed(in_words(found.selection.passed))
    return [text(f"Passed over: {passed}.{alike} To take them: "), tag("code", text(line))]


def _first(found: Selected) -> Iterator[Html]:
    """Yield the best instructions, each with why it is taken."""
    whys = found.selection.chosen.values()
    for why, line in zip(islice(whys, _FIRST), found.lines, strict=False):
        shown = shorten(" ".join(line.instruction.split()), _LONGEST)
        yield tag(
            "div",
            tag("p", text(f"{why.rank}. {shown}"), class_="text", dir="auto"),
            tag("p", text(_why(found, why, line)), class_="about"),
            class_="example",
        )


def _why(found: Selected, why: Chosen, line: Kept) -> str:
    values: dict[str, float | None] = {found.selection.wish.by: why.value}  # may be one of these
    values |= {name: value(line) for name, value in found.values.items()}
    figures = [f"{name} {decimal(value)}" for name, value in values.items()]
    came = [_generation(line), line.operation] if line.operation else [_generation(line)]
    return " · ".join([*figures, *came])


def _shares(title: str, considered: Counter[str], chosen: Counter[str]) -> Html:
    rows = [
        [name, number(count), number(chosen[name]), percent(chosen[name] / count)]
        for name, count in sorted(considered.items(), key=_seeds_first)
    ]
    return tag("div", table(title, ["", "all", "selected", "share"], rows), class_="card")


def _seeds_first(item: tuple[str, int]) -> tuple[bool, int, str]:
    name, _ = item
    return name != "seeds", len(name), name
