"""Draws constraints for an instruction: such as suit it, and can hold together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from evolinstruct.checks.check import Check
from evolinstruct.checks.constraint import WRITTEN, Constraint, Drawing, Written
from evolinstruct.checks.table import CONSTRAINTS
from evolinstruct.languages import is_english, is_latin
from evolinstruct.words import has_unspaced, word_lists

_MOST, _MOST_HELD = 3, 5
_FEWEST_WORDS = 25
"""A response that has to hold several constraints needs room for so many words."""

_SHORT = re.compile(
    r"\b(?:(?:in|with|using|only) (?:just )?(?:a|one|1)? ?(?:single )?(?:word|number|letter|name)\b"
    r"|one[- ]word|yes or no|yes/no|true or false|true/false|classif(?:y|ication)|categori[sz]e"
    r"|label (?:the|each|this)|which (?:one )?of (?:the following|these)|multiple[- ]choice"
    r"|correct option|fill in the blank|calculate|compute|how (?:many|much)|what (?:is|are) \d"
    r"|translate|sentiment|what (?:year|date|day|time)\b"
    r"|name (?:one|an?|two|three|four|five|\d+)\b|capital of|hashtag|tagline)",
    re.IGNORECASE,
)
_DATA = re.compile(
    r"\b(?:code|function|script|program|sql|query|regex|html|css|json|xml|yaml|csv|table|formula"
    r"|equation|algorithm|python|javascript|java|anagram|palindrome|acronym)\b|```",
    re.IGNORECASE,
)
_FORMED = re.compile(
    r"\b(?:poem|haiku|limerick|sonnet|lyrics|song|dialogue|conversation|e-?mail|letter|tweet"
    r"|headlines?|slogan|title|names?|list|bullet|steps|recipe|schedule|outline|paragraphs?"
    r"|sentences?|rhyme|rewrite|edit|correct|proofread|fix|paraphrase|convert|summar(?:y|i[sz]e))\b"
    r"|\d+ words",
    re.IGNORECASE,
)
_ASKS_FOR = {"short": _SHORT, "data": _DATA, "formed": _FORMED}
"""What a task leaves room for: a word or a number; code or data; a form of its own."""


def _asks_for(what: str, text: str) -> bool:
    """Tell whether a task, in any of ten languages, says by its words what it asks for."""
    if _ASKS_FOR[what].search(text):
        return True
    return not is_english(text) and _abroad(what).search(text.lower()) is not None


@cache
def _abroad(what: str) -> re.Pattern[str]:
    """Return the pattern that finds the words of other languages in lower case."""
    words = [re.escape(word).replace("_", r"\s+") for word in word_lists("task_words")[what]]
    spaced = [word.replace(r"\*", r"\w*") for word in words if not has_unspaced(word)]
    joined = [word for word in words if has_unspaced(word)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)|{'|'.join(joined)}")


_FORMS = frozenset(
    [
        "size",
        "list",
        "lines",
        "line_length",
        "sentences",
        "paragraphs",
        "paragraph_length",
        "paragraph_place",
        "headings",
        "data",
        "table",
        "dialogue",
        "title",
        "rules",
        "wrapper",
        "closing_repeat",
        "sentence_length",
    ]
)


def draw(text: str, seed: int, place: str, held: Sequence[Check] = ()) -> list[Check]:
    """Return one to three constraints for an instruction, none where none suits.

    Args:
        text: the instruction; what it already speaks of is left alone.
        seed: the run's seed.
        place: the id of the line that will demand them.
        held: the checks that it has already.
    """
    drawing = Drawing(seed, place)
    held = [check for check in held if check.saw is None]
    if _asks_for("short", text):
        return []
    wanted = min(1 + drawing.below(_MOST, "number"), _MOST_HELD - len(held))
    drawn: list[Check] = []
    language = written(text)
    for each in _shuffled(drawing):
        if len(drawn) >= wanted:
            break
        if not _suits(each, text, language):
            continue
        check = Check(each.name, each.draw(drawing))
        if go_together([*held, *drawn, check]) and not check.is_stated(text):
            drawn.append(check)
    return drawn


def _shuffled(drawing: Drawing) -> Iterator[Constraint]:
    """Yield all constraints in a drawn order."""
    left = list(CONSTRAINTS.values())
    while left:
        yield left.pop(drawing.below(len(left), f"constraint {len(left)}"))


def suits(constraint: Constraint, text: str) -> bool:
    """Tell whether a constraint can be put to an instruction that does not know it.

    A task that asks for a word or a number has no room for any; one that asks for a form of its own
    takes those that leave the form alone, one for code or data those that any form can meet.
    """
    return not _asks_for("short", text) and _suits(constraint, text, written(text))


def written(text: str) -> Written:
    """Return how the language of a text is written, as `WRITTEN` has it."""
    if has_unspaced(text):
        return "any"
    if is_english(text):
        return "english"
    if is_latin(text):
        return "latin"
    letters = [char for char in text if char.isalpha()]
    has_case = 2 * sum(char.lower() != char.upper() for char in letters) > len(letters)
    return "cased" if has_case else "spaced"


def _suits(constraint: Constraint, text: str, language: Written) -> bool:
    if WRITTEN.index(constraint.needs) > WRITTEN.index(language):
        return False
    if language != "english" and not constraint.arguments:
        return False  # nobody could tell whether the text states it
    if not constraint.anywhere and _asks_for("data", text):
        return False
    if constraint.about & _FORMS and _asks_for("formed", text):
        return False
    return constraint.cue.search(text) is None


def go_together(checks: Iterable[Check]) -> bool:
    """Tell whether one response can meet all of several constraints."""
    known = [(CONSTRAINTS[each.name], each.args) for each in checks if each.name in CONSTRAINTS]
    about: set[str] = set()
    for constraint, _ in known:
        if about & constraint.about:
            return False
        about |= constraint.about
    shaping = [constraint for constraint, _ in known if constraint.shapes_all]
    if shaping and any(not (each.anywhere or each.shapes_all) for each, _ in known):
        return False
    if len(shaping) > 1:
        return False
    bounds = [constraint.words(**arguments) for constraint, arguments in known]
    least = max((low for low, _ in bounds), default=0)
    most = min((high for _, high in bounds), default=_FEWEST_WORDS)
    room = _FEWEST_WORDS if len(known) > 1 and not shaping else 0
    return max(least, room) <= most
