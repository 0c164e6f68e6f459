"""A response as checkers see it: its words, sentences, paragraphs, lines, items and headings.

Each view is made once, in time that grows with the text's length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from itertools import groupby

_WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_FENCE = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_BULLET = re.compile(r"([ \t]*)[-*+•][ \t]+(?=\S)")
_NUMBERED = re.compile(r"([ \t]*)(\d{1,4})[.)][ \t]+(?=\S)")
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t]*#*")
_END = re.compile(r"[.!?…。！？؟۔]+[\"'”’»)\]*_]*(?=\s|$)|[。！？]+[”’」』）]*")
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
_GOES_ON = re.compile(r"[ ][*_]*(?=[^\W\d_])")
_WRAPPED = re.compile(r"<(\w+)>(.*)</\1>", re.DOTALL)
_LAST_WORD = re.compile(r"[\w.]*\Z")
_CLOSING = "\"'”’"
_ELLIPSES = ("…", "...")
_MARKS = "*_`\"“”'’()[]"


class Response:
    """A text to check.

    Attributes:
        whole: the text without blanks around it.
        text: what stands inside the tags, where one pair of tags is around the whole of it.
    """

    def __init__(self, text: str) -> None:
        """Take a text; blanks around it do not count."""
        self.whole = text.strip().replace("\r\n", "\n")
        wrapped = _WRAPPED.fullmatch(self.whole)
        self.text = wrapped[2].strip() if wrapped else self.whole

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
            for line in self._outside_code
            if (match := _BULLET.match(line))
        ]

    @cached_property
    def numbered(self) -> list[tuple[int, str]]:
        """The items of numbered lists that are not indented: the number and the text of each."""
        return [
            (int(match[2]), line[match.end() :].strip())
            for line in self._outside_code
            if (match := _NUMBERED.match(line)) and not match[1]
        ]

    @cached_property
    def bullet_lists(self) -> int:
        """How many bulleted lists there are: a line that belongs to no bullet divides two."""
        return sum(is_list for is_list, _ in groupby(self._owners(_BULLET)))

    def is_list_alone(self, numbered: bool) -> bool:
        """Tell whether each line belongs to an item of a numbered or a bulleted list."""
        return all(self._owners(_NUMBERED if numbered else _BULLET))

    def _owners(self, item: re.Pattern[str]) -> Iterator[bool]:
        """Yield for each line that holds anything whether it belongs to an item.

        So does what is indented beneath one, or follows at once and is no heading, as Markdown has
        it.
        """
        is_item = is_open = False
        for line in self._outside_code:
            if not line.strip():
                is_open = False
                continue
            goes_on = line[0].isspace() or (is_open and not _HEADING.fullmatch(line))
            is_item = bool(item.match(line)) or (is_item and goes_on)
            is_open = is_item
            yield is_item

    @cached_property
    def _outside_code(self) -> list[str]:
        """Its lines that stand in no code block."""
        text = _FENCE.sub("", self.text) if "```" in self.text else self.text
        return text.split("\n")

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        """The Markdown headings outside code: the level and the text of each."""
        if "#" not in self.text:
            return []
        found = [_HEADING.fullmatch(line.strip()) for line in self._outside_code]
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
        if match[0] == ".":
            before = block[max(start, match.start() - 12) : match.start()]
            goes_on = _is_abbreviation(before)
        else:
            goes_on = _goes_on(match[0], block, match.end())
        if goes_on:
            continue
        found.append(block[start : match.end()].strip())
        start = match.end()
    found.append(block[start:].strip())
    return [sentence for sentence in found if _WORD.search(sentence)]


def _is_abbreviation(before: str) -> bool:
    word = _LAST_WORD.search(before)
    last = word[0].lower() if word else ""
    return last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha() and last not in "ai")


def _goes_on(sign: str, block: str, place: int) -> bool:
    """Tell whether a small letter after a quoted “Stop!” or an ellipsis continues the sentence."""
    if not (sign[0] in "!?" and sign[-1] in _CLOSING) and sign.rstrip(_CLOSING) not in _ELLIPSES:
        return False
    following = _GOES_ON.match(block, place)
    return following is not None and block[following.end()].islower()


def unaccented(text: str) -> str:
    """Return a text with plain letters for those with accents."""
    if text.isascii():
        return text
    return "".join(
        char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)
    )


def words_of(text: str) -> list[str]:
    """Return the words of a part of a response."""
    return _WORD.findall(text)


def first_word_of(sentence: str) -> str:
    """Return the first word of a part of a response that has one."""
    found = _WORD.search(sentence)
    return found[0] if found else ""


def bare(text: str) -> str:
    """Return a line without emphasis, quotes or brackets around it."""
    return text.strip().strip(_MARKS).strip()


def runs(values: list[str]) -> list[tuple[str, int]]:
    """Return each run of equal values with its length."""
    return [(value, len(list(group))) for value, group in groupby(values)]
