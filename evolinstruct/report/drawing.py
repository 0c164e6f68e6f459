"""Charts as SVG: their shapes in the grammar of Vega-Lite, drawn by vl-convert without a browser.

The only user of that library, which an extra installs. Colours are names of the page's own
(``var(--kept)``), so that one drawing is right in light and dark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from evolinstruct.installation import import_extra

Spec = dict[str, Any]
Row = Mapping[str, Any]

_WIDTH = 370
"""Every drawing has this width in pixels, so that all are scaled alike."""
_HEADER = 78
_BAR = 26
_COUNTS = {"tickCount": 4, "format": ",d"}
_TOKENS = {"tickCount": 4, "format": "~s"}
_SHARES = {"tickCount": 5, "format": "%"}
_WORDS = {"tickCount": 6, "format": ",d"}
_POINTS = {"tickCount": 6}
_THICK = {"type": "bar", "cornerRadius": 2, "height": {"band": 0.68}}
_FONT = "system-ui, sans-serif"
_CONFIG: Mapping[str, Any] = {
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--soft)",
        "titleColor": "var(--soft)",
        "titleFontWeight": "normal",
        "titleFontSize": 11,
        "labelFontSize": 11.5,
        "gridColor": "var(--line)",
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "labelLimit": 150,
    },
    "legend": {
        "orient": "top",
        "direction": "horizontal",
        "title": None,
        "labelColor": "var(--ink)",
        "labelFontSize": 11.5,
        "symbolType": "square",
        "offset": 8,
    },
    "header": {
        "labelColor": "var(--ink)",
        "labelFontSize": 11.5,
        "titleColor": "var(--soft)",
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    },
    "text": {"color": "var(--ink)", "fontSize": 11.5},
}
_CLIP = re.compile(r'(?<=id=")clip\d+(?=")|(?<=url\(#)clip\d+(?=\))')
_SIZE = re.compile(r'^<svg([^>]*?) width="(\d+)" height="(\d+)"')


# The shapes of charts


def ranked(by: str, title: str, values: Sequence[Row], colour: str) -> Spec:
    """Return a bar for each value, in their order, with its label behind it.

    Args:
        by: the field that names a value.
        title: what is counted.
        values: each with its name, ``count`` and ``label``.
        colour: of the bars.
    """
    count = {"field": "count", "type": "quantitative"}
    bars = {
        "mark": {**_THICK, "color": colour},
        "encoding": {"x": {**count, "title": title, "axis": _COUNTS}},
    }
    figures = {
        "mark": {"type": "text", "align": "left", "dx": 5},
        "encoding": {"x": count, "text": {"field": "label"}},
    }
    return _by_row(by, [str(value[by]) for value in values], [bars, figures], values)


def shares(
    by: str, part: str, values: Sequence[Row], colours: Mapping[str, str], labels: Sequence[Row]
) -> Spec:
    """Return bars of the same length, each divided into its parts, with a label in it.

    Args:
        by: the field that names a bar.
        part: the field that names a part.
        values: the parts, each with its names, its ``place`` in the bar and its ``count``.
        colours: of each part that there is.
        labels: of each bar, with its name, in order: ``label``.
    """
    x = {"field": "count", "type": "quantitative", "title": "evolutions", "axis": _SHARES}
    bars = {
        "data": {"values": values},
        "mark": _THICK,
        "encoding": {
            "x": {**x, "stack": "normalize"},
            "color": _coloured(part, colours),
            "order": {"field": "place"},
        },
    }
    written = {
        "data": {"values": labels},
        "mark": {
            "type": "text",
            "align": "left",
            "dx": 7,
            "color": "var(--on-kept)",
            "fontWeight": "bold",
        },
        "encoding": {"x": {"datum": 0}, "text": {"field": "label"}},
    }
    return _by_row(by, [str(label[by]) for label in labels], [bars, written])


def stacked(
    by: str, part: str, names: Sequence[str], values: Sequence[Row], colours: Mapping[str, str]
) -> Spec:
    """Return bars of tokens, each made of its parts.

    Args:
        by: the field that names a bar.
        part: the field that names a part.
        names: of the bars, in order.
        values: the parts, each with its names and its ``count``.
        colours: of each part.
    """
    x = {"field": "count", "type": "quantitative", "title": "tokens", "axis": _TOKENS}
    bars = {"mark": _THICK, "encoding": {"x": x, "color": _coloured(part, colours)}}
    return _by_row(by, names, [bars], values)


def spreads(by: str, values: Sequence[Row]) -> Spec:
    """Return a line for nearly all, a bar for the middle half and a tick for the median of each.

    Args:
        by: the field that names a value.
        values: each with its name, ``low``, ``lower``, ``median``, ``upper`` and ``high``.
    """
    words = {"type": "quantitative", "title": "words", "axis": _WORDS}
    line = {
        "mark": {"type": "rule", "color": "var(--soft)", "strokeWidth": 1.5},
        "encoding": {"x": {"field": "low", **words}, "x2": {"field": "high"}},
    }
    half = {
        "mark": {**_THICK, "color": "var(--kept)", "height": {"band": 0.5}},
        "encoding": {"x": {"field": "lower", **words}, "x2": {"field": "upper"}},
    }
    median = {
        "mark": {"type": "tick", "color": "var(--on-kept)", "thickness": 2.5, "size": 13},
        "encoding": {"x": {"field": "median", **words}},
    }
    return _by_row(by, [str(value[by]) for value in values], [line, half, median], values)


def means(by: str, title: str, values: Sequence[Row], colour: str) -> Spec:
    """Return a point for each mean, the line in which it lies, and its label behind that.

    Args:
        by: the field that names a mean.
        title: what is meant.
        values: each with its name, ``low``, ``mean``, ``high`` and ``label``, in order.
        colour: of the points.
    """
    x = {"type": "quantitative", "title": title, "axis": _POINTS, "scale": {"zero": True}}
    line = {
        "mark": {"type": "rule", "color": colour, "strokeWidth": 3, "opacity": 0.45},
        "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}},
    }
    point = {
        "mark": {"type": "point", "filled": True, "size": 70, "color": colour, "opacity": 1},
        "encoding": {"x": {"field": "mean", **x}},
    }
    figures = {
        "mark": {"type": "text", "align": "left", "dx": 8},
        "encoding": {"x": {"field": "high", **x}, "text": {"field": "label"}},
    }
    return _by_row(by, [str(value[by]) for value in values], [line, point, figures], values)


def histograms(
    by: str,
    names: Sequence[str],
    values: Sequence[Row],
    *,
    title: str,
    step: int,
    ticks: Sequence[int],
    band: tuple[int, int],
) -> Spec:
    """Return a histogram for each name, one below the other, each scaled to its highest bar.

    Args:
        by: the field that names a histogram.
        names: in order.
        values: bars, each with its name, ``start``, ``end`` and ``count``.
        title: what is counted.
        step: the width of a bar.
        ticks: where the axis has them.
        band: the range that is shaded.
    """
    shade = {
        "mark": {"type": "rect", "color": "var(--band)"},
        "encoding": {
            "x": {"datum": band[0], "type": "quantitative"},
            "x2": {"datum": band[1] + 1},
        },
    }
    bars = {
        "mark": {"type": "bar", "color": "var(--kept)", "binSpacing": 1},
        "encoding": {
            "x": {
                "field": "start",
                "type": "quantitative",
                "title": title,
                "axis": {"grid": False, "values": ticks},
                "bin": {"binned": True, "step": step},
            },
            "x2": {"field": "end"},
            "y": {"field": "count", "type": "quantitative", "axis": None},
        },
    }
    header = {"labelAngle": 0, "labelAlign": "left"}
    return {
        "data": {"values": values},
        "facet": {"row": {"field": by, "sort": list(names), "title": None, "header": header}},
        "spacing": 6,
        "spec": {"width": _WIDTH - _HEADER, "height": 34, "layer": [shade, bars]},
        "resolve": {"scale": {"y": "independent"}},
    }


def _coloured(part: str, colours: Mapping[str, str]) -> Spec:
    return {"field": part, "scale": {"domain": [*colours], "range": [*colours.values()]}}


def _by_row(
    by: str, names: Sequence[str], layers: Sequence[Spec], values: Sequence[Row] = ()
) -> Spec:
    """Return layers that share a row for each name, in their order."""
    return {
        "width": _WIDTH,
        "height": {"step": _BAR},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": list(values)},
        "encoding": {
            "y": {
                "field": by,
                "type": "nominal",
                "sort": list(names),
                "title": by if by == "generation" else None,
                "axis": {"grid": False},
            }
        },
        "layer": list(layers),
    }


# Drawing


class Drawing:
    """Draws charts."""

    def __init__(self) -> None:
        """Get ready.

        Raises:
            InputError: the library is not installed.
        """
        self._clips = 0
        self._library = import_extra("vl_convert", "report", "A report with charts")

    def draw(self, spec: Mapping[str, Any]) -> str:
        """Return the SVG of a Vega-Lite specification; the page gives it its width."""
        whole = {**spec, "config": _CONFIG}
        svg: str = self._library.vegalite_to_svg(whole, show_warnings=False)
        return self._renamed(_SIZE.sub(r"<svg\1", svg, count=1))

    def _renamed(self, svg: str) -> str:
        """Return the drawing with ids that are unique on the page and the same every time."""
        found = dict.fromkeys(_CLIP.findall(svg), "")
        for name in found:
            self._clips += 1
            found[name] = f"clip-{self._clips}"
        return _CLIP.sub(lambda match: found[match[0]], svg)
