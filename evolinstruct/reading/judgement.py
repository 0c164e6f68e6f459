"""Judgement reader: the order, the number or the tags in a judge's reply.

Nothing is read by its place: an order names each label once, a number stands in its range, and a
reply that leaves room for doubt is no judgement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from evolinstruct.reading.own_text import own_text

Order = tuple[tuple[str, ...], ...]
"""Labels from least to most; those that are level stand together."""

_MARKUP = re.compile(r"[*_`#\"“”'’\[\](){}]+")
_BULLET = re.compile(r"^\s*(?:[-•]|\d{1,2}[.)])\s*")
_SIGN = re.compile(r"\s*(<=|>=|<|>|=|≈|~|,|->|→|\band\b)\s*", re.IGNORECASE)
_LEVEL = ("=", "≈", "~")
_LABEL_OF_ORDER = re.compile(r"^[^:：\n]{0,60}[:：]\s*(?=\S)")
_LABELLED = re.compile(
    r"(?:score|rating|grade|points?|difficulty|quality|final|overall|note|punkte|puntuación|分数|评分"
    r"|点数|スコア|점수|оценка|الدرجة)\b[^\d\n]{0,20}?(-?\d+(?:[.,]\d+)?)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_OUT_OF = re.compile(r"\s*(?:/|out of|von|sur|de)\s*(\d+)\b", re.IGNORECASE)
_LONGEST_TAG = 60
_MOST_TAGS = 30


# Orders


def read_order(reply: str, labels: Sequence[str]) -> Order | None:
    """Return the order that a reply states last, each label once; None if it states none.

    ``B < A = C`` is an order, and so are ``B, A, C`` and the labels on lines of their own. With
    signs both ways, such as ``A < B > C``, nothing is stated.
    """
    text = own_text(reply)
    found = [order for line in text.splitlines() if (order := _order_of(line, labels))]
    if found:
        return found[-1]
    listed = [label for line in text.splitlines() if (label := _label_of(line, labels))]
    return tuple((label,) for label in listed) if sorted(listed) == sorted(labels) else None


def _order_of(line: str, labels: Sequence[str]) -> Order | None:
    """Return the order that one line states, also behind a name such as "Order:"."""
    bare = _MARKUP.sub(" ", line).strip().rstrip(".")
    for said in (bare, _LABEL_OF_ORDER.sub("", bare)):
        parts = _SIGN.split(said)
        names, signs = [name.strip() for name in parts[::2]], parts[1::2]
        if sorted(names) == sorted(labels) and len(labels) > 1:
            return _ordered(names, signs)
    return None


def _ordered(names: Sequence[str], signs: Sequence[str]) -> Order | None:
    falls = any(sign.startswith(">") for sign in signs)
    if falls and any(sign.startswith("<") or sign in {"->", "→"} for sign in signs):
        return None
    tiers = [[names[0]]]
    for sign, name in zip(signs, names[1:], strict=True):
        if sign in _LEVEL:
            tiers[-1].append(name)
        else:
            tiers.append([name])
    return tuple(tuple(tier) for tier in (reversed(tiers) if falls else tiers))


def _label_of(line: str, labels: Sequence[str]) -> str | None:
    """Return the label that a line of a list gives, maybe with words behind it."""
    bare = _MARKUP.sub(" ", _BULLET.sub("", line, count=1)).strip()
    first, _, rest = bare.partition(" ")
    name = first.rstrip(":.,-–—")
    is_alone = name != first or not rest or rest.lstrip()[0] in ":-–—"
    return name if name in labels and is_alone else None


# Numbers


def read_number(reply: str, least: float, most: float) -> float | None:
    """Return the number that a reply gives, in its range; None if it gives none, or several.

    A number alone counts, or the last one behind a word such as "score". "8/10" is 8 where the
    range ends at 10, and no number otherwise.
    """
    text = _MARKUP.sub(" ", own_text(reply)).strip()
    named = list(_LABELLED.finditer(text))
    found = named[-1].span(1) if named else _only_number(text)
    if found is None:
        return None
    out_of = _OUT_OF.match(text, found[1])
    if out_of and float(out_of[1]) != most:
        return None
    value = float(text[found[0] : found[1]].replace(",", "."))
    return value if least <= value <= most else None


def _only_number(text: str) -> tuple[int, int] | None:
    """Return where the only number of a text stands; "out of 10" is none of its own."""
    behind = [found.span(1) for found in _OUT_OF.finditer(text)]
    spans = [found.span() for found in _NUMBER.finditer(text) if found.span() not in behind]
    return spans[0] if len(spans) == 1 else None


# Tags


def read_tags(reply: str) -> tuple[str, ...] | None:
    """Return the tags of a reply, lower-case, each once; None if it holds none, or sentences.

    They stand in a JSON list, or are divided by commas or lines.
    """
    text = own_text(reply)
    tags = tuple(dict.fromkeys(filter(None, map(_tag, _listed(text)))))
    fits = 0 < len(tags) <= _MOST_TAGS and all(len(tag) <= _LONGEST_TAG for tag in tags)
    return tags if fits else None


def _listed(text: str) -> Iterator[str]:
    begin, end = text.find("["), text.rfind("]")
    try:
        found = json.loads(text[begin : end + 1]) if 0 <= begin < end else None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list):
        for each in found:
            named = each.get("tag") if isinstance(each, dict) else each
            yield named if isinstance(named, str) else ""
        return
    last = text.strip().splitlines()[-1:] if ":" in text else text.splitlines()
    for line in last if "," in "".join(last) else text.splitlines():
        yield from _LABEL_OF_ORDER.sub("", line).split(",")


def _tag(text: str) -> str:
    return " ".join(_MARKUP.sub(" ", _BULLET.sub("", text, count=1)).lower().split()).strip(".:; ")
