"""Labels before what was asked for.

Such as "#Rewritten Instruction#:", "**Rewritten Prompt:**", "### Rewritten Prompt".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

NOUN = r"(?:prompt|instruction|question|task|request|problem|query|command)"
REWRITTEN = r"(?:re-?written|revised|reworked|reworded|rephrased|evolved|modified)"
HARDER = (
    r"(?:(?:more|slightly more) (?:complex|complicated|challenging|difficult|demanding|advanced"
    r"|detailed|specific|concrete)|harder|trickier|deeper|rarer|(?:brand[ -])?new|created|updated"
    r"|enhanced|improved|refined|expanded|complicated)"
)
_OWN_LABEL = rf"(?:the )?(?:{REWRITTEN} (?:{NOUN}|version)|(?:created|new) (?:prompt|instruction))"


def _label(name: str) -> str:
    """Return the pattern of a label at the start of a line: plain, between #, heading or bold."""
    gap, end = "[ \t]{0,8}", "[:：]"
    bold = (
        rf"(?P<bold>\*{{1,3}}|__?){gap}#{{0,6}}{gap}{name}{gap}#{{0,6}}{gap}"
        rf"(?:{end}{gap}(?P=bold)|(?P=bold){gap}(?:{end}|$))"
    )
    hashed = rf"#{{1,6}}{gap}{name}{gap}(?:#{{1,6}}{gap}{end}?|{end}|$)"
    return rf"^{gap}(?:#{{1,6}}[ \t])?{gap}(?:{bold}|{hashed}|{name}{gap}{end})"


_OPENING_LABEL = re.compile(_label(_OWN_LABEL), re.IGNORECASE | re.MULTILINE)
_ECHO = re.compile(
    rf"[\s#*_]{{0,8}}(?:the )?(?:given|original|initial|starting|old) {NOUN}\b[\s#*_]{{0,8}}[:：]",
    re.IGNORECASE,
)


class Labels(NamedTuple):
    """The labels of one pack."""

    names: tuple[str, ...]
    pattern: re.Pattern[str]

    def cut(self, text: str) -> str:
        """Return what stands after the last label that something follows.

        Inside a text a plain "name:" is a label only if the text opens with one, too. What a
        fence encloses is no label.
        """
        text = self._after_last(text)
        opening = _OPENING_LABEL.match(text)
        return text[opening.end() :].strip() if opening else text

    def _after_last(self, text: str) -> str:
        lowered = text.lower()
        if not any(name in lowered for name in self.names):
            return text
        plain = bool(self.pattern.match(text) or _ECHO.match(text))
        found, fences, seen = [], 0, 0
        for label in self.pattern.finditer(text):
            fences, seen = fences + text.count("```", seen, label.start()), label.start()
            if fences % 2 == 0 and (plain or label.group().lstrip()[0] in "#*_"):
                found.append(label)
        end = len(text)
        for label in reversed(found):
            part = text[label.end() : end].strip()
            if part:
                return part
            end = label.start()
        return text[:end].strip()


@lru_cache(maxsize=64)
def labels_of(markers: tuple[str, ...]) -> Labels:
    """Return the labels that a pack's markers make, prepared once for each pack."""
    names = tuple(name for marker in markers if (name := marker.strip(" \t\n#*_:：").lower()))
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)"
    return Labels(names, re.compile(_label(f"(?:{either})"), re.IGNORECASE | re.MULTILINE))
