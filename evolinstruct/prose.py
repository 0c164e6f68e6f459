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
    r"|[\[\]{}()]+[,;]?|[\"'][\w .-]+[\"']\s*:.*|[{\[].*[}\]],?|\([^()\n]*\)[,;]"  # JSON
    r"|[^\s,][^\n,]*+,[^\s,][^\n]*,\S.*|[^\s;][^\n;]*+;[^\s;][^\n]*;\S.*"  # CSV
    r"|EOF|END|(?:awk|cat|curl|cut|find|git|grep|head|ls|pip|sed|sort|tail)"
    r"(?= [^\n]*(?<= )[-|<>~$/]\S?).+"  # shell
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


def find_blocks(text: str) -> Iterator[range]:
    """Yield the blocks of data, as numbers of lines from 0.

    They are lines in a fence, or so many in a row that look like data.
    """
    if "```" in text or "~~~" in text:
        yield from _runs(text.split("\n"), 0)
        return
    first = 0
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        if any(map(_DATA_LINE.fullmatch, lines[_RUN - 1 :: _RUN])):  # a block has one of these
            yield from _runs(lines, first)
        first += len(lines) + 1


def _runs(lines: Sequence[str], first: int) -> Iterator[range]:
    """Yield the runs of lines that are fenced or look like data, if they make up a block."""
    begin, fence, is_fenced = first, "", False
    for number, line in enumerate(lines, first):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence, is_fenced = mark[1], True
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not (fence or (_DATA_LINE.fullmatch(line) and not line.isspace())):
            if is_fenced or number - begin >= _RUN:
                yield range(begin, number)
            begin, is_fenced = number + 1, False
    end = first + len(lines)
    if is_fenced or end - begin >= _RUN:
        yield range(begin, end)


_LONGEST = 200_000  # characters; a longer text is data


def count_prose(text: str) -> int:
    """Return how many words a text has that are neither code nor data."""
    return count_words(text) - count_data(text)


def count_data(text: str) -> int:
    """Return how many words a text has in its blocks of code or data."""
    if "\n" not in text or len(text) > _LONGEST:
        return 0
    blocks = list(find_blocks(text))
    lines = text.split("\n") if blocks else []
    return sum([count_words("\n".join(lines[block.start : block.stop])) for block in blocks])


def holds_data(text: str) -> bool:
    """Tell whether a text holds a block of code or data."""
    return "\n" in text and any(find_blocks(text))
