"""Judgement reader: the order, the number or the tags in a judge's reply.

Nothing is read by its place: an order names each label once, a number stands in its range, and a
reply that leaves room for doubt is no judgement. The judge is asked once more then, which costs
little; a wrong score would stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import exp
from typing import Any

from evolinstruct.reading.own_text import own_text

Order = tuple[tuple[str, ...], ...]
"""Labels from least to most; those that are level stand together."""

_MARKUP = re.compile(r"[*_`#\"“”'’\[\](){}]+")
_BULLET = re.compile(r"^\s*(?:[-•*]|\d{1,2}[.)])\s+")

# Orders

_SIGN = re.compile(r"\s*(<=|>=|≤|≥|<|>|=|≈|~)\s*")
_LEVEL = ("=", "≈", "~")
_FALLING = (">", ">=", "≥")
_LIST = re.compile(r"\s*(?:,|->|→)\s*")
_NAMED = re.compile(r"^([^:：\n<>=]{0,60})[:：]\s*(?=\S)")
_EASIEST = re.compile(r"\b(?:easiest|easier|simplest|least|easy to|ascend|increas)", re.IGNORECASE)
_HARDEST = re.compile(r"\b(?:hardest|harder|toughest|most|hard to|descend|decreas)", re.IGNORECASE)
_DOUBTFUL = re.compile(
    r"\b(?:if|by length|length alone|first glance|at first|initial|not|wrong|such as|example)\b",
    re.IGNORECASE,
)


def read_order(reply: str, labels: Sequence[str]) -> Order | None:
    """Return the order that a reply states last, each label once; None if it states none.

    ``B < A = C`` is an order. ``B, A, C`` is one only where the line says at which end it begins,
    because lists of judges begin at either. Where signs point both ways, or a remark behind the
    order speaks of another one, nothing is stated.
    """
    lines = [_BULLET.sub("", line, count=1) for line in own_text(reply).splitlines()]
    for line in filter(None, (_MARKUP.sub(" ", line).strip() for line in reversed(lines))):
        order = _order_of(line, labels)
        if order is not None or _compares(line, labels):
            return order
    return None


def _order_of(line: str, labels: Sequence[str]) -> Order | None:
    """Return the order that one line states, also behind a name such as "Order:"."""
    named = _NAMED.match(line)
    name, said = (named[1], line[named.end() :]) if named else ("", line)
    said = said.rstrip(" .。")
    if _DOUBTFUL.search(name):
        return None
    parts, listed = _SIGN.split(said), _LIST.split(said)
    if _are(parts[::2], labels):
        falls = {sign in _FALLING for sign in parts[1::2] if sign not in _LEVEL}
        return _tiers(parts[::2], parts[1::2], {*falls, *_begins_hardest(name)})
    if _are(listed, labels):
        falls = _begins_hardest(name)
        return _tiers(listed, ["<"] * (len(listed) - 1), falls) if falls else None
    return None


def _are(names: Sequence[str], labels: Sequence[str]) -> bool:
    return len(labels) > 1 and sorted(names) == sorted(labels)


def _begins_hardest(name: str) -> set[bool]:
    """Return whether a name says that the hardest comes first; nothing if it does not tell."""
    easiest, hardest = _EASIEST.search(name), _HARDEST.search(name)
    if not easiest or not hardest:
        return {hardest is not None} if easiest or hardest else set()
    return {hardest.start() < easiest.start()}


def _tiers(names: Sequence[str], signs: Sequence[str], falls: set[bool]) -> Order | None:
    """Return names in tiers, the least first; None where it is said to rise and to fall."""
    if len(falls) > 1:
        return None
    tiers = [[names[0]]]
    for sign, name in zip(signs, names[1:], strict=True):
        if sign in _LEVEL:
            tiers[-1].append(name)
        else:
            tiers.append([name])
    return tuple(tuple(tier) for tier in (reversed(tiers) if True in falls else tiers))


def _compares(line: str, labels: Sequence[str]) -> bool:
    """Tell whether a line sets two labels against each other."""
    words = [part.split() for part in _SIGN.split(line)[::2]]
    return any(
        before and after and before[-1] in labels and after[0].rstrip(".,;:") in labels
        for before, after in pairwise(words)
    )


# Numbers

_NUMBER = r"(?P<number>-?\d+(?:\.\d+|,\d{1,2})?(?!\d))"
_OUT_OF = r"(?:\s*(?:/|out of|von|sur|de|из|分之)\s*(?P<most>\d+(?:[.,]\d+)?)(?!\d))"
_UNIT = r"(?:\s*(?:points?|punkte|puntos|分|点|점))?"
_ECHO = r"(?:\s*-?\d+\s*(?:-|–|to)\s*\d+)?"  # of the range: "Score 1-10: 7"
_SCORE = (
    r"(?:score|rating|grade|punktzahl|bewertung|puntuación|puntaje|calificación|nota|pontuação"
    r"|分数|分數|评分|評分|得分|点数|スコア|점수|оценка|балл|الدرجة|النتيجة)"
)
_WHOLE = re.compile(rf"{_NUMBER}{_OUT_OF}?{_UNIT}[.。!]?", re.IGNORECASE)
_SCORE_LINE = re.compile(
    r"(?:(?:the|my|a|an|so|final|overall|total|difficulty|quality|answer)[\s,]+){0,3}"
    rf"(?:{_SCORE}|difficulty|quality|overall){_ECHO}\s*(?:is|of|:|：|=|-(?=\s)|–)?\s*"
    rf"{_NUMBER}{_OUT_OF}?{_UNIT}[.。!]?",
    re.IGNORECASE,
)
_SAID = re.compile(
    rf"(?:{_SCORE}\s*(?:is|:|：|=|est|ist|es|é)?|\bI\s(?:d\s|would\s|will\s)?(?:rate|give)(?:\s\S+){{0,5}}?)"
    rf"\s*{_NUMBER}{_OUT_OF}?{_UNIT}(?=[.,;。!]?\s*$|[.,;。!]\s)",
    re.IGNORECASE | re.MULTILINE,
)
_ANY_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def read_number(reply: str, least: float, most: float) -> float | None:
    """Return the number that a reply gives, in its range; None if it gives none, or several.

    That is the number on the last line that holds a score alone, such as "Score: 7", or the only
    number of the reply where a sentence gives it as a score. "8/10" is 8 where the range ends at
    10, and no number otherwise.
    """
    text = _MARKUP.sub(" ", own_text(reply)).strip()
    found = _WHOLE.fullmatch(text) or _last_score_line(text) or _only_score(text)
    if found is None:
        return None
    value, out_of = _float(found["number"]), found["most"]
    fits = least <= value <= most and (out_of is None or _float(out_of) == most)
    return value if fits else None


_READABLE = 0.8  # of what a judge weighed: the share that must be scores, or nothing is told
_DIGITS = re.compile(r"\s*(\d+)\s*")


def weigh_number(
    number: float,
    logprobs: Iterable[Sequence[tuple[str, float]]],
    least: float,
    most: float,
) -> float | None:
    """Return the mean of the scores that a judge weighed for the one it gave, by their chances.

    None where that is not told: nothing is known of the one token that is the number, or a fifth or
    more of the chances is on what is no score in the range.

    Args:
        number: that its reply gives.
        logprobs: of the reply's tokens: each of them, and then what else might have stood in its
            place, with the natural logarithm of its probability.
        least: the lowest number that counts.
        most: the highest one.
    """
    given = [tokens for tokens in logprobs if tokens and _whole(tokens[0][0]) == number]
    if len(given) != 1:
        return None
    (_, own), *others = given[0]
    # Where no token has two digits, a 1 may be on its way to a 10, unless the reply shows it whole.
    is_long = any((_whole(token) or 0) > 9 for token, _ in given[0])  # noqa: PLR2004 - digits
    chances = [(number, exp(own))]
    for token, logprob in others:
        score = _whole(token)
        if score is None or not least <= score <= most:
            continue
        if is_long or not 0 < 10 * score <= most:
            chances.append((score, exp(logprob)))
    whole = sum(chance for _, chance in chances)
    mean = sum(score * chance for score, chance in chances) / whole if whole else 0.0
    return mean if whole > _READABLE else None


def _whole(token: str) -> int | None:
    """Return the whole number that a token is."""
    found = _DIGITS.fullmatch(token)
    return int(found[1]) if found else None


def _last_score_line(text: str) -> re.Match[str] | None:
    lines = (" ".join(_BULLET.sub("", line, count=1).split()) for line in text.splitlines())
    found = [match for line in lines if (match := _SCORE_LINE.fullmatch(line))]
    return found[-1] if found else None


def _only_score(text: str) -> re.Match[str] | None:
    """Return the score that a sentence gives, where the reply holds no other number."""
    found = list(_SAID.finditer(text))
    if len(found) != 1:
        return None
    own = 1 + (found[0]["most"] is not None)
    return found[0] if len(_ANY_NUMBER.findall(text)) == own else None


def _float(number: str) -> float:
    return float(number.replace(",", "."))


# Tags

_MOST_TAGS = 30
_MOST_WORDS = 5
_LONGEST_TAG = 60
_BETWEEN = re.compile(r"[,;、，；]")
_ENDS = (".", "!", "?", ":", "。", "！", "？", "：")


def read_tags(reply: str) -> tuple[str, ...] | None:
    """Return the tags of a reply, lower-case, each once; None if it holds none, or sentences.

    They stand in the one JSON list of texts that it holds, or are all that it says: two or more,
    divided by commas or lines, in lower case as they are asked for.
    """
    text = own_text(reply).strip()
    found = _json_list(text) if "[" in text else _plain_list(text)
    tags = tuple(dict.fromkeys(filter(None, map(_tag, found))))
    return tags if 0 < len(tags) <= _MOST_TAGS and all(map(_is_brief, tags)) else None


def _json_list(text: str) -> list[str]:
    """Return the only JSON list of texts that stands in a text."""
    lists = list(_json_lists(text))
    return lists[0] if len(lists) == 1 else []


def _json_lists(text: str) -> Iterator[list[str]]:
    decoder, at = json.JSONDecoder(), text.find("[")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            names = [_named(each) for each in found]
            yield [name for name in names if name] if all(names) else []
        at = text.find("[", end)


def _named(each: Any) -> str | None:
    """Return an item of a list that is a text, also where it is the tag of an object."""
    named = each.get("tag") if isinstance(each, dict) else each
    return named if isinstance(named, str) else None


def _plain_list(text: str) -> list[str]:
    """Return the parts of a text that is nothing but a list."""
    name, divided, rest = text.partition(":")
    if divided and name.strip(" *#").casefold() in {"tags", "tag", "skills and topics"}:
        text = rest.lower()  # the name says what they are, so their case does not have to
    lines = [_BULLET.sub("", line, count=1) for line in text.splitlines()]
    parts = [part.strip(" *`\"'") for line in lines for part in _BETWEEN.split(line)]
    parts = [part for part in parts if part]
    is_prose = text != text.lower() or any(part.endswith(_ENDS) for part in parts)
    return [] if is_prose or len(parts) < 2 else parts  # noqa: PLR2004 - one may be a sentence


def _tag(text: str) -> str:
    return " ".join(text.lower().split()).lstrip("#").strip(".:; ")


def _is_brief(tag: str) -> bool:
    return len(tag) <= _LONGEST_TAG and len(tag.split()) <= _MOST_WORDS
