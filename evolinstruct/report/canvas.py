"""What charts are drawn with: scales, axes, legends and texts, as SVG in the colours of the page.

A drawing is as wide as a phone shows it, and a card is no wider than two of them, so that its texts
are about as large as those around it. Widths of texts are estimated, because no font is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import NamedTuple
from unicodedata import east_asian_width

from evolinstruct.report.markup import Html, join, tag, text
from evolinstruct.text import number, shorten

WIDTH = 360
LEGEND = 22
"""The height of a line of a legend."""
AXIS = 40
"""The height of an axis with its title."""
_LETTER = 7.0
_SMALL_LETTER = 6.4
_LONGEST = 20
"""At most so many letters of a name stand beside its row; all of them stand in its tooltip."""
_SERIES = 6
_SHAPES = ("circle", "square", "diamond", "triangle", "ring", "cross")


class Drawing(NamedTuple):
    """Marks of a height; `shown` makes them an image."""

    height: float
    marks: Html


class Scale(NamedTuple):
    """Where values lie between two places."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        part = (value - self.low) / (self.high - self.low) if self.high != self.low else 0.0
        return self.start + part * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured.

    Attributes:
        title: its name.
        write: writes a value.
        least_step: numbers at the axis are at least so far apart.
    """

    title: str
    write: Callable[[float], str] = number
    least_step: float = 1.0


class Key(NamedTuple):
    """An entry of a legend: a name, its colour, how strong that is, and the shape of its mark."""

    name: str
    colour: str
    strength: float = 1.0
    shape: str = "square"


def series_colour(place: int) -> str:
    """Return the colour of a run, or of anything else that is one of several, by its place."""
    return f"var(--series-{place % _SERIES + 1})"


def series_shape(place: int) -> str:
    """Return the shape of its points, so that no colour has to tell it alone."""
    return _SHAPES[place % _SERIES]


def shown(drawing: Drawing, title: str, says: str) -> Html:
    """Return a drawing as an image that is named and described; the page gives it its width."""
    return tag(
        "svg",
        tag("desc", text(says)),
        drawing.marks,
        class_="drawing",
        viewBox=f"0 0 {WIDTH} {place(drawing.height)}",
        role="img",
        aria_label=title,
    )


def place(value: float) -> str:
    """Write a coordinate, the same on every machine."""
    return f"{round(value, 1):zg}"


# Marks


def told(says: str, *marks: Html) -> Html:
    """Return marks as one, with what it tells to whoever points at it."""
    return tag("g", tag("title", text(says)), *marks)


def rect(left: float, top: float, right: float, bottom: float, **attributes: str) -> Html:
    """Return a rectangle between its edges, whichever way round they are given."""
    return tag(
        "rect",
        x=place(min(left, right)),
        y=place(min(top, bottom)),
        width=place(abs(right - left)),
        height=place(abs(bottom - top)),
        **attributes,
    )


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str) -> Html:
    """Return a straight line."""
    return tag("line", x1=place(x1), y1=place(y1), x2=place(x2), y2=place(y2), **attributes)


def path(points: Sequence[tuple[float, float]], **attributes: str) -> Html:
    """Return a line through points."""
    return tag("path", d="M" + "L".join(f"{place(x)},{place(y)}" for x, y in points), **attributes)


def words(said: str, x: float, y: float, anchor: str = "start", **attributes: str) -> Html:
    """Return a text whose middle is at a height."""
    return tag(
        "text", text(said), x=place(x), y=place(y), text_anchor=anchor, dy="0.35em", **attributes
    )


def point(x: float, y: float, colour: str, shape: str = "circle") -> Html:
    """Return a mark of a shape."""
    if shape in {"circle", "ring"}:
        fill = colour if shape == "circle" else "var(--card)"
        size = {"cx": place(x), "cy": place(y), "r": "4.5"}
        return tag("circle", **size, fill=fill, stroke=colour, stroke_width="1.5")
    outline = {
        "square": "M-4,-4H4V4H-4Z",
        "diamond": "M0,-5.5L5.5,0L0,5.5L-5.5,0Z",
        "triangle": "M0,-5.5L5.5,4.5H-5.5Z",
        "cross": "M-4,-4L4,4M4,-4L-4,4",
    }[shape]
    moved = f"translate({place(x)},{place(y)})"
    return tag("path", d=outline, transform=moved, fill=colour, stroke=colour, stroke_width="1.5")


# Legends


def legend(keys: Sequence[Key], left: float = 0.0) -> Drawing:
    """Return a legend of as many lines as it takes."""
    marks: list[Html] = []
    x, y = left, LEGEND / 2 - 3
    for key in keys:
        name = shorten(key.name, 2 * _LONGEST)
        width = 30 + room_of(name)
        if x > left and x + width > WIDTH:
            x, y = left, y + LEGEND
        marks += [_swatch(key, x + 5, y), words(name, x + 15, y)]
        x += width
    return Drawing(y + LEGEND / 2 + 6 if keys else 0.0, join(marks))


def _swatch(key: Key, x: float, y: float) -> Html:
    if key.shape != "square":
        return point(x, y, key.colour, key.shape)
    strength = {} if key.strength == 1 else {"opacity": place(key.strength)}
    return rect(x - 5, y - 5, x + 5, y + 5, fill=key.colour, rx="2", **strength)


# Axes


def ticks(low: float, high: float, most: int = 5, least_step: float = 0.0) -> list[float]:
    """Return round numbers from low to high, about so many at most."""
    if high <= low:
        return [low]
    unit = 10.0 ** floor(log10((high - low) / most))
    step = next(unit * part for part in (1, 2, 5, 10) if (high - low) / (unit * part) <= most)
    step = max(step, least_step)
    return [count * step for count in range(ceil(low / step), floor(high / step + 1e-9) + 1)]


def rounded_out(low: float, high: float, most: int = 5) -> tuple[float, float]:
    """Return the ends of an axis that holds both, at round numbers."""
    if high <= low:
        return low - 1, high + 1
    numbers = ticks(low, high, most)
    step = numbers[1] - numbers[0] if len(numbers) > 1 else high - low
    return floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step


def across(axis: Axis, scale: Scale, top: float, bottom: float) -> Html:
    """Return an axis along the bottom, with lines up to the top."""
    numbers = ticks(scale.low, scale.high, 5, axis.least_step)
    marks = list(_grid(numbers, scale, top, bottom))
    for value in numbers:
        x, said = scale(value), axis.write(value)
        half = _SMALL_LETTER * width_of(said) / 2
        marks.append(words(said, min(x, WIDTH - half), bottom + 11, "middle", class_="soft"))
    title = words(axis.title, _middle(scale, axis.title), bottom + 28, "middle", class_="soft")
    return join([*marks, title])


def _grid(numbers: Sequence[float], scale: Scale, top: float, bottom: float) -> Iterator[Html]:
    for value in numbers:
        kind = "zero" if value == 0 and scale.low < 0 else "grid"
        yield line(scale(value), top, scale(value), bottom, class_=kind)


def _middle(scale: Scale, title: str) -> float:
    """Return the middle of an axis, or of the room that a long title needs."""
    half = _SMALL_LETTER * width_of(title) / 2
    return max(half, min((scale.start + scale.end) / 2, WIDTH - half))


def upward(axis: Axis, scale: Scale, left: float) -> Html:
    """Return an axis along the left, with lines to the right edge."""
    marks: list[Html] = []
    for value in ticks(scale.low, scale.high, 5, axis.least_step):
        y = scale(value)
        marks.append(line(left, y, WIDTH, y, class_="grid"))
        marks.append(words(axis.write(value), left - 7, y, "end", class_="soft"))
    return join(marks)


# Texts


def width_of(said: str) -> int:
    """Return about how many letters wide a text is."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in said)


def room_of(said: str) -> float:
    """Return about how wide a text is drawn."""
    return _LETTER * width_of(said)


def room_of_names(names: Sequence[str]) -> float:
    """Return how wide the names beside rows are, the space behind them included."""
    return max((room_of(shorten(name, _LONGEST)) for name in names), default=0.0) + 9


def row_name(name: str, right: float, y: float) -> Html:
    """Return the name of a row, before its marks."""
    drawn = words(shorten(name, _LONGEST), right - 8, y, "end")
    return told(name, drawn) if len(name) > _LONGEST else drawn
