"""Rules for rewrites that drift away from their parents.

They look for growth beyond a band, another script, and nothing in common with the parent.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from evolinstruct.elimination.rule import Parameter, Rewrite, Rule
from evolinstruct.prose import count_data
from evolinstruct.words import all_stop_words, count_words, letters_of_a_word

# Growth


def _word_growth(rewrite: Rewrite, *, least: float = -40, most: float = 150) -> str | None:
    if not rewrite.plain_in_depth:
        return None
    parent, child = rewrite.parent, rewrite.child
    before, after = count_words(parent), count_words(child)
    if before <= -least and after <= most:
        return None  # many rewrites, however many of the words are data
    per_word = letters_of_a_word(parent)
    least, most = per_word * least, per_word * most
    after -= count_data(child)
    if least <= after - before and after <= most:
        return None  # most of the others, however many of the parent's words are data
    before -= count_data(parent)
    if least <= after - before <= most:
        return None
    return f"from {before} to {after} words, where {least:+g} to {most:+g} are allowed"


# Script

_BEYOND_LATIN = re.compile(r"[^\W\d_a-zA-Z\u00aa-\u024f\u1e00-\u1eff]")
_RUN = re.compile(r"[^\W\d_]+")
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO"}
_SOME_WORDS = 3
_LOOKED_AT = 20_000  # characters


def _script_changed(rewrite: Rewrite, *, share: float = 0.1) -> str | None:
    parent, child = rewrite.parent, rewrite.child
    if _is_latin(parent) and _is_latin(child):
        return None
    before, after = _scripts(parent), _scripts(child)
    if before.total() < _SOME_WORDS or after.total() < _SOME_WORDS:
        return None
    script, count = before.most_common(1)[0]
    if count * 2 < before.total() or after[script] >= share * after.total():
        return None
    return f"{script.title()} became {after.most_common(1)[0][0].title()}"


def _is_latin(text: str) -> bool:
    return text.isascii() or not _BEYOND_LATIN.search(text)


def _scripts(text: str) -> Counter[str]:
    """Count the words of a text, code left out, by script; each East Asian letter is a word."""
    found: Counter[str] = Counter()
    for run in _RUN.findall(_FENCE.sub(" ", text[:_LOOKED_AT])):
        script = script_of(run[0])
        found[script] += len(run) if script == "EAST ASIAN" else 1
    return found


@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """Return the script of a letter, by its Unicode name; Chinese and Japanese are one."""
    name = unicodedata.name(letter, "UNKNOWN").partition(" ")[0]
    return "EAST ASIAN" if name in _EAST_ASIAN else name


# Nothing in common

_CONTENT = re.compile(r"[^\W\d_]{3,}|\d+")
_STEM = 4
_FEW, _SOME = 3, 6  # words of a parent of which a short rewrite keeps one, and a long one
_SHORT = 20  # words


def _nothing_in_common(rewrite: Rewrite) -> str | None:
    if not rewrite.in_depth:
        return None
    own = 0
    known = all_stop_words()
    for found in _CONTENT.finditer(rewrite.parent[:_LOOKED_AT].lower()):
        word = found[0]
        if word in known:
            continue
        stems = _stems(word)
        if any(stem in rewrite.lower for stem in stems):
            return None
        own += (len(stems) + 1) // 2  # unspaced: about two letters make a word
    # A long one may tell of a case, and name nothing in the words of a short parent.
    short = _SHORT * letters_of_a_word(rewrite.child)
    enough = own >= _SOME or (own >= _FEW and count_words(rewrite.child) <= short)
    return f"none of the parent's {own} words of content is left" if enough else None


def _stems(word: str) -> tuple[str, ...]:
    """Return what to look for: a word's beginning; in unspaced scripts, each pair of letters."""
    if word[0].isascii() or script_of(word[0]) != "EAST ASIAN":
        return (word[:_STEM],)
    pairs = [word[place : place + 2] for place in range(len(word) - 1)]
    return tuple([pair for pair in pairs if not _ENDINGS.fullmatch(pair)])


_ENDINGS = re.compile("[\u3040-\u309f]+")  # Japanese writes particles and endings in hiragana


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="word_growth",
        meaning="A plain in-depth rewrite has many more words than its parent, or many fewer; code"
        " and data are not counted.",
        cause="the model inflates or shortens what it rewrites, most of all a small model in late"
        " generations: read some of them",
        stage="rewrite",
        parameters=(
            Parameter("most", 150, 1, 100_000, "words that it may add"),
            Parameter(
                "least",
                -40,
                -100_000,
                1000,
                "words that it must add (negative: words that it may lose)",
            ),
        ),
        check=_word_growth,
    ),
    Rule(
        name="script_changed",
        meaning="The rewrite is written in another script than its parent.",
        cause="the prompts are in another language than the seeds: translate the pack, or use a"
        " model that knows the seeds' language better",
        stage="rewrite",
        parameters=(
            Parameter(
                "share",
                0.1,
                0,
                1,
                "drops a rewrite with a smaller share of words in its parent's script",
            ),
        ),
        check=_script_changed,
    ),
    Rule(
        name="nothing_in_common",
        meaning="An in-depth rewrite shares no word of content with its parent.",
        cause="the model makes up a new task instead of rewriting this one: it is too small for the"
        " prompts, or its temperature is too high",
        stage="rewrite",
        check=_nothing_in_common,
    ),
)
"""In the order in which they look."""
