"""Texts that run into a loop: the same words or the same sentences, again and again."""

from __future__ import annotations

import re
from collections import Counter

from evolinstruct.words import count_words

_LOOKED_AT = 6000  # characters at the end
_LONGEST = 400  # characters of what is repeated
_PIECE = 8  # characters that are looked for again
_SAME_END = 4  # characters
_PLACES, _STEP = 16, 50  # at so many places or fewer, so many characters apart or more
_LEAST_RUN = 16  # words; in a word without spaces, so many times five characters
_SHARE = 0.6  # of a text that repeated lines or sentences make up
_COUNTER = re.compile(
    r"[\s#*•·-]*(?:(?:[^\W\d_]{1,12}\s?№?\s?)?\d+\s?[^\W\d_]{0,4}(?:[.):：、．]\d*|\s))?[\s*]*"
)
"""The mark of a list, such as a bullet, "3." or "Step 3:"."""
_TRAILING = " \t.*"
_MANY = 20  # lines: so often, a line of one word is a loop too


def find_loop(text: str, times: float) -> tuple[str, int] | None:
    """Return what a text repeats so many times or more, and how often; None without a loop.

    Words in a row are a loop wherever they stand. The same line or sentence between others, or
    behind a number that counts up, is one where it makes up most of the text.
    """
    tail = text[-_LOOKED_AT:]
    return _in_a_row(tail, times) or _scattered(tail, times)


def _in_a_row(text: str, times: float) -> tuple[str, int] | None:
    step = max(len(text) // _PLACES, _STEP)
    reach = min(_LONGEST, int(len(text) / times) + _PIECE)  # what is longer cannot recur so often
    for place in range(len(text) % step, len(text) - _PIECE, step):
        piece = text[place : place + _PIECE]
        again = text.find(piece, place + 1, place + reach)
        while again != -1:
            start, stop = _run(text, place, again - place)
            if stop - start >= times * (again - place) and _is_long(text[start:stop]):
                unit = text[place:again]
                return (unit, (stop - start) // len(unit)) if _is_prose(unit) else None
            again = text.find(piece, again + 1, place + reach)
    return None


def _run(text: str, place: int, period: int) -> tuple[int, int]:
    """Return where the repetition around a place begins and ends; nothing where there is none."""
    unit = text[place : place + period]
    if not text.startswith(unit, place + period):
        return place, place
    start, stop = place, place + period
    while start >= period and text.startswith(unit, start - period):
        start -= period
    while start and text[start - 1] == text[start - 1 + period]:
        start -= 1
    while text.startswith(unit, stop):
        stop += period
    while stop < len(text) and text[stop] == text[stop - period]:
        stop += 1
    return start, stop


def _is_long(run: str) -> bool:
    return count_words(run) >= _LEAST_RUN or len(run) >= 5 * _LEAST_RUN


def _is_prose(unit: str) -> bool:
    """Tell whether what is repeated are words: zeros and dashes of data may repeat."""
    if "|" in unit:
        unit = "".join(map(str.strip, unit.split("|")))
    return sum(map(str.isalpha, unit)) * 2 >= len(unit) > 0


def _scattered(text: str, times: float) -> tuple[str, int] | None:
    lines = text.split("\n")
    if len(lines) < times:
        lines = _sentences(text)
    if len(lines) < times:
        return None
    if len({line[-_SAME_END:] for line in lines}) > len(lines) - times + 1:
        return None  # most texts: no four lines end alike
    if (
        max(Counter([line.rstrip(_TRAILING)[-1:] for line in lines if line]).values(), default=0)
        < times
    ):
        return None  # most of the others: only blank lines do
    counts = Counter([_bare(line) for line in lines])
    repeated = {line: count for line, count in counts.items() if count >= times and line}
    if not repeated:
        return None
    said = sum(len(line) * count for line, count in repeated.items())
    unit = max(repeated, key=lambda line: len(line) * repeated[line])
    if said < _SHARE * sum(len(line) * count for line, count in counts.items()) or not _is_prose(
        unit
    ):
        return None
    is_sentence = count_words(unit) >= 3 or repeated[unit] >= _MANY  # noqa: PLR2004
    return (unit, repeated[unit]) if is_sentence else None


def _bare(line: str) -> str:
    """Return a line without the mark of a list before it, such as a number that counts up."""
    counter = _COUNTER.match(line)
    return line[counter.end() if counter else 0 :].rstrip(_TRAILING)


def _sentences(text: str) -> list[str]:
    return re.split(r"[。！？]", text) if not text.isascii() and "。" in text else text.split(". ")
