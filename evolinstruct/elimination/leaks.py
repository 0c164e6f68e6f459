"""The rule for words of the prompt in a rewrite (WizardLM, arXiv 2304.12244, section 3.2, rule 4).

It looks for the phrases that label places in prompts, for runs of the prompt's own words, and for
orders to rewrite an instruction in other words or languages. What the parent holds is no leak.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby, takewhile
from typing import NamedTuple

from evolinstruct.elimination.rule import Rewrite, Rule
from evolinstruct.text import shorten
from evolinstruct.words import has_unspaced, lowered, split_words

# Phrases

_PAPER_PHRASES = (
    "given prompt",
    "rewritten prompt",
    "created prompt",
)


_OPENING = re.compile(r"#\s*(?:the\s+)?\Z")
_CLOSING = re.compile(r"\s*#")
_BEFORE = 8  # characters: "#", "the" and some spaces


class _Labels(NamedTuple):
    """Phrases in lower case, their last words, and the pattern that finds them in lower case."""

    phrases: tuple[str, ...]
    last_words: tuple[str, ...]
    pattern: re.Pattern[str]


@lru_cache(maxsize=64)
def _labels(phrases: tuple[str, ...]) -> _Labels:
    """Prepare the search for the paper's phrases and the pack's."""
    words = [phrase.strip(" #:*").lower().split() for phrase in (*_PAPER_PHRASES, *phrases)]
    words = [each for each in words if each]
    pattern = "|".join(r"\s+".join(map(re.escape, each)) for each in words)
    return _Labels(
        tuple(dict.fromkeys(map(" ".join, words))),
        tuple(dict.fromkeys(each[-1] for each in words)),
        re.compile(rf"(?<![a-z0-9_])(?:{pattern})(?![a-z0-9_])"),
    )


def _labels_in(text: str, lower: str, labels: _Labels) -> Iterator[str]:
    """Yield the phrases in a text, which is given in lower case too, with the # signs around them.

    A marker of one word, such as ``#Input#``, is everyday language without its # signs.
    """
    for found in labels.pattern.finditer(lower):
        opening = _OPENING.search(lower, max(found.start() - _BEFORE, 0), found.start())
        closing = _CLOSING.match(lower, found.end())
        if opening and closing:
            yield text[opening.start() : closing.end()]
        elif len(found[0].split()) > 1 or has_unspaced(found[0]):
            yield text[found.start() : found.end()]


def _label(rewrite: Rewrite, words: list[str]) -> str | None:
    """Return the first phrase that the rewrite, with these words, has and its parent has not."""
    labels = _labels(rewrite.phrases)
    if not any([word in rewrite.lower for word in labels.last_words]):  # noqa: C419 - faster, and runs on every rewrite
        return None
    text = " ".join(words)
    if not any(phrase in text for phrase in labels.phrases):
        return None  # most of the others: the pattern need not run
    parent = lowered(rewrite.parent)
    known = set(map(_normal, _labels_in(rewrite.parent, parent, labels)))
    for own in _labels_in(rewrite.child, rewrite.lower, labels):
        is_subject = "#" not in own and own.split()[-1].lower() in parent and _EDITS.search(parent)
        if _normal(own) not in known and not is_subject:
            return own
    return None


_EDITS = re.compile(r"\b(?:re-?writ|rephras|reword|revis|improv|edit|shorten|creat)")
"""A text that has a prompt edited may well say "the rewritten prompt"."""


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


# Runs of words

_PROSE, _DATA = 8, 13
"""A run of so many words is a leak: data has more words that its form alone demands."""
_DATA_LINE = re.compile(r"[{}<>|=$\\]|\w\(|;\s*$|(?:\d+\D+){3}\d")
_SHOWN = 80  # characters of evidence

_Run = tuple[str, ...]


class _Prompt(NamedTuple):
    """Runs of the prompts' words, lower-case.

    Attributes:
        fours: of four words.
        leaks: of the lengths that leak, by length.
        unspaced: whether some of the words are letters of scripts without spaces.
    """

    fours: frozenset[_Run]
    leaks: dict[int, frozenset[_Run]]
    unspaced: bool


@lru_cache(maxsize=16)
def _prepared(texts: tuple[str, ...]) -> _Prompt:
    """Prepare the search for runs of the prompts' words, in prose and in data."""
    leaks: dict[int, set[_Run]] = {_PROSE: set(), _DATA: set()}
    fours: set[_Run] = set()
    for text in texts:
        for is_data, lines in groupby(text.lower().splitlines(), _is_data):
            words = split_words("\n".join(lines).replace(",", " "))
            length = _DATA if is_data else _PROSE
            leaks[length].update(_runs(words, length))
            fours.update(_runs(words, 4))
    return _Prompt(
        frozenset(fours),
        {length: frozenset(runs) for length, runs in leaks.items()},
        any(map(has_unspaced, texts)),
    )


def _is_data(line: str) -> bool:
    """Tell whether eight words of a line may recur by chance: in data, code, unspaced scripts."""
    return bool(_DATA_LINE.search(line)) or has_unspaced(line)


def _runs(words: Sequence[str], length: int) -> Iterator[_Run]:
    return zip(*(words[start:] for start in range(length)), strict=False)


def _run(rewrite: Rewrite, words: list[str]) -> str | None:
    """Return the first run of the prompt's words that the rewrite has and its parent has not.

    A run of eight words holds one of four that begins at a fifth word, so that most rewrites cost
    one look at a fifth of their words.
    """
    prompt = _prepared(rewrite.prompt)
    if prompt.unspaced:
        words = split_words(" ".join(words))
    every = zip(words[::5], words[1::5], words[2::5], words[3::5], strict=False)
    if prompt.fours.isdisjoint(every):
        return None
    own = split_words(rewrite.parent.lower().replace(",", " "))
    for length, leaks in prompt.leaks.items():
        new = leaks.difference(_runs(own, length))
        runs = list(_runs(words, length))
        start = next((place for place, run in enumerate(runs) if run in new), None)
        if start is not None:
            more = sum(1 for _ in takewhile(new.__contains__, runs[start + 1 :]))
            return f'"{shorten(" ".join(words[start : start + length + more]), _SHOWN)}"'
    return None


# Orders to rewrite

_OBJECTS = ("prompt", "instruc", "istruz", "anweisung", "consigne")
_OBJECTS_BEYOND_ASCII = (
    *("instruç", "инструкц", "промпт", "指令", "提示", "プロンプト", "指示", "프롬프트", "지시"),
    *("التعليم", "التوجيه"),
)
_BEFORE_OBJECT, _AFTER_OBJECT = 120, 200  # characters
_TO_REWRITE = re.compile(
    r"\b(?:re-?writ\w+|transform\w*|turn\w*|convert\w*|rephras\w+|evolv\w+|mak(?:e|ing))"
    r" (?:\w+ ){0,3}?(?:prompt|instruction)\b[^.!?\n]{0,80}?\b(?:more (?:complex|difficult|specific"
    r"|challenging|demanding|detailed)|harder|complexity|constraints?|deeper|depth|rarer|version)\b"
    r"|\badd(?:ing)? (?:\w+ ){0,4}?(?:constraints?|requirements?|conditions?|steps?)"
    r" to (?:the|this|that) (?:prompt|instruction)\b"
    r"|\b(?:prompt|instruction) (?:re-?writer|creator)\b"
    r"|\b(?:rewritten|revised|evolved) (?:prompt|instruction)\b"
    r"|\bthe (?:given|original|new) (?:prompt|instruction)\b"
    r"|\bnew (?:prompt|instruction) (?:in|of|from) the same\b"
    r"|\b(?:make|keep|answer) the (?:prompt|instruction)\b"
    r"|\binstrucción (?:\S+ )?(?:nueva|dada|original|reescrita)|\binstrução (?:\S+ )?(?:nova|dada"
    r"|original|reescrita)|\bistruzione (?:\S+ )?(?:nuova|data|originale|riscritta)"
    r"|\b(?:instruction|consigne) (?:donnée|d['’]origine|réécrite|initiale|reformulée)"
    r"|\b(?:gegebenen?|neuen?|ursprünglichen?|umgeschriebenen?) anweisung"
    r"|\b(?:исходн|данн|нов|переписанн)\w+ инструкци|\bинструкция должна"
    r"|(?:给定|原|新|改写后)的?(?:指令|提示词)|(?:与えられた|元の|新しい)(?:指示|プロンプト)"
    r"|(?:주어진|원래|새로운) (?:지시|프롬프트)"
    r"|\b(?:reescrib|reescrev|riscriv|transform|réécri|reformul)\w+ (?:\S+ ){0,3}?(?:[ld]['’])?"
    r"(?:prompt|instrucci|instruç|istruzion|instruction|consigne)"
    r"|\b(?:anweisung|prompt)\b[^.!?\n]{0,60}?\b(?:um(?:zu)?schreib|um(?:zu)?formulier|umgeschrieb)"
    r"|\b(?:schreib|formulier)\w* (?:\S+ ){0,4}?(?:anweisung|prompt)\b[^.!?\n]{0,40}?\bum\b"
    r"|\b(?:перепи|переформулир|преобразу)\w+ (?:\S+ ){0,3}?(?:инструкци|промпт)"
    r"|(?:改写|重写)[^。！？\n]{0,12}(?:指令|提示)|(?:指令|提示词?)[^。！？\n]{0,6}(?:改写|重写)"
    r"|(?:指示|プロンプト)[^。！？\n]{0,10}(?:書き換え|書き直)"
    r"|(?:지시|프롬프트)[^.!?\n]{0,12}(?:다시 (?:쓰|작성)|재작성|바꿔 쓰)"
    r"|أعد (?:كتابة|صياغة) (?:\S+ ){0,1}?(?:التعليم|التوجيه)"
)
"""That an instruction is to be rewritten, in lower case."""


def _order(rewrite: Rewrite) -> str | None:
    """Return an order to rewrite an instruction, if the parent speaks of none.

    A model that repeats the prompt in its own words, or in another language, says such things.
    """
    lower = rewrite.lower
    for place in map(lower.find, _objects(lower)):
        start, end = max(place - _BEFORE_OBJECT, 0), place + _AFTER_OBJECT
        if place >= 0 and (order := _TO_REWRITE.search(lower, start, end)):
            parent = lowered(rewrite.parent)
            if any(each in parent for each in _objects(parent)):
                return None
            return f'"{shorten(rewrite.child[order.start() : order.end()], _SHOWN)}"'
    return None


def _objects(text: str) -> tuple[str, ...]:
    return _OBJECTS if text.isascii() else (*_OBJECTS, *_OBJECTS_BEYOND_ASCII)


def _leaked(rewrite: Rewrite) -> str | None:
    words = rewrite.lower.replace(",", " ").split()
    return _label(rewrite, words) or _run(rewrite, words) or _order(rewrite)


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="prompt_leaked",
        meaning="The rewrite holds a label of the prompt, eight of the prompt's words in a row, or"
        " an order to rewrite an instruction, none of which its parent holds (paper, 4).",
        cause="the model copies the prompt: look at the raw replies, and at the pack's markers if"
        " the pack is your own",
        stage="rewrite",
        paper=4,
        check=_leaked,
    ),
)
