"""What is most alike: instructions of different families that say nearly the same, two by two."""

from __future__ import annotations

from collections.abc import Iterator

from evolinstruct.diversity.survey import Pair, Survey
from evolinstruct.report.markup import Html, tag, text
from evolinstruct.text import percent, shorten

_SHOWN = 5
_LONGEST = 320
"""So many pairs are shown, and at most so many characters of each text."""


def show_pairs(found: Survey) -> Html:
    """Return the pairs that are most alike; nothing where there is one family alone."""
    if not found.pairs:
        return Html("")
    says = (
        "Texts of one family are alike by design, so these are of different families; each text"
        f" stands in one pair at most. {percent(found.near_families)} of the measured instructions"
        f" have one of another family that is more alike than {found.options.near:g}."
    )
    return tag(
        "div",
        tag("h3", text("The most alike")),
        tag("p", text(says), class_="about"),
        *map(_pair, found.pairs[:_SHOWN]),
        class_="card pairs",
    )


def _pair(pair: Pair) -> Html:
    named = " and ".join(f"generation {key}" if key else "a seed" for key in pair.generations)
    about = tag("p", text(f"{pair.likeness:.2f} alike · {named}"), class_="about")
    return tag("div", *_texts(pair), about, class_="example")


def _texts(pair: Pair) -> Iterator[Html]:
    for each in pair.texts:
        shown = shorten(" ".join(each.split()), _LONGEST)
        yield tag("p", text(shown), class_="text", dir="auto")
