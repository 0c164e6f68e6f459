"""Prose and data: which lines of a text are code, tables or other data, and how many words are not.

A line counts as data by its own form, or because it stands in a fence. In doubt it is prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from evolinstruct.words import count_words

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_DATA_LINE = re.compile(
    r"\s*(?:"
    r"\|.*\||[^|\n]*\|[^|\n]*\|.*|[-+|=: ]{5,}"  # tables
    r"|</?[A-Za-z!?][^<>\n]*>.*|.*</[\w:-]+>"  # XML, HTML
    r"|[\[\]{}()]+[,;]?|[\"'][\w .-]+[\"']\s*:.*|[{\[].*[}\]],?"  # JSON
    r"|[^\s,][^\n,]*,[^\s,][^\n]*,\S.*"  # CSV
    r"|(?:def|class|import|from|return|for|while|if|elif|else|try|with|print|raise|echo|export|const"
    r"|let|var|function|public|private|fi|done|then)\b[^.?!\n]*[:;({)\]}]\s*"  # code
    r"|.*[;{}]|#!.*|\$ .*"
    r"|\w[\w.\[\]]* ?(?:[-+*/]?=|:=|<-) ?\S.*"
    r"|(?:SELECT|FROM|WHERE|INSERT|UPDATE|DELETE|CREATE|ALTER|(?:LEFT |INNER )?JOIN|GROUP BY"
    r"|ORDER BY"
    r"|VALUES|HAVING)\b.*"  # SQL
    r"|\[?\d{4}-\d\d-\d\d[T ].*|\[?\d\d:\d\d:\d\d.*"  # logs
    r"|(?:- )?[\w.-]+:(?: [^.?!\n]{0,60})?"  # YAML
    r")\s*"
)
_RUN = 3
"""So many lines of data in a row are a block; fewer may be prose that looks like it."""


def _lines(text: str) -> Iterator[tuple[str, bool, bool]]:
    """Yield each line, whether it stands in a fence, and whether it looks like data."""
    fence = ""
    for line in text.split("\n"):
        opened = _FENCE.match(line)
        if fence:
            yield line, True, True
            if opened and opened[1].startswith(fence):
                fence = ""
        elif opened:
            fence = opened[1]
            yield line, True, True
        else:
            yield line, False, bool(line.strip()) and _DATA_LINE.fullmatch(line) is not None


def _blocks(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield the text in runs of lines: whether each is a block of data, and its lines."""
    for looks_like_data, run in groupby(_lines(text), key=lambda each: each[2]):
        lines = list(run)
        fenced = any(in_fence for _, in_fence, _ in lines)
        yield looks_like_data and (fenced or len(lines) >= _RUN), [line for line, _, _ in lines]


_LONGEST = 200_000  # characters; a longer text is data


def count_prose(text: str) -> int:
    """Return how many words a text has that are neither code nor data."""
    if "\n" not in text or len(text) > _LONGEST:
        return count_words(text)
    return sum(count_words("\n".join(lines)) for is_data, lines in _blocks(text) if not is_data)


def holds_data(text: str) -> bool:
    """Tell whether a text holds a block of code or data."""
    return "\n" in text and any(is_data for is_data, _ in _blocks(text))
