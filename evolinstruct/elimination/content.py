"""Rules for what an in-depth rewrite must keep: code, tables, quotes, numbers, links, the input.

Each rule drops a rewrite only where all or nearly all of a kind is gone, because a good rewrite may
quote more briefly, and a task about code may come back with other code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from evolinstruct.elimination.rule import Parameter, Rewrite, Rule
from evolinstruct.text import on_one_line

_LOST = "the model answers or shortens the instruction instead of rewriting it"


_SHOWN = 60  # characters of evidence
_WORD = re.compile(r"\w+")


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


# Blocks

_FENCED = re.compile(r"^[ \t]*(```|~~~)[^\n]*\n(.*?)^[ \t]*\1", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^[^|\n]*\|[^|\n]*\|[^\n]*$", re.MULTILINE)
_CODE_LINE = re.compile(
    r"^\s*(?:def |class |import |from \w+ import |for .*:$|if .*:$|return\b|print\(|#include"
    r"|SELECT "
    r"|INSERT |UPDATE |CREATE |public |private |function |const |let |var |<\w+[^>\n]*>|[{}]\s*$"
    r"|\$ )|[;{]\s*$|^\s*\w+ *(?:[-+*/]?=|:=) *\S",
    re.MULTILINE,
)
_ROWS = 2  # fewer rows make no table
_LINE = 8  # characters: a shorter line of code stands in many programs


def _block_lost(rewrite: Rewrite) -> str | None:
    if not rewrite.in_depth:
        return None
    parent, child = rewrite.parent, rewrite.child
    if ("```" in parent or "~~~" in parent) and (code := _code_lost(parent, child)):
        return f'no code is left of "{on_one_line(code, _SHOWN)}"'
    if "|" in parent and (table := _table_lost(parent, child)):
        return f'no table is left of "{on_one_line(table, _SHOWN)}"'
    return None


def _code_lost(parent: str, child: str) -> str | None:
    """Return the parent's first fenced block if the child holds no code, old or new."""
    blocks = [found[2].strip() for found in _FENCED.finditer(parent)]
    blocks = [block for block in blocks if block]
    if not blocks or "```" in child or "~~~" in child or _CODE_LINE.search(child):
        return None
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    if any(len(line) >= _LINE and line in child for line in lines):
        return None
    return None if any(block in child for block in blocks) else blocks[0]


def _table_lost(parent: str, child: str) -> str | None:
    """Return the first row of the parent's table if most of the table's cells are gone."""
    rows = [row[0].strip() for row in _ROW.finditer(parent)]
    if len(rows) < _ROWS or len(_ROW.findall(child)) >= _ROWS:
        return None
    cells = {cell.strip().lower() for row in rows for cell in row.split("|")}
    cells = {cell for cell in cells if any(map(str.isalnum, cell))}
    text = child.lower()
    kept = sum(cell in text for cell in cells)
    return rows[0] if cells and kept * 2 < len(cells) else None


# Quotes

_QUOTED = re.compile(
    r'(?<!\w)"([^"\n]{8,600}+)"(?!\w)|“([^”\n]{8,600}+)”|«([^»\n]{8,600}+)»|„([^“”\n]{8,600}+)[“”]'
    r"|「([^」\n]{4,600}+)」|『([^』\n]{4,600}+)』"
)
_MARKS = (("“", "”"), ("«", "»"), ("„", "“"), ("„", "”"), ("「", "」"), ("『", "』"))
_KEPT_WORDS = 0.5


def _has_quotes(text: str) -> bool:
    if text.count('"') > 1:
        return True
    return not text.isascii() and any(begin in text and end in text for begin, end in _MARKS)


def _quote_lost(rewrite: Rewrite, *, words: float = 4) -> str | None:
    if not rewrite.in_depth or not _has_quotes(rewrite.parent):
        return None
    quotes = ["".join(filter(None, found.groups())) for found in _QUOTED.finditer(rewrite.parent)]
    quotes = [quote for quote in quotes if len(quote.split()) >= words or not quote.isascii()]
    if not quotes or _any_kept(quotes, rewrite.child):
        return None
    return f'"{on_one_line(quotes[0], _SHOWN)}" is gone'


def _any_kept(passages: Iterable[str], text: str) -> bool:
    """Tell whether the text holds one of the passages, or at least half of its words."""
    there = None
    for passage in passages:
        if passage in text:
            return True
        there = _words(text) if there is None else there
        own = _words(passage)
        if len(own & there) >= _KEPT_WORDS * len(own):
            return True
    return False


# Numbers

_FIRST_NUMBERS = 9
_FEW_NUMBERS = 3
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_SPELLED = (
    "zero|null|cero|zéro one|eins|ein|eine|uno|una|un|une|一 two|zwei|dos|deux|二|两 three"
    "|drei|tres"
    "|trois|三 four|vier|cuatro|quatre|四 five|fünf|cinco|cinq|五 six|sechs|seis|六 seven|sieben"
    "|siete|sept|七 eight|acht|ocho|huit|八 nine|neun|nueve|neuf|九 ten|zehn|diez|dix|十"
)
_DIGIT_OF = {
    word: str(value) for value, words in enumerate(_SPELLED.split(" ")) for word in words.split("|")
}


def _number_lost(rewrite: Rewrite, *, numbers: float = 2) -> str | None:
    parent, child = rewrite.parent, rewrite.child
    if not rewrite.in_depth or (
        parent.isascii() and not any([digit in parent for digit in "0123456789"])  # noqa: C419 - faster
    ):
        return None
    if any(_is_kept(found[0], child) for found in islice(_DIGITS.finditer(parent), _FIRST_NUMBERS)):
        return None  # most rewrites keep a number of two digits or more
    own = {_plain(number) for number in _NUMBER.findall(parent)}
    if len(own) < numbers:
        return None
    there = {_plain(number) for number in _NUMBER.findall(child)}
    if not own.isdisjoint(there) or not own.isdisjoint(_spelled(child)):
        return None
    if len(own) <= _FEW_NUMBERS and len(there) >= len(own) and len(child) > 2 * len(parent):
        return None  # a larger task of the kind has numbers of its own
    shown = sorted(own, key=lambda number: (len(number), number))
    return f"none of {', '.join(shown[:6])} is left"


def _is_kept(digits: str, text: str) -> bool:
    return len(digits) > 1 and digits in text


def _plain(number: str) -> str:
    return number.replace(",", "").rstrip(".")


def _spelled(text: str) -> set[str]:
    words = _words(text) if text.isascii() else _words(text) | set(text)
    return {_DIGIT_OF[word] for word in words if word in _DIGIT_OF}


# Links

_LINK = re.compile(r"(?:https?://|ftp://|www\.)[^\s<>\"'`\])}]+", re.IGNORECASE)


def _link_lost(rewrite: Rewrite) -> str | None:
    parent = rewrite.parent
    if not rewrite.in_depth or ("://" not in parent and "www." not in parent.lower()):
        return None
    links = [found.rstrip(".,;:!?") for found in _LINK.findall(parent)]
    if not links or any(_host(link) in rewrite.lower for link in links):
        return None
    return f"{on_one_line(links[0], _SHOWN)} is gone"


def _host(link: str) -> str:
    return (
        link.lower().partition("://")[2].removeprefix("www.").partition("/")[0]
        or (link.lower().removeprefix("www.").partition("/")[0])
    )


# The input

_SHORT_INPUT = 5  # words: a shorter input may be put into other words


def _input_lost(rewrite: Rewrite, *, share: float = 0.3) -> str | None:
    given = rewrite.input
    if not given or not rewrite.in_depth or given in rewrite.child:
        return None
    words = _words(given)
    if len(words) < _SHORT_INPUT:
        return None
    kept = len(words & _words(rewrite.child)) / len(words)
    if kept >= share:
        return None
    return f'{kept:.0%} of the words of "{on_one_line(given, _SHOWN)}" are left'


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="block_lost",
        meaning="An in-depth rewrite holds no code although its parent has a fenced block, or no"
        " table although its parent has one.",
        cause=f"{_LOST}: read some of them; a larger model keeps blocks",
        stage="rewrite",
        check=_block_lost,
    ),
    Rule(
        name="quote_lost",
        meaning="An in-depth rewrite keeps none of its parent's quoted passages.",
        cause=f"{_LOST}: read some of them; a larger model keeps the passages",
        stage="rewrite",
        parameters=(Parameter("words", 4, 1, 1000, "looks at passages of at least so many words"),),
        check=_quote_lost,
    ),
    Rule(
        name="number_lost",
        meaning="An in-depth rewrite keeps none of its parent's numbers.",
        cause=f"{_LOST}: read some of them; if numbers should change, switch the rule off",
        stage="rewrite",
        parameters=(
            Parameter(
                "numbers", 2, 1, 1000, "looks at parents with at least so many different numbers"
            ),
        ),
        check=_number_lost,
    ),
    Rule(
        name="link_lost",
        meaning="An in-depth rewrite keeps none of its parent's links.",
        cause=f"{_LOST}: read some of them",
        stage="rewrite",
        check=_link_lost,
    ),
    Rule(
        name="input_lost",
        meaning="An in-depth rewrite of a seed loses most words of the seed's input.",
        cause=f"{_LOST}: read some of them; a larger model keeps the input",
        stage="rewrite",
        parameters=(
            Parameter(
                "share", 0.3, 0, 1, "drops a rewrite that keeps a smaller share of its words"
            ),
        ),
        check=_input_lost,
    ),
)
"""In the order in which they look."""
