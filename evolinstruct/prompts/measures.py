"""Measures: what scores and verdicts are asked with. Files in a pack's folder ``measures``.

    measures/FILE.txt          header (name, method, range), ---, the prompt

A pack may have one measure of a name and method. The methods and their places:

    ranking     {{items}}     a family's instructions are put in order
    pairwise    {{items}}     two instructions are put in order
    rating      {{instruction}}, and {{answer}} where the answer is judged too; needs a range
    paper       the same as a rating, as the paper asks
    tags        {{instruction}}, and {{answer}} where the answer is judged too
    agreement   {{instruction}}, {{first}}, {{second}}: do two answers agree?
    preference  {{instruction}}, {{first}}, {{second}}: which is better? (`evolinstruct judge`)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evolinstruct.prompts.templates import Holds, Passage, Template, checked
from evolinstruct.text import did_you_mean

RANKING, PAIRWISE, RATING, PAPER = "ranking", "pairwise", "rating", "paper"
TAGS, AGREEMENT, PREFERENCE = "tags", "agreement", "preference"
_ORDER = Holds(frozenset({"items"}))
_ONE = Holds(frozenset({"instruction"}), frozenset({"answer"}))
_TWO = Holds(frozenset({"instruction", "first", "second"}))
_HOLDS = {
    RANKING: _ORDER,
    PAIRWISE: _ORDER,
    RATING: _ONE,
    PAPER: _ONE,
    TAGS: _ONE,
    AGREEMENT: _TWO,
    PREFERENCE: _TWO,
}
METHODS = tuple(_HOLDS)
_RANGED = (RATING, PAPER)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:-|–|to|\.\.)\s*(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that can be known of an instruction, and how it is asked for.

    Attributes:
        name: what it is, such as ``difficulty``.
        method: how it is found: one of `METHODS`.
        template: the prompt.
        pack: the name of the pack that words it.
        least: the lowest number that counts, where it is a number.
        most: the highest one.
    """

    name: str
    method: str
    template: Template = field(repr=False)
    pack: str
    least: float = 0.0
    most: float = 0.0

    @property
    def reads_answer(self) -> bool:
        """Whether it is about the answer too."""
        return "answer" in self.template.names

    def render(self, texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Return the prompt, as the messages of a request, with these texts in its places."""
        return (("user", self.template.render(texts)),)


def read_measures(texts: Iterable[Passage], pack: str) -> dict[tuple[str, str], Measure]:
    """Return the measures of a pack by name and method.

    Raises:
        InputError: a file is wrong; names the file, the line and the mistake.
    """
    found: dict[tuple[str, str], Measure] = {}
    for text in texts:
        measure = _measure(text, pack)
        key = measure.name, measure.method
        if key in found:
            raise text.error(f"another file has the measure {measure.name!r} by {measure.method}")
        found[key] = measure
    return found


def _measure(text: Passage, pack: str) -> Measure:
    head, body = text.split("---")
    header = head.header(frozenset({"name"}), frozenset({"method", "range"}))
    name, method = header["name"], header.get("method")
    if not _NAME.fullmatch(name.text):
        raise name.error(
            f"the name {name.text!r} must be a lower-case letter, then such letters, digits or _"
        )
    how = method.text if method else RATING
    if method and how not in _HOLDS:
        near = did_you_mean(how, METHODS)
        raise method.error(f"unknown method {how!r}{near}; known here: {', '.join(METHODS)}")
    template = Template.of(checked(body, _HOLDS[how]))
    return Measure(name.text, how, template, pack, *_range(head, header.get("range"), how))


def _range(head: Passage, text: Passage | None, method: str) -> tuple[float, float]:
    if method not in _RANGED:
        if text is not None:
            raise text.error(f"a measure by {method} has no range")
        return 0.0, 0.0
    if text is None:
        raise head.error("the header lacks the key 'range', such as 'range: 1-10'")
    match = _RANGE.fullmatch(text.text)
    if not match or not float(match[1]) < float(match[2]):
        raise text.error(f"the range must be as 1-10, the lower number first, found {text.text!r}")
    return float(match[1]), float(match[2])
