"""Prose and data: which lines of a text are code, tables or other data, and how many words are not.

A line counts as data by its own form, or because it stands in a fence. In doubt it is prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evolinstruct.words import count_words

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_DATA_LINE = re.compile(
    r"(?:\s*[-+|=: ]{5,}|\s*+(?:"
    r"\|.*\||[^|\n]*+\|[^|\n]*+\|.*"  # tables
    r"|</?[A-Za-z!?][^<>\n]*>.*|.*</[\w:-]+>"  # XML, HTML
    r"|[\[\]{}()]+[,;]?|[\"'][\w .-]+[\"']\s*:.*|[{\[].*[}\]],?"  # JSON
    r"|[^\s,][^\n,]*+,[^\s,][^\n]*,\S.*"  # CSV
    r"|(?:def|class|import|from|return|for|while|if|elif|else|try|with|print|raise|echo|export|const"
    r"|let|var|function|public|private|fi|done|then)\b[^.?!\n]*[:;({)\]}]\s*"  # code
    r"|(?>.*\S)(?<=[;{}])|#!.*|\$ .*"
    r"|\w[\w.\[\]]* ?(?:[-+*/]?=|:=|<-) ?\S.*"
    r"|(?:SELECT|FROM|WHERE|INSERT|UPDATE|DELETE|CREATE|ALTER|(?:LEFT |INNER )?JOIN|GROUP BY"
    r"|ORDER BY"
    r"|VALUES|HAVING)\b.*"  # SQL
    r"|\[?\d{4}-\d\d-\d\d[T ].*|\[?\d\d:\d\d:\d\d.*"  # logs
    r"|(?:- )?[\w.-]+:(?: [^.?!\n]{0,60})?"  # YAML
    r"))\s*"
)
_RUN = 3
"""So many lines of data in a row are a block; fewer may be prose that looks like it."""


def _data_blocks(text: str) -> Iterator[list[str]]:
    """Yield the blocks of data: lines in a fence, or so many in a row that look like data."""
    if "```" in text or "~~~" in text:
        yield from _runs(text.split("\n"))
        return
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        if any(map(_DATA_LINE.fullmatch, lines[_RUN - 1 :: _RUN])):  # a block has one of these
            yield from _runs(lines)


def _runs(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the runs of lines that are fenced or look like data, if they make up a block."""
    run: list[str] = []
    fence, is_fenced = "", False
    for line in lines:
        mark = _FENCE.match(line)
        if mark and not fence:
            fence, is_fenced = mark[1], True
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not (fence or (_DATA_LINE.fullmatch(line) and not line.isspace())):
            if is_fenced or len(run) >= _RUN:
                yield run
            run, is_fenced = [], False
            continue
        run.append(line)
    if is_fenced or len(run) >= _RUN:
        yield run


_LONGEST = 200_000  # characters; a longer text is data


def count_prose(text: str) -> int:
    """Return how many words a text has that are neither code nor data."""
    count = count_words(text)
    if "\n" not in text or len(text) > _LONGEST:
        return count
    return count - sum([count_words("\n".join(lines)) for lines in _data_blocks(text)])


def holds_data(text: str) -> bool:
    """Tell whether a text holds a block of code or data."""
    return "\n" in text and any(_data_blocks(text))
