"""Instruction reader: takes the rewritten instruction out of a model's reply.

Prompts ask for it between two marks, and what stands between them is it. Models forget marks, and
wrap what they were asked for: a label before it, an announcement, a fence, quotation marks, bold, a
note after it. Each wrapper comes off only where it is certain to be one; in doubt the text stays as
it came, and so does whatever the parent has too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from evolinstruct.reading.announcements import (
    is_label_of_parent,
    is_label_of_rewrite,
    speaks_of_rewriting,
    without_announcement,
    without_thoughts,
)
from evolinstruct.reading.marks import between_marks
from evolinstruct.reading.notes import without_note
from evolinstruct.reading.own_text import find_next_turn, own_text, without_reasoning
from evolinstruct.reading.wrappers import without_wrapper
from evolinstruct.words import count_words

_MOST_LAYERS = 16
"""More wrappers than this around each other are part of the text: the reply is kept as it came."""


def read_instruction(
    reply: str,
    markers: Sequence[str] = (),
    *,
    parent: str = "",
    marks: tuple[str, str] | None = None,
) -> str:
    """Return the instruction in a reply, without white space around it.

    Args:
        reply: the model's reply to a prompt that asks for an instruction.
        markers: the labels that the prompt puts before its parts, such as ``rewritten
            instruction``; case and # signs make no difference.
        parent: the instruction that the prompt shows; what it holds is never cut.
        marks: the marks between which the prompt asks for the instruction.

    Returns:
        The instruction, or an empty string where nothing is left, or several are offered.
    """
    labels = _labels_of(tuple(markers))
    text = without_reasoning(reply, parent) if marks else reply
    if marks is not None:
        text = between_marks(text, marks, parent)
    whole = text = own_text(text, parent).strip()
    for _ in range(_MOST_LAYERS):
        peeled = _without_wrappers(labels.cut(text, parent), parent)
        if peeled == text:
            return "" if _offers_several(text, parent) else text
        text = own_text(peeled, parent)
    return whole


def _without_wrappers(text: str, parent: str) -> str:
    """Take off one wrapper of each kind, the outer ones first."""
    text = without_thoughts(without_announcement(text, parent), parent)
    text = without_note(without_wrapper(text), parent)
    turn = find_next_turn(text, parent)
    return text if turn is None else text[: text.find(turn)].strip()


# Labels before the instruction: "#Rewritten Instruction#:", "**Rewritten Prompt:**"

_NOUN = r"(?:prompt|instruction|question|task|request|problem|query|command)"
_REWRITTEN = (
    r"(?:re-?written|revised|reworked|reworded|rephrased|evolved|modified|updated|improved|enhanced"
    r"|harder|final|new|created)"
)
_OWN_LABEL = (
    rf"(?:(?:the |my |your )?{_REWRITTEN} (?:{_NOUN}|version)|re-?written|(?:slightly )?more"
    rf" [a-z]{{4,12}} (?:{_NOUN}|version))"
)
_PLAIN_LABEL = re.compile(
    rf"[*_]{{0,2}}(?:(?:the |my |your )?(?:{_NOUN}|answer|output|result|response))"
    r"(?:[*_]{0,2}[:：][*_]{0,2})\s",
    re.IGNORECASE,
)


def _label(name: str) -> str:
    """Return a pattern for a label at the start of a line: plain, between #, a heading or bold."""
    gap, end = "[ \t]{0,8}", "[:：]"
    bold = (
        rf"(?P<bold>\*{{1,3}}|__?|`){gap}#{{0,6}}{gap}{name}{gap}#{{0,6}}{gap}"
        rf"(?:{end}{gap}(?P=bold)|(?P=bold){gap}(?:{end}|$))"
    )
    hashed = rf"#{{1,6}}{gap}{name}{gap}(?:#{{1,6}}{gap}{end}?|{end}|$)"
    return rf"^{gap}(?:#{{1,6}}[ \t])?{gap}(?:{bold}|{hashed}|{name}{gap}{end})"


_OPENING_LABEL = re.compile(_label(_OWN_LABEL), re.IGNORECASE | re.MULTILINE)
_OTHER_LABEL = re.compile(r"^[ \t*_#]{0,6}[^\W\d_][\w ]{0,24}[*_]{0,2}[:：]", re.MULTILINE)
_ECHO = re.compile(
    rf"[\s#*_]{{0,8}}(?:the )?(?:given|original|initial|starting|old|input)(?: {_NOUN})?\b"
    r"[\s#*_]{0,8}[:：]",
    re.IGNORECASE,
)
_ANY_LABEL = re.compile(r"^[ \t]*[*_#>]{0,4} ?([^\s:：][^:：\n]{1,40})[:：][*_]{0,3}", re.MULTILINE)


def _after_rewrite_label(text: str, parent: str) -> str:
    """Return what stands after the last label of a rewrite, if the parent or thoughts stand before.

    The label is in any language, and may be in the middle of the text.
    """
    found = None
    for label in _ANY_LABEL.finditer(text):
        if is_label_of_rewrite(label[1]) and label[0].strip() not in (parent or "\n"):
            found = label
    if found is None or not (before := text[: found.start()].strip()):
        return text
    first = _ANY_LABEL.match(before)
    repeats = first is not None and is_label_of_parent(first[1]) and first[0] not in parent
    repeats = repeats or (bool(parent.strip()) and before == parent.strip())
    rest = text[found.end() :].strip()
    return rest if rest and (repeats or speaks_of_rewriting(before[:_SPOKEN])) else text


class _Labels(NamedTuple):
    """The labels of one prompt pack.

    Attributes:
        names: the labels in lower case, without their # signs.
        pattern: finds any of them at the start of a line.
    """

    names: tuple[str, ...]
    pattern: re.Pattern[str]

    def cut(self, text: str, parent: str) -> str:
        """Return what stands after the last label that is followed by something.

        A plain "name:" inside a text counts only if the text opens with a label too, or with words
        about the rewriting. A label inside a fence never counts, nor one that the parent has.
        """
        text = _after_rewrite_label(self._after_last(text, parent), parent)
        opening = _OPENING_LABEL.match(text)
        if opening and opening[0].strip() not in parent:
            return text[opening.end() :].strip()
        plain = _PLAIN_LABEL.match(text)
        if plain is None or plain[0].strip() in parent:
            return text
        # One plain label is a wrapper; with others below it, the text is a form: "Task: … Text: …".
        rest = text[plain.end() :].strip()
        return text if _OTHER_LABEL.search(rest) else rest

    def _after_last(self, text: str, parent: str) -> str:
        lowered = text.lower()
        if not any(name in lowered for name in self.names):
            return text
        opens = bool(self.pattern.match(text) or _ECHO.match(text))
        found, fences, seen = [], 0, 0
        for label in self.pattern.finditer(text):
            fences, seen = fences + text.count("```", seen, label.start()), label.start()
            signed = label.group().lstrip()[0] in "#*_`"
            counts = opens or signed or speaks_of_rewriting(text[: label.start()][:_SPOKEN])
            if fences % 2 == 0 and counts and label[0].strip() not in parent:
                found.append(label)
        end = len(text)
        for label in reversed(found):
            part = text[label.end() : end].strip()
            if part:
                return part
            end = label.start()
        return text[:end].strip()


_SPOKEN = 1500  # characters before a label that are looked at


_KNOWN_LABELS = (
    "rewritten instruction",
    "rewritten prompt",
    "created instruction",
    "created prompt",
)
"""Labels that models know from prompts of this kind, whatever the pack's are."""


@lru_cache(maxsize=64)
def _labels_of(markers: tuple[str, ...]) -> _Labels:
    """Return the labels for a pack's markers; compiled once for each pack."""
    known = (*_KNOWN_LABELS, *markers)
    names = tuple(name for label in known if (name := label.strip(" \t\n#*_:：").lower()))
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)"
    return _Labels(names, re.compile(_label(f"(?:{either})"), re.IGNORECASE | re.MULTILINE))


# Several instructions instead of one

_OFFER = re.compile(
    r"^[\s*_#>-]{0,6}(?:option|version|variant|variation|alternative|rewrite|rewritten (?:version"
    r"|instruction|prompt)|versione?|versión|versão|opción|opção|opzione|вариант|版本|选项|案|버전"
    r")[ _#]{0,2}(?:\d|[A-C]\b|one|two|three"
    r"|[一二三])(?: \([^()\n]{1,40}\))?[*_]{0,3}\s?(?:[:.：)]|$"
    r"|[–—-] )",
    re.IGNORECASE | re.MULTILINE,
)


def _offers_several(text: str, parent: str) -> bool:
    """Tell whether a reply offers several instructions to choose from."""
    first = _OFFER.match(text)
    second = _OFFER.search(text, first.end()) if first else None
    if first is None or second is None or first[0].strip() in parent:
        return False
    return count_words(text[first.end() : second.start()]) >= _SENTENCE


_SENTENCE = 5  # words: fewer are the choices of a question
