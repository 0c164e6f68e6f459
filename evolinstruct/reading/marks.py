"""Marks: finds what stands between the two lines that a prompt asks a model to write around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from html import unescape
from itertools import pairwise
from sys import maxsize
from typing import NamedTuple

from evolinstruct.reading.announcements import speaks_of_rewriting
from evolinstruct.reading.own_text import without_later_turns
from evolinstruct.words import count_words


def between_marks(text: str, marks: tuple[str, str], parent: str) -> str:
    """Return what stands between the marks; all of the text where there are none.

    A mark that begins a line counts before one inside a sentence, because a plan may name it. Of
    several pairs the last one counts; where they are offered to choose from, none does. Where the
    parent has the mark, the outermost pair counts.

    Args:
        text: the reply without its reasoning.
        marks: the opening and the closing mark, as the prompt writes them.
        parent: the instruction that the prompt shows.
    """
    opening, closing = map(_finder, marks)
    if first := closing.first(text):  # what follows may be another turn, with marks of its own
        text = text[: first.end()] + without_later_turns(text[first.end() :], parent)
    opens = _at_line_starts(opening, text)
    if opening.first(parent):
        closes = _at_line_starts(closing, text)
        if not opens or not closes or opens[0].start() >= closes[-1].start():
            return text
        return text[opens[0].end() : closes[-1].start()].strip()
    if not opens:
        ended = _at_line_starts(closing, text)
        if not ended:
            return _between_others(text, marks, parent)
        return _under_thoughts(text[: ended[0].start()].strip())
    pairs = _before_further(text, _pairs(text, opens, opening, closing))
    if len({inner for inner, _ in pairs}) > 1 and _are_offered(text, pairs):
        return ""
    return pairs[-1][0] if pairs else _outside(text, opening, closing)


def marked_at_end(text: str, marks: tuple[str, str]) -> str:
    """Return the last pair of marks, each at the start of a line, if a text ends in it."""
    opening, closing = map(_finder, marks)
    text = text.rstrip()
    ends = [each.end() for each in closing.all(text) if _begins_line(text, each.start())]
    starts = [each.start() for each in opening.all(text) if _begins_line(text, each.start())]
    return text[starts[-1] :] if starts and ends and ends[-1] == len(text) else ""


def _under_thoughts(text: str) -> str:
    """Return a text without its first lines, if these think aloud about the rewriting."""
    first, _, rest = text.partition("\n")
    while rest.strip() and speaks_of_rewriting(first):
        text = rest.strip()
        first, _, rest = text.partition("\n")
    return text


_Pair = tuple[str, tuple[int, int]]


def _pairs(
    text: str, opens: Sequence[re.Match[str]], opening: _Finder, closing: _Finder
) -> list[_Pair]:
    """Return what stands in each pair that is not empty, and where the pair is."""
    found: list[_Pair] = []
    for opened, following in zip(opens, [*opens[1:], None], strict=True):
        end = following.start() if following else len(text)
        closed = closing.first(text, opened.end(), end)
        closed = closed or _MISSPELT.search(text, opened.end(), end)
        inner = text[opened.end() : closed.start() if closed else end].strip()
        if not closed and (again := opening.first(inner)) and again.end() == len(inner):
            inner = inner[: again.start()].rstrip()  # the opening mark stands for the closing one
        if inner:
            found.append((inner, (opened.start(), closed.end() if closed else end)))
    if len(found) == len(opens) == 2 and not closing.first(text):  # noqa: PLR2004 - a pair
        (first, _), (second, _) = found
        if count_words(second) < min(_REMARK, count_words(first)):
            return found[:1]  # the opening mark stands for the closing one
    return found


_REMARK = 12  # words


_MISSPELT = re.compile(r"^[ \t]*</\w[\w -]{2,40}>[ \t]*$", re.MULTILINE)
_OR = re.compile(
    r"\b(?:or|option|alternativ\w*|another|oder|ou|o bien|oppure|или|또는|أو)\b|或|または"
)


def _are_offered(text: str, pairs: Sequence[_Pair]) -> bool:
    """Tell whether two pairs stand side by side, as a choice: no word says that one is better."""
    for (_, (_, end)), (_, (start, _)) in pairwise(pairs):
        words = text[end:start].strip().lower()
        if words and not _OR.search(words):
            return False
    return True


_FURTHER = re.compile(
    r"(?:given|original|starting)[_ ](?:instruction|prompt|task)|^\W*(?:user|human) ?:",
    re.IGNORECASE | re.MULTILINE,
)


def _before_further(text: str, pairs: Sequence[_Pair]) -> list[_Pair]:
    """Return the pairs up to where the text goes on with another instruction to rewrite."""
    for place, ((_, (_, end)), (_, (start, _))) in enumerate(pairwise(pairs), 1):
        if _FURTHER.search(text[end:start]):
            return [*pairs[:place]]
    return [*pairs]


def _outside(text: str, opening: _Finder, closing: _Finder) -> str:
    """Return what stands around marks that hold nothing."""
    return closing.whole.sub("", opening.whole.sub("", text)).strip()


class _Finder(NamedTuple):
    """Finds a mark as models write it: any case, blanks for _, emphasis around, signs escaped.

    Attributes:
        bare: the pattern without emphasis, found much faster because it begins with a sign.
        whole: the pattern.
    """

    bare: re.Pattern[str]
    whole: re.Pattern[str]

    def all(self, text: str, start: int = 0, end: int = maxsize) -> Iterator[re.Match[str]]:
        """Yield where the mark stands between two places of a text."""
        for bare in self.bare.finditer(text, start, end):
            found = self.whole.search(text, max(bare.start() - _EMPHASIS, start), end)
            if found is not None and bare.start() >= start:
                yield found
                start = found.end()

    def first(self, text: str, start: int = 0, end: int = maxsize) -> re.Match[str] | None:
        """Return where the mark stands first between two places of a text."""
        return next(self.all(text, start, end), None)


_EMPHASIS = 3  # signs at most


@lru_cache(maxsize=64)
def _finder(mark: str) -> _Finder:
    parts = re.findall(r"\w+|[^\w\s]", mark)
    loose = r"\s?\\?".join(re.escape(part).replace("_", r"(?:\\?[_ -])?") for part in parts)
    before, after = f"[*_`\\\\]{{0,{_EMPHASIS}}}", f"[*_`]{{0,{_EMPHASIS}}}"
    return _Finder(
        re.compile(loose, re.IGNORECASE), re.compile(f"{before}{loose}{after}", re.IGNORECASE)
    )


def _at_line_starts(mark: _Finder, text: str) -> list[re.Match[str]]:
    """Return where a mark begins a line, or ends one, or else all places where it stands."""
    found = list(mark.all(text))
    begin = [each for each in found if _begins_line(text, each.start())]
    end = [each for each in found if text[each.end() : each.end() + 1] in ("", "\n", "\r")]
    return begin or end or [each for each in found if not _is_named(text, each)]


def _is_named(text: str, mark: re.Match[str]) -> bool:
    """Tell whether a mark is only named: "between <a> and </a>"."""
    return (
        _NAMED.match(text, mark.end()) is not None
        or _NAMING.search(text, max(mark.start() - _NAMING_LENGTH, 0), mark.start()) is not None
    )


_NAMED = re.compile(r"[`\"' ]{0,3}(?:and|to|und|et|y|e|和|と|and the)\b[`\"' ]{0,3}<")
_NAMING = re.compile(r">[`\"' ]{0,3}(?:and|to|und|et|y|e|和|と)[`\"' ]{0,3}$")
_NAMING_LENGTH = 12  # characters that it may take, and more


def _begins_line(text: str, at: int) -> bool:
    start = text.rfind("\n", 0, at) + 1
    return at - start < _INDENT and not text[start:at].strip(" \t>#")


_INDENT = 20  # characters

# Marks that a model spells its own way

_OTHER = re.compile(r"^[ \t]*(?:<|\[|&lt;)(\w[\w -]{2,40})(?:>|\]|&gt;)[ \t]*$", re.MULTILINE)
_ALIKE, _NEARLY_SAME = 0.6, 0.9


def _between_others(text: str, marks: tuple[str, str], parent: str) -> str:
    """Return what stands between marks that are nearly those asked for, or all of the text."""
    wanted, seen = re.sub(r"\W", "", marks[0]).lower(), set[str]()
    for opened in _OTHER.finditer(text):
        name = opened[1]
        if name in seen or opened[0].strip() in parent:
            continue
        seen.add(name)  # where its first one is not taken, no later one is
        alike = SequenceMatcher(None, wanted, name.lower()).ratio()
        ended = re.compile(
            rf"^[ \t]*(?:<|\[|&lt;)/{re.escape(name)}(?:>|\]|&gt;)[ \t]*$", re.MULTILINE
        ).search(text, opened.end())
        if ended and (alike >= _ALIKE or not name.isascii()):
            inner = text[opened.end() : ended.start()].strip()
            return unescape(inner) if "&lt;" in opened[0] else inner
        if alike >= _NEARLY_SAME:
            return text[opened.end() :].strip()
    return text
