"""A chart becomes an SVG: Vega-Lite, drawn by vl-convert, with no browser and no network.

The only user of that library, which an extra installs. Colours are names of the page's own
(``var(--kept)``), so that one drawing is right in light and dark. Knows nothing of what it draws.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evolinstruct.installation import import_extra

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
        """Return the SVG of a Vega-Lite specification; it takes the width that it is given."""
        whole = {**spec, "config": _CONFIG}
        svg: str = self._library.vegalite_to_svg(whole, show_warnings=False)
        return self._renamed(_SIZE.sub(r"<svg\1", svg, count=1))

    def _renamed(self, svg: str) -> str:
        """Return the drawing with ids that are its own on the page, and the same each time."""
        found = dict.fromkeys(_CLIP.findall(svg), "")
        for name in found:
            self._clips += 1
            found[name] = f"clip-{self._clips}"
        return _CLIP.sub(lambda match: found[match[0]], svg)
