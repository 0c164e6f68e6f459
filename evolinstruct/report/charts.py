"""The kinds of charts, drawn: bars, spreads, means, lines, histograms, a map.

Each takes rows by their names, and of each row one mark for every series, such as a run; None where
that series has none. Several series share the axes and have a colour and a shape each. A mark tells
its figures to whoever points at it; a `Chart` has them in a table too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple, Protocol, TypeVar

from evolinstruct.report import canvas
from evolinstruct.report.canvas import AXIS, WIDTH, Axis, Drawing, Key, Scale
from evolinstruct.report.markup import Html, folded, join, table, tag, text

_GAP = 9.0
_THICK = 17.0
_THIN = 13.0
"""How thick a mark is that is alone in its row, and one that is not."""
_STRENGTHS = (1.0, 0.5, 0.22)
"""How strong the parts of a bar are whose colour tells its series."""
_CURVE = 34.0
_PLOT = 150.0
_TITLE = 26.0
_BEHIND = 6.0
_EDGE = 60


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, and the same in words and numbers.

    Attributes:
        title: what it is about.
        says: what it shows: a sentence, for each series that is named.
        drawing: None where there is nothing to draw.
        head: names of the tables' columns.
        tables: the rows of a table for each series; the name of an only one is empty.
    """

    title: str
    says: Mapping[str, str]
    drawing: Drawing | None
    head: Sequence[str]
    tables: Mapping[str, Sequence[Sequence[str]]]


def card(chart: Chart) -> Html:
    """Return a chart as a card of the page."""
    sentences = [tag("p", *_named(name), text(said)) for name, said in chart.says.items()]
    told = " ".join(f"{name}: {said}" if name else said for name, said in chart.says.items())
    drawn = [] if chart.drawing is None else [canvas.shown(chart.drawing, chart.title, told)]
    tables = [
        table(f"{chart.title}: {name}" if name else chart.title, chart.head, rows)
        for name, rows in chart.tables.items()
    ]
    return tag(
        "figure",
        tag("figcaption", tag("h3", text(chart.title)), *sentences),
        *drawn,
        folded("As a table", *tables),
        class_="card",
    )


def _named(name: str) -> list[Html]:
    return [tag("strong", text(name), dir="auto"), text(": ")] if name else []


# Marks


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from zero: the sizes of its parts, and its label behind it."""

    parts: tuple[float, ...]
    label: str

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return 0.0, sum(self.parts)


@dataclass(frozen=True, slots=True)
class Spread:
    """Where many values lie: nine in ten, half of them, and their middle."""

    low: float
    lower: float
    median: float
    upper: float
    high: float
    label: str

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return min(0.0, self.low), self.high


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and between which values it is likely to be."""

    low: float
    mean: float
    high: float
    label: str

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return min(0.0, self.low), max(0.0, self.high)


class _Mark(Protocol):
    @property
    def label(self) -> str: ...
    @property
    def ends(self) -> tuple[float, float]: ...


_M = TypeVar("_M", bound=_Mark)
Rows = Mapping[str, Sequence[_M | None]]


class _Place(NamedTuple):
    """Where a mark is drawn: its scale, its middle and thickness, and which series it is of."""

    scale: Scale
    y: float
    thick: float
    series: int


# Rows of marks


def bars(
    rows: Rows[Bar], axis: Axis, parts: Mapping[str, str], series: Sequence[str] = ()
) -> Drawing:
    """Draw bars one below the other, each divided into parts.

    Args:
        rows: a bar for each series.
        axis: what is measured.
        parts: the names of the parts, each with the colour that it has in an only series.
        series: the names of several series.
    """
    colours = [*parts.values()]
    several = len(series) > 1
    keys = [
        Key(name, "var(--soft)" if several else colour, _STRENGTHS[part] if several else 1.0)
        for part, (name, colour) in enumerate(parts.items())
    ]

    def drawn(bar: Bar, at: _Place) -> list[Html]:
        marks, begin = [], 0.0
        for part, size in enumerate(bar.parts):
            left, right = at.scale(begin), at.scale(begin + size)
            fill = {"fill": canvas.series_colour(at.series) if several else colours[part]}
            if several and part:
                fill["fill_opacity"] = canvas.place(_STRENGTHS[part])
            if size:
                half = at.thick / 2 - (0.75 if several else 0)
                marks.append(canvas.rect(left, at.y - half, right, at.y + half, rx="1.5", **fill))
            begin += size
        return [*marks, _behind(bar, at)]

    return _by_row(rows, axis, [*_keys(series), *(keys if len(parts) > 1 else ())], drawn)


def spreads(rows: Rows[Spread], axis: Axis, series: Sequence[str] = ()) -> Drawing:
    """Draw a line for nine in ten values, a bar for half of them, and a stroke at their median."""

    def drawn(spread: Spread, at: _Place) -> list[Html]:
        colour, half = canvas.series_colour(at.series), at.thick / 2 - 1.5
        x = at.scale(spread.median)
        ends = {"stroke": "var(--soft)", "stroke_width": "1.5"}
        middle = {"stroke": "var(--card)", "stroke_width": "2.5"}
        box = (at.scale(spread.lower), at.y - half, at.scale(spread.upper), at.y + half)
        return [
            canvas.line(at.scale(spread.low), at.y, at.scale(spread.high), at.y, **ends),
            canvas.rect(*box, fill=colour, rx="1.5"),
            canvas.line(x, at.y - half, x, at.y + half, **middle),
            _behind(spread, at),
        ]

    return _by_row(rows, axis, _keys(series), drawn)


def means(
    rows: Rows[Interval], axis: Axis, series: Sequence[str] = (), colour: str = ""
) -> Drawing:
    """Draw a point for each mean and the line in which it lies; `colour` is of an only series."""

    def drawn(mean: Interval, at: _Place) -> list[Html]:
        of = colour or canvas.series_colour(at.series)
        ends = {"stroke": of, "stroke_width": "3", "stroke_opacity": "0.5"}
        return [
            canvas.line(at.scale(mean.low), at.y, at.scale(mean.high), at.y, **ends),
            canvas.point(at.scale(mean.mean), at.y, of, canvas.series_shape(at.series)),
            _behind(mean, at),
        ]

    return _by_row(rows, axis, _keys(series, shaped=True), drawn)


def _by_row(
    rows: Rows[_M], axis: Axis, keys: Sequence[Key], draw: Callable[[_M, _Place], list[Html]]
) -> Drawing:
    """Draw rows below a legend and above an axis."""
    left = canvas.room_of_names([*rows])
    above = canvas.legend(keys, 0.0)
    scale = _scale([mark for row in rows.values() for mark in row if mark is not None], left)
    count = max(map(len, rows.values()), default=1)
    thick = _THICK if count == 1 else _THIN
    marks, y = [], above.height + _GAP / 2
    for name, row in rows.items():
        marks.append(canvas.row_name(name, left, y + thick * count / 2))
        for series, mark in enumerate(row):
            if mark is not None:
                at = _Place(scale, y + thick * (series + 0.5), thick, series)
                marks.append(canvas.told(_says(name, mark, series, keys, count), *draw(mark, at)))
        y += thick * count + _GAP
    bottom = y - _GAP / 2
    below = canvas.across(axis, scale, above.height, bottom)
    return Drawing(bottom + AXIS, join([above.marks, below, *marks]))


def _says(name: str, mark: _Mark, series: int, keys: Sequence[Key], count: int) -> str:
    return f"{name}, {keys[series].name}: {mark.label}" if count > 1 else f"{name}: {mark.label}"


def _scale(marks: Sequence[_Mark], left: float) -> Scale:
    """Return a scale that leaves room for the label behind each mark."""
    low = min((mark.ends[0] for mark in marks), default=0.0)
    high = max((mark.ends[1] for mark in marks), default=1.0)
    span = (high - low) or 1.0
    right = min(
        (
            left + (WIDTH - left - _BEHIND - canvas.room_of(mark.label)) * span / (end - low)
            for mark in marks
            if (end := mark.ends[1]) > low
        ),
        default=float(WIDTH),
    )
    return Scale(low, low + span, left, min(right, WIDTH - 8.0))


def _behind(mark: _Mark, at: _Place) -> Html:
    class_ = {"class_": "small"} if at.thick < _THICK else {}
    return canvas.words(mark.label, at.scale(mark.ends[1]) + _BEHIND, at.y, **class_)


def _keys(series: Sequence[str], *, shaped: bool = False) -> list[Key]:
    """Return the legend of several series; an only one needs none."""
    if len(series) < 2:  # noqa: PLR2004 - two are several
        return []
    return [
        Key(
            name, canvas.series_colour(place), 1, canvas.series_shape(place) if shaped else "square"
        )
        for place, name in enumerate(series)
    ]


# Lines


def lines(rows: Rows[Interval], axis: Axis, series: Sequence[str] = ()) -> Drawing:
    """Draw means from left to right, joined by a line for each series, each with its interval.

    The axis begins where the lowest interval does, not at zero.
    """
    above = canvas.legend(_keys(series, shaped=True))
    top = above.height + _TITLE
    upward = _upward(rows, top)
    labels = [axis.write(value) for value in canvas.ticks(*upward[:2], 5, axis.least_step)]
    left = max(map(canvas.room_of, labels), default=0.0) + 9
    count = max(map(len, rows.values()), default=1)
    step = (WIDTH - left) / max(len(rows), 1)
    middles = [left + step * (number + 0.5) for number in range(len(rows))]
    marks = [canvas.words(axis.title, 0, above.height + 6, class_="soft")]
    marks += [canvas.upward(axis, upward, left), _names_below(rows, middles, upward.start, step)]
    for one in range(count):
        beside = (one - (count - 1) / 2) * min(9.0, step / (count + 1))
        points = [
            (name, x + beside, mark)
            for (name, row), x in zip(rows.items(), middles, strict=True)
            if (mark := row[one]) is not None
        ]
        marks += _line(points, one, upward, series, step)
    return Drawing(upward.start + 24, join([above.marks, *marks]))


def _upward(rows: Rows[Interval], top: float) -> Scale:
    """Return the scale of values from bottom to top, which holds every interval."""
    marks = [mark for row in rows.values() for mark in row if mark is not None]
    low = min((mark.low for mark in marks), default=0.0)
    high = max((mark.high for mark in marks), default=1.0)
    return Scale(*canvas.rounded_out(low, high), top + _PLOT, top)


def _names_below(
    names: Iterable[str], middles: Sequence[float], bottom: float, step: float
) -> Html:
    """Return names below an axis: all of them, or as many as there is room for."""
    widest = max(map(canvas.room_of, names), default=0.0)
    shown = [*zip(names, middles, strict=True)][:: max(1, ceil(widest / step))]
    return join(canvas.words(name, x, bottom + 13, "middle", class_="soft") for name, x in shown)


def _line(
    points: Sequence[tuple[str, float, Interval]],
    one: int,
    scale: Scale,
    series: Sequence[str],
    step: float,
) -> list[Html]:
    """Return the line of one series; the labels of an only one too, if a step has room for them."""
    widest = max((canvas.room_of(mark.label) for _, _, mark in points), default=0.0)
    is_labelled = len(series) <= 1 and widest <= step
    colour, shape = canvas.series_colour(one), canvas.series_shape(one)
    ends = {"stroke": colour, "stroke_width": "4", "stroke_opacity": "0.35"}
    through = [(x, scale(mark.mean)) for _, x, mark in points]
    marks = [canvas.path(through, fill="none", stroke=colour, stroke_width="2")] if through else []
    for name, x, mark in points:
        shown = [
            canvas.line(x, scale(mark.low), x, scale(mark.high), **ends),
            canvas.point(x, scale(mark.mean), colour, shape),
        ]
        who = f"{name}, {series[one]}" if len(series) > 1 else name
        if is_labelled:
            above = scale(mark.high) - 12
            shown.append(canvas.words(mark.label, x, above, "middle", class_="above"))
        marks.append(canvas.told(f"{who}: {mark.label}", *shown))
    return marks


# Histograms


def histograms(
    rows: Mapping[str, Sequence[Mapping[int, float]]],
    axis: Axis,
    step: int,
    band: tuple[int, int],
    series: Sequence[str] = (),
) -> Drawing:
    """Draw a histogram for each row, scaled to its highest bar; those of several series overlie.

    Args:
        rows: for each series, the share of all by where a bar begins.
        axis: what is counted.
        step: the width of a bar.
        band: the range that is shaded, its ends included.
        series: the names of several series.
    """
    above = canvas.legend(_keys(series))
    begins = [begin for row in rows.values() for counts in row for begin in counts]
    left = canvas.room_of_names([*rows])
    low, high = min([*begins, band[0]]), max([*begins, band[1]]) + step
    scale = Scale(low, high, left, WIDTH - 8.0)
    bottom = above.height + len(rows) * (_CURVE + _GAP)
    edges = scale(band[0]), above.height, scale(band[1] + 1), bottom
    marks = [canvas.rect(*edges, fill="var(--band)"), canvas.across(axis, scale, bottom, bottom)]
    for number, (name, row) in enumerate(rows.items(), 1):
        base = above.height + number * (_CURVE + _GAP)
        marks.append(canvas.row_name(name, left, base - _CURVE / 2))
        most = max((share for counts in row for share in counts.values()), default=1.0)
        for one, counts in enumerate(row):
            height = Scale(0, most, base, base - _CURVE)
            marks += _curve(counts, one, step, scale, height, is_only=len(row) == 1)
    return Drawing(bottom + AXIS, join([above.marks, *marks]))


def _curve(
    counts: Mapping[int, float], one: int, step: int, x: Scale, y: Scale, *, is_only: bool
) -> list[Html]:
    """Return the bars of one histogram, or their outline where others lie behind it."""
    colour = canvas.series_colour(one)
    if is_only:
        return [
            canvas.told(
                f"{begin} to {begin + step - 1}: {share:.1%}",
                canvas.rect(x(begin) + 0.5, y.start, x(begin + step) - 0.5, y(share), fill=colour),
            )
            for begin, share in sorted(counts.items())
        ]
    if not counts:
        return []
    outline = [(x(min(counts)), y.start)]
    for begin in range(min(counts), max(counts) + step, step):
        share = counts.get(begin, 0.0)
        outline += [(x(begin), y(share)), (x(begin + step), y(share))]
    outline.append((outline[-1][0], y.start))
    drawn = {"fill": colour, "fill_opacity": "0.13", "stroke": colour, "stroke_width": "1.8"}
    return [canvas.path(outline, **drawn)]


# Maps


class Dot(NamedTuple):
    """A point of a map: its place, up from the bottom, and its class or what is written there."""

    x: int
    y: int
    says: str


def scatter(dots: Sequence[Dot], names: Sequence[Dot], **attributes: str) -> Html:
    """Draw points and names on a plane, around which the drawing is cut.

    The script of the page tells what the point with a number is, to pointer and keys alike.

    Args:
        dots: in the order of their numbers; `says` is the class that colours it.
        names: what is written among them.
        attributes: of the drawing, such as its id and its name for those who do not see it.
    """
    left, right = _reach([dot.x for dot in dots])
    top, bottom = _reach([-dot.y for dot in dots])
    circles = [
        tag("circle", cx=str(x), cy=str(-y), r="13", class_=says, data_point=str(number))
        for number, (x, y, says) in enumerate(dots)
    ]
    written = [tag("text", text(says), x=str(x), y=str(-y)) for x, y, says in names]
    box = f"{left} {top} {right - left} {bottom - top}"
    return tag("svg", *circles, *written, viewBox=box, role="group", tabindex="0", **attributes)


def _reach(places: Sequence[int]) -> tuple[int, int]:
    return min(places, default=0) - _EDGE, max(places, default=0) + _EDGE
