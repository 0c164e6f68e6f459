"""Grammar of the offline client: writes at random, yet reproducibly, from files of phrases.

An instruction gets the phrases of its language; what that has none of its own for is in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from evolinstruct.languages import tell_request
from evolinstruct.words import has_unspaced

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A phrase with slots.

    Attributes:
        template: the phrase with ``%s`` for each slot.
        slots: the symbol that fills each slot, in order.
    """

    template: str
    slots: tuple[Symbol, ...]


Phrase = str | Pattern
Symbol = list[Phrase]

# Stands for the words that the writer is given; told from other symbols by identity.
_WORD: Symbol = []

_SLOT = re.compile(r"\{(\w+)\}")


def read_phrases(text: str, others: Mapping[str, Symbol] | None = None) -> dict[str, Symbol]:
    """Read a file of phrases: ``[symbol]`` lines, each followed by the phrases of that symbol.

    Args:
        text: the file's text.
        others: symbols that the text has no phrases for, but may name.

    Raises:
        KeyError: a slot names a symbol that neither has.
    """
    raw: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            raw[line.strip("[]")] = found = []
        elif line and not line.startswith("# "):
            found.extend(line.split(" | "))
    symbols: dict[str, Symbol] = {**(others or {}), **{name: [] for name in raw}}
    symbols["word"] = _WORD
    symbols["tens"] = [str(number) for number in range(10, 100)]
    symbols["hundreds"] = [str(number) for number in range(100, 1000)]
    for name, phrases in raw.items():
        symbols[name].extend(_phrase(phrase, symbols) for phrase in phrases)
    return symbols


def _phrase(text: str, symbols: dict[str, Symbol]) -> Phrase:
    names = _SLOT.findall(text)
    if not names:
        return text
    template = _SLOT.sub("%s", text.replace("%", "%%"))
    return Pattern(template, tuple(symbols[name] for name in names))


_FOLDER = Path(__file__).with_name("phrases")
PHRASES = read_phrases((_FOLDER / "english.txt").read_text(encoding="utf-8"))
"""Those in English, and the values of data."""


@cache
def phrases_in(language: str | None) -> Mapping[str, Symbol]:
    """Return the phrases in a language, as `tell_request` names it."""
    file = _FOLDER / f"{language or 'english'}.txt".lower()
    if language == "English" or not file.is_file():
        return PHRASES
    return read_phrases(file.read_text(encoding="utf-8"), PHRASES)


def plain(symbol: str) -> list[str]:
    """Return the phrases of a symbol that has none with slots."""
    return [phrase for phrase in PHRASES[symbol] if isinstance(phrase, str)]


_COMMON_WORDS = frozenset(plain("common_word"))
_STAND_INS = plain("stand_in")
_LOOK_AT = 300
_SHORTEST_WORD, _LONGEST_WORD = 4, 18


def own_words(text: str) -> list[str]:
    """Return the telling words at the start of a text, lower case; stand-ins if it has none."""
    end = text.find(" ", _LOOK_AT)
    found = text[: end if end >= 0 else _LOOK_AT].lower().split()
    return [
        word
        for word in dict.fromkeys(found)
        if _SHORTEST_WORD <= len(word) <= _LONGEST_WORD
        and word.isalpha()
        and word not in _COMMON_WORDS
    ] or _STAND_INS


# Knuth's MMIX generator: two operations a throw, where `random.Random` takes 10 µs to seed.
_MULTIPLIER = 6364136223846793005
_INCREMENT = 1442695040888963407
_MASK = (1 << 64) - 1
_STRIDES = (211, 223, 227, 229, 233, 239, 241, 251)


class Writer:
    """Makes choices and writes phrases; what it does depends on its key and its text alone.

    Attributes:
        text: the text whose own words it writes with.
    """

    __slots__ = ("_phrases", "_state", "_words", "text")

    def __init__(self, key: str, text: str, phrases: Mapping[str, Symbol] | None = None) -> None:
        """Bind both; `phrases` are those in the text's language unless others are given."""
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self._state = int.from_bytes(digest, "big")
        self._words: list[str] = []
        self._phrases = phrases
        self.text = text

    @property
    def phrases(self) -> Mapping[str, Symbol]:
        """The phrases that it writes."""
        if self._phrases is None:
            self._phrases = phrases_in(tell_request(self.text))
        return self._phrases

    @property
    def gap(self) -> str:
        """What stands between two sentences: a blank, where the language has any."""
        return "" if has_unspaced(str(self.phrases["list_head"][0])) else " "

    @property
    def words(self) -> list[str]:
        """The text's own words."""
        if not self._words:
            self._words = own_words(self.text)
        return self._words

    def roll(self, sides: int) -> int:
        """Return a number from 0 up to, not including, ``sides`` (at most 2**32)."""
        self._state = state = (self._state * _MULTIPLIER + _INCREMENT) & _MASK
        return (state >> 32) * sides >> 32

    def share(self) -> float:
        """Return a number from 0 up to, not including, 1."""
        return self.roll(1 << 32) / (1 << 32)

    def pick(self, choices: Sequence[_T]) -> _T:
        """Return one of the choices, each as likely as the others."""
        self._state = state = (self._state * _MULTIPLIER + _INCREMENT) & _MASK
        return choices[(state >> 32) * len(choices) >> 32]

    def walk(self, choices: Sequence[_T]) -> Iterator[_T]:
        """Yield choices without end; fewer than 200 repeat only when all have had their turn."""
        place, stride = self.roll(len(choices)), self.pick(_STRIDES)
        while True:
            yield choices[place]
            place = (place + stride) % len(choices)

    def write(self, symbol: Symbol) -> str:
        """Write any phrase of the symbol."""
        return self.fill(self.pick(symbol))

    def sentence(self, phrase: Phrase) -> str:
        """Write this phrase with a capital letter first."""
        text = self.fill(phrase)
        return text[0].upper() + text[1:]

    def fill(self, phrase: Phrase) -> str:
        """Write this phrase, each slot filled with a phrase of its symbol."""
        if isinstance(phrase, str):
            return phrase
        filled = []
        state = self._state
        for slot in phrase.slots:
            choices: Sequence[Phrase] = self.words if slot is _WORD else slot
            # `pick`, written out: this is the innermost loop of every reply.
            state = (state * _MULTIPLIER + _INCREMENT) & _MASK
            chosen = choices[(state >> 32) * len(choices) >> 32]
            if not isinstance(chosen, str):
                self._state = state
                chosen = self.fill(chosen)
                state = self._state
            filled.append(chosen)
        self._state = state
        return phrase.template % tuple(filled)
