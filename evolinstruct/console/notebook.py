"""What a person sees beneath the cell of a notebook: words, then how far something is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console as Terminal
from rich.console import Group, RenderableType
from rich.jupyter import JupyterMixin
from rich.text import Text

from evolinstruct.console import Console, Drawing


def is_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    return Terminal().is_jupyter


class NotebookConsole(Console):
    """Says and draws in one output of a cell, as HTML without scripts and as plain text."""

    def __init__(self) -> None:
        """Say nothing yet."""
        super().__init__()
        self.is_drawn_on = True
        self.terminal = self._output = _Output()

    def draw(self, lines: Callable[[int], Text]) -> Drawing:
        """Begin to draw lines that fit a width, beneath all that is said meanwhile."""
        return _Lines(self._output, lines)


class _Output(Terminal):
    """One output of a cell, which is replaced as it grows."""

    def __init__(self) -> None:
        super().__init__(force_jupyter=True)
        self._said: list[RenderableType] = []
        self._handle: Any = None

    def print(self, *objects: Any, **_: Any) -> None:
        """Add something that stays."""
        self._said += objects
        self.show()

    def show(self, *drawn: RenderableType) -> None:
        """Show what was said, and beneath it what is drawn just now."""
        from IPython.display import display  # noqa: PLC0415 - where there is a notebook

        whole = _Whole(Group(*self._said, *drawn))
        if self._handle is None:
            self._handle = display(whole, display_id=True)
        else:
            self._handle.update(whole)


class _Whole(JupyterMixin):
    """The whole output, which a notebook asks for its HTML and its plain text."""

    def __init__(self, parts: Group) -> None:
        self._parts = parts

    def __rich__(self) -> Group:
        return self._parts


class _Lines:
    """Lines that are drawn anew beneath what was said."""

    def __init__(self, output: _Output, lines: Callable[[int], Text]) -> None:
        self._output = output
        self._lines = lines

    def refresh(self) -> None:
        self._output.show(self._lines(self._output.width))

    def stop(self) -> None:
        self._output.show()
