"""A text as the words that are compared: lower case, no signs, one form of each character.

Letters, digits and the marks on them make words; all else divides them, `_` too, so that code and
prose compare alike. Each character of a script that writes without spaces is a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from evolinstruct.words import UNSPACED

Gram = tuple[str, ...]
_IS_UNSPACED = re.compile(f"[{UNSPACED}]").match


class _Signs(dict[int, str | None]):
    """What becomes of each character, found when it is first met."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        category = unicodedata.category(char)
        if category == "Cf":
            becomes = None  # joiners and soft hyphens stand inside words
        elif category[0] not in "LNM":
            becomes = " "
        else:
            becomes = f" {char} " if _IS_UNSPACED(char) else char
        self[code] = becomes
        return becomes


_SIGNS = _Signs()


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are compared."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.casefold().translate(_SIGNS).split()


def grams(words: Sequence[str], length: int) -> Iterator[Gram]:
    """Return an iterator over every so many words in a row, in their order."""
    return zip(*[words[start:] for start in range(length)], strict=False)
