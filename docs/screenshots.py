"""Makes docs/images: the terminal and the report of the demo run, as a person sees them.

    python -m docs.screenshots

Knows how output is turned into pictures: the program runs in a process of its own and is told that
it may use colours, rich draws what it printed, and Chromium draws the report. Knows nothing of what
they show. Where there is no Chromium, the pictures of the report stay as they are.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

FOLDER = Path(__file__).parent / "images"
SHOTS = {
    "evolve": "evolinstruct evolve starter -o demo --client offline",
    "show": "evolinstruct show demo --operation concretize --limit 3",
    "trace": "evolinstruct trace demo 25ad9b76",
    "stats": "evolinstruct stats demo",
}
"""Of each picture, the command line; the first one makes the run that the others look at."""
REPORT = "evolinstruct report demo -o report.html"
THEMES = {"light": 1, "dark": 0}
"""What Chromium calls the themes that a system prefers."""

_BIN = Path(sys.executable).parent
_WIDTH = 92
_MOST_LINES = 48
_PAGE = (1200, 1205)
_COLOURS = TerminalTheme(
    (24, 26, 31),
    (214, 217, 224),
    [
        *((60, 64, 72), (240, 128, 128), (126, 200, 140), (229, 192, 110)),
        *((120, 170, 240), (200, 150, 230), (110, 200, 205), (214, 217, 224)),
    ],
)
_DRAWING = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""
"""A frame like rich's own, but with no font from a network."""
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", f"--window-size={_PAGE[0]},{_PAGE[1]}", "--virtual-time-budget=5000"),
)


def take(folder: Path) -> None:
    """Make every picture; the run and the report are made in a folder."""
    for name, line in SHOTS.items():
        picture = _drawn(line, _printed(line, folder), name)
        (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")
    _printed(REPORT, folder)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("SKIPPED report: chromium", file=sys.stderr)  # noqa: T201 - a script's word
        return
    for theme in THEMES:
        _photographed(chromium, folder, theme)


def _printed(line: str, folder: Path) -> str:
    """Return what a command prints where it may use colours, stdout and stderr in their order."""
    path = f"{_BIN}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    terminal = {"COLUMNS": str(_WIDTH), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    return subprocess.run(  # noqa: S603 - the lines stand above
        ["/bin/sh", "-c", line],
        cwd=folder,
        env={**kept, **terminal, "PATH": path, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout


def _drawn(line: str, printed: str, name: str) -> str:
    """Return a drawing of a terminal; of a long output, its beginning."""
    shown = printed.rstrip().splitlines()
    if len(shown) > _MOST_LINES:
        shown = [*shown[:_MOST_LINES], "…"]
    console = Console(record=True, width=_WIDTH + 1, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {line}", style="bold"))
    console.print(Text.from_ansi("\n".join(shown)), end="\n\n")
    return console.export_svg(
        title="", theme=_COLOURS, code_format=_DRAWING, unique_id=f"terminal-{name}"
    )


def _photographed(chromium: str, folder: Path, theme: str) -> None:
    """Make a picture of the report in a system that prefers a theme."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(  # noqa: S603 - the browser that was found, with flags from above
            [
                chromium,
                *_FLAGS,
                f"--user-data-dir={profile}",
                f"--blink-settings=preferredColorScheme={THEMES[theme]}",
                f"--screenshot={FOLDER / f'report-{theme}.png'}",
                (folder / "report.html").as_uri(),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=120,
        )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        take(Path(made))
