"""A response as checkers see it: its words, sentences, paragraphs, lines, items and headings.

Each view is made once, in time that grows with the text's length.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import groupby

_WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_FENCE = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_BULLET = re.compile(r"([ \t]*)[-*+•][ \t]+(?=\S)")
_NUMBERED = re.compile(r"([ \t]*)(\d{1,4})[.)][ \t]+(?=\S)")
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t]*#*")
_END = re.compile(r"[.!?…。！？]+[\"'”’)\]*_]*(?=\s|$)|[。！？]+")
_ABBREVIATIONS = frozenset(
    [
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "st",
        "vs",
        "etc",
        "e.g",
        "i.e",
        "cf",
        "no",
        "fig",
        "approx",
        "dept",
        "inc",
        "jr",
        "sr",
        "al",
        "a.m",
        "p.m",
        "u.s",
    ]
)
_LAST_WORD = re.compile(r"[\w.]*\Z")
_MARKS = "*_`\"“”'’()[]"


class Response:
    """A text to check."""

    def __init__(self, text: str) -> None:
        """Take a text; blanks around it do not count."""
        self.text = text.strip().replace("\r\n", "\n")

    @cached_property
    def words(self) -> list[str]:
        """Its words as they stand: letters and digits, with hyphens and apostrophes inside."""
        return _WORD.findall(self.text)

    @cached_property
    def lower_words(self) -> list[str]:
        """Its words in lower case, with straight apostrophes."""
        return _WORD.findall(self.text.lower().replace("’", "'"))

    @cached_property
    def lines(self) -> list[str]:
        """Its lines that hold anything, without blanks around them."""
        return [line.strip() for line in self.text.split("\n") if line.strip()]

    @cached_property
    def paragraphs(self) -> list[str]:
        """The parts between empty lines."""
        return [part for part in _BLANK.split(self.text) if part.strip()]

    @cached_property
    def bullets(self) -> list[tuple[int, str]]:
        """The items of bulleted lists: how far each is indented, in blanks, and its text."""
        return [
            (len(match[1].expandtabs(4)), line[match.end() :].strip())
            for line in self.text.split("\n")
            if (match := _BULLET.match(line))
        ]

    @cached_property
    def numbered(self) -> list[tuple[int, str]]:
        """The items of numbered lists that are not indented: the number and the text of each."""
        return [
            (int(match[2]), line[match.end() :].strip())
            for line in self.text.split("\n")
            if (match := _NUMBERED.match(line)) and not match[1]
        ]

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        """The Markdown headings outside code: the level and the text of each."""
        if "#" not in self.text:
            return []
        lines = _FENCE.sub("", self.text).split("\n")
        found = [_HEADING.fullmatch(line.strip()) for line in lines]
        return [(len(match[1]), match[2]) for match in found if match]

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences, without the signs of lists; a heading is one, an abbreviation ends none.

        A line break ends a sentence where a list item, a heading or an empty line follows or ends.
        """
        return [sentence for block in self._blocks() for sentence in split_sentences(block)]

    def sentences_of(self, paragraph: str) -> list[str]:
        """Return the sentences of one of its paragraphs."""
        return Response(paragraph).sentences

    def _blocks(self) -> list[str]:
        """Return the runs of prose: joined lines, each list item and heading on its own."""
        blocks: list[list[str]] = [[]]
        is_open = False
        for line in self.text.split("\n"):
            stripped = line.strip()
            begins = _BULLET.match(line) or _NUMBERED.match(line)
            is_heading = stripped.startswith("#") and _HEADING.fullmatch(stripped) is not None
            if begins:
                blocks.append([line[begins.end() :].strip()])
            elif is_heading:
                blocks.append([stripped.lstrip("# ")])
            elif stripped and is_open:
                blocks[-1].append(stripped)
            elif stripped:
                blocks.append([stripped])
            is_open = bool(stripped) and not is_heading
        return [" ".join(block) for block in blocks if block]


def split_sentences(block: str) -> list[str]:
    """Return the sentences of a text on one line; what holds no letter or digit is none."""
    found, start = [], 0
    for match in _END.finditer(block):
        if match[0] == "." and _is_abbreviation(
            block[max(start, match.start() - 12) : match.start()]
        ):
            continue
        found.append(block[start : match.end()].strip())
        start = match.end()
    found.append(block[start:].strip())
    return [sentence for sentence in found if _WORD.search(sentence)]


def _is_abbreviation(before: str) -> bool:
    word = _LAST_WORD.search(before)
    last = word[0].lower() if word else ""
    return last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha() and last not in "ai")


def words_of(text: str) -> list[str]:
    """Return the words of a part of a response."""
    return _WORD.findall(text)


def bare(text: str) -> str:
    """Return a line without emphasis, quotes or brackets around it."""
    return text.strip().strip(_MARKS).strip()


def runs(values: list[str]) -> list[tuple[str, int]]:
    """Return each run of equal values with its length."""
    return [(value, len(list(group))) for value, group in groupby(values)]
