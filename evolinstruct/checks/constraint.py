"""What a constraint is: a demand on a response, its arguments, its wordings and its checker."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, Protocol, get_args

from evolinstruct.words import has_unspaced, word_lists

_LONGEST_TEXT = 60
_MOST_TEXTS = 12
_MOST = 10_000
_COUNTED = ("word", "sentence", "paragraph")
STARTS = (
    r"(?:first|begin(?:s|ning)?|start(?:s|ing)?|open(?:s|ing)?|lead(?:s|ing)?|introduc(?:e|es|ing))"
)
"""A pattern of the words by which a demand speaks of how a response begins."""
ENDS = r"(?:last|final|end(?:s|ing)?|clos(?:e|es|ing)|finish(?:es|ing)?|conclud(?:e|es|ing))"
"""The same of how it ends."""
DENIALS = r"(?:no|not|never|don['’]t|without|avoid\w*|leav(?:e|es|ing) out|omit\w*|free of)"
"""The same of what it does without."""
_BEFORE, _AFTER = r"(?<![^\W_])", r"(?![^\W_])"
NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
]


class Drawing:
    """Draws what a constraint leaves open: the same place draws the same, on any machine."""

    def __init__(self, seed: int, place: str) -> None:
        """Bind the run's seed and the place of the instruction."""
        self._start = f"{seed}/{place}"

    def below(self, number: int, what: str) -> int:
        """Return a whole number of 0 or more, below another."""
        digest = blake2b(f"{self._start}/{what}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) % number


class Argument(Protocol):
    """What fills a place of a constraint."""

    def draw(self, drawing: Drawing, what: str) -> Any:
        """Return a value that suits."""
        ...

    def accepts(self, value: Any) -> bool:
        """Tell whether a value from a file may stand here."""
        ...

    def ways(self, value: Any, *, abroad: bool = False) -> list[tuple[str, ...]]:
        """Return what a text that states the constraint has to say, each in the ways to say it.

        Args:
            value: the argument.
            abroad: the text is in another language than English.
        """
        ...

    def said(self, value: Any) -> Any:
        """Return what stands in a wording."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number; drawn from a range, both ends included, in steps.

    A small one is said in a word, unless `in_digits`.
    """

    least: int
    most: int
    step: int = 1
    in_digits: bool = False

    def draw(self, drawing: Drawing, what: str) -> int:
        """Return a number of the range."""
        return self.least + self.step * drawing.below(
            (self.most - self.least) // self.step + 1, what
        )

    def accepts(self, value: Any) -> bool:
        """Tell whether it is a whole number from 1 to 10,000."""
        return type(value) is int and 0 < value <= _MOST

    def ways(self, value: Any, *, abroad: bool = False) -> list[tuple[str, ...]]:
        """Return the number in digits and in words."""
        return [_ways(value, abroad=abroad)]

    def said(self, value: Any) -> str:
        """Return it in a word where one is usual."""
        return NUMBERS[value] if value < len(NUMBERS) and not self.in_digits else str(value)


@dataclass(frozen=True, slots=True)
class Ordinal(Whole):
    """A whole number that says which one, as third."""

    def ways(self, value: Any, *, abroad: bool = False) -> list[tuple[str, ...]]:
        """Return it in words and in digits, as in third, 3rd, sentence three and sentence 3."""
        if abroad:
            return [_ways(value, abroad=True)]
        in_words = NUMBERS[value : value + 1] if value > 1 else []
        counted = [f"{what} {said}" for what in _COUNTED for said in (value, *in_words)]
        return [(ordinal(value), f"{value}{_ending(value)}", *counted)]

    def said(self, value: Any) -> str:
        """Return it as it is said."""
        return ordinal(value)


@dataclass(frozen=True, slots=True)
class Band:
    """Two whole numbers, the lower first; the lower is drawn, the other is so much higher."""

    least: int
    most: int
    width: int
    step: int = 1

    def draw(self, drawing: Drawing, what: str) -> list[int]:
        """Return both."""
        low = Whole(self.least, self.most, self.step).draw(drawing, what)
        return [low, low + self.width]

    def accepts(self, value: Any) -> bool:
        """Tell whether it is a list of two whole numbers in order."""
        if not (isinstance(value, list) and [type(part) for part in value] == [int, int]):
            return False
        low, high = value
        return bool(0 < low <= high <= _MOST)

    def ways(self, value: Any, *, abroad: bool = False) -> list[tuple[str, ...]]:
        """Return both numbers."""
        return [_ways(number, abroad=abroad) for number in value]

    def said(self, value: Any) -> str:
        """Return them as a range."""
        return f"{value[0]} to {value[1]}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A text; drawn from several. `counts` tells whether a statement has to hold it as it is."""

    texts: tuple[str, ...]
    counts: bool = True

    def draw(self, drawing: Drawing, what: str) -> str:
        """Return one of the texts."""
        return self.texts[drawing.below(len(self.texts), what)]

    def accepts(self, value: Any) -> bool:
        """Tell whether it is a short text on one line."""
        return (
            isinstance(value, str)
            and 0 < len(value.strip()) <= len(value) <= _LONGEST_TEXT
            and value.isprintable()
        )

    def ways(self, value: Any, *, abroad: bool = False) -> list[tuple[str, ...]]:  # noqa: ARG002
        """Return the text."""
        return [(value,)] if self.counts else []

    def said(self, value: Any) -> str:
        """Return the text."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Named(OneOf):
    """One of a closed set of texts: no other may stand here."""

    def accepts(self, value: Any) -> bool:
        """Tell whether it is one of them."""
        return value in self.texts

    def ways(self, value: Any, *, abroad: bool = False) -> list[tuple[str, ...]]:  # noqa: ARG002
        """Return it, in the plural and in the singular."""
        return [(value, value.removesuffix("s"), value.removesuffix("es"))]


@dataclass(frozen=True, slots=True)
class SomeOf:
    """A list of texts that go together; drawn from several such lists."""

    lists: tuple[tuple[str, ...], ...]

    def draw(self, drawing: Drawing, what: str) -> list[str]:
        """Return one of the lists."""
        return list(self.lists[drawing.below(len(self.lists), what)])

    def accepts(self, value: Any) -> bool:
        """Tell whether it is a list of short texts, none twice."""
        return (
            isinstance(value, list)
            and 0 < len(value) <= _MOST_TEXTS
            and all(OneOf(()).accepts(text) for text in value)
            and len(set(value)) == len(value)
        )

    def ways(self, value: Any, *, abroad: bool = False) -> list[tuple[str, ...]]:  # noqa: ARG002
        """Return the texts."""
        return [(text,) for text in value]

    def said(self, value: Any) -> str:
        """Return them in quotes, as a list in a sentence."""
        *most, last = (f'"{text}"' for text in value)
        return f"{', '.join(most)} and {last}" if most else last


Written = Literal["any", "spaced", "cased", "latin", "english"]
WRITTEN: tuple[Written, ...] = get_args(Written)
"""How languages are written, each a part of the one before: with spaces between words; in small and
capital letters; in Latin ones; English itself, where a constraint is about words of it."""

Words = tuple[float, float]
"""At least and at most so many words."""
ANY_LENGTH: Words = (0, float("inf"))


def at_least(least: int, per: str = "") -> Callable[..., Words]:
    """Return that a response needs so many words, for each unit of an argument if one is named."""
    return lambda **arguments: (least * (arguments[per] if per else 1), float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A demand on a response that code can verify.

    Attributes:
        name: unique; as the field ``checks`` of a line has it.
        about: what of a response it fixes; two constraints on one of these never go together.
        wordings: sentences that state it, with its arguments in braces.
        cue: a pattern that a text in English finds itself in where it states such a demand.
        check: takes a `Response` and the arguments; returns what is wrong, or None.
        arguments: what it leaves open, by name.
        shapes_all: it decides the form of the whole response, so only what may stand anywhere in
            any form goes with it.
        anywhere: it can be met in a response of any form, code and data too.
        needs: how the language of the response has to be written: see `WRITTEN`.
        words: how many words a response needs and may have, of its arguments.
    """

    name: str
    about: frozenset[str]
    wordings: tuple[str, ...]
    cue: re.Pattern[str]
    check: Callable[..., str | None]
    arguments: Mapping[str, Argument]
    shapes_all: bool = False
    anywhere: bool = False
    needs: Written = "any"
    words: Callable[..., Words] = lambda **_: ANY_LENGTH

    def draw(self, drawing: Drawing) -> dict[str, Any]:
        """Return its arguments, drawn."""
        return {
            name: argument.draw(drawing, f"{self.name}.{name}")
            for name, argument in self.arguments.items()
        }

    def statement(self, arguments: Mapping[str, Any], wording: int = 0) -> str:
        """Return the sentence that states it, in one of its wordings."""
        said = {name: each.said(arguments[name]) for name, each in self.arguments.items()}
        return self.wordings[wording % len(self.wordings)].format_map(said)

    def is_stated(self, text: str, arguments: Mapping[str, Any]) -> bool:
        """Tell whether an instruction states it: with its cue, and all of its arguments."""
        return self.cue.search(text) is not None and self.holds_arguments(text, arguments)

    def holds_arguments(
        self, text: str, arguments: Mapping[str, Any], *, abroad: bool = False
    ) -> bool:
        """Tell whether an instruction holds all of its arguments: numbers in digits or in words.

        Args:
            text: the instruction.
            arguments: the arguments by name.
            abroad: it is in another language than English.
        """
        folded = _DIGIT.sub(lambda digit: str(int(digit[0])), text.casefold())
        return all(
            any(_holds(folded, way) for way in ways)
            for name, argument in self.arguments.items()
            for ways in argument.ways(arguments[name], abroad=abroad)
        )


_DIGIT = re.compile(r"(?![0-9])\d")  # of other scripts
_NUMERALS = "一二两兩三四五六七八九十百"


def _holds(folded: str, way: str) -> bool:
    """Tell whether a text holds a way to say something as words of their own.

    Digits may stand at letters of scripts in which they do, as in 5句 and 5문장.
    """
    said = re.escape(way.casefold())
    if way.isascii():
        pattern = rf"(?<![0-9a-z])(?<!\d[.,]){said}(?![0-9a-z]|[.,]\d)"
    elif has_unspaced(way):
        pattern = f"(?<![{_NUMERALS}]){said}(?![{_NUMERALS}])"
    else:
        pattern = f"{_BEFORE}{_PREFIX}{said}{_AFTER}"
    return re.search(pattern, folded) is not None


_PREFIX = "[وبفكل]?"  # Arabic words that are written together with the next one


def _ways(number: int, *, abroad: bool = False) -> tuple[str, ...]:
    """Return a number in digits and, where it is usual, in words."""
    if abroad:
        said = sorted(word_lists("numbers").get(str(number), ()))
        return (str(number), f"{number:,}", f"{number:,}".replace(",", "."), *said)
    others = {1: ("a", "an", "once", "single"), 2: ("twice", "both", "pair")}
    return (
        str(number),
        f"{number:,}",
        *NUMBERS[number : number + 1],
        *others.get(number, ()),
    )


def constraint(
    about: str,
    cue: str,
    *wordings: str,
    arguments: Mapping[str, Argument] | None = None,
    shapes_all: bool = False,
    anywhere: bool = False,
    needs: Written = "any",
    words: Callable[..., Words] | None = None,
) -> Callable[[Callable[..., str | None]], Constraint]:
    """Make a checker a constraint of the checker's name."""

    def made(check: Callable[..., str | None]) -> Constraint:
        return Constraint(
            name=check.__name__,
            about=frozenset(about.split()),
            wordings=wordings,
            cue=re.compile(cue, re.IGNORECASE),
            check=check,
            arguments=arguments or {},
            shapes_all=shapes_all,
            anywhere=anywhere,
            needs=needs,
            words=words or (lambda **_: ANY_LENGTH),
        )

    return made


def ordinal(number: int) -> str:
    """Return a number as one says which: ``third``, ``21st``."""
    if number < len(ORDINALS):
        return ORDINALS[number]
    return f"{number}{_ending(number)}"


def _ending(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    teens = 10 < number % 100 < 20  # noqa: PLR2004 - eleventh to nineteenth
    return "th" if teens else ends.get(number % 10, "th")


def differs(found: int, wanted: int, noun: str, plural: str = "") -> str | None:
    """Return that a count is not the one that is wanted, or None where it is."""
    if found == wanted:
        return None
    return f"{found} {noun if found == 1 else plural or noun + 's'} instead of {wanted}"
