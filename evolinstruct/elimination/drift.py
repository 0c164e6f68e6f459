"""Rules for rewrites that drift away from their parents.

They look for growth beyond a band, another script or language, nothing in common with the parent,
and an answer given away.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache

from evolinstruct.elimination.rule import Parameter, Rewrite, Rule
from evolinstruct.words import count_words, stop_words

# Growth


def _word_growth(rewrite: Rewrite, *, least: float = -40, most: float = 150) -> str | None:
    if not rewrite.plain_in_depth:
        return None
    before, after = count_words(rewrite.parent), count_words(rewrite.child)
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
        script = _script(run[0])
        found[script] += len(run) if script == "EAST ASIAN" else 1
    return found


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "UNKNOWN").partition(" ")[0]
    return "EAST ASIAN" if name in _EAST_ASIAN else name


# Language

_SURE = 0.95
_ENOUGH_WORDS = 8


def _language_changed(rewrite: Rewrite, *, words: float = _ENOUGH_WORDS) -> str | None:
    texts = [_FENCE.sub(" ", text[:_LOOKED_AT]) for text in (rewrite.parent, rewrite.child)]
    if rewrite.format is not None or min(map(count_words, texts)) < words:
        return None
    (before, sure_before), (after, sure_after) = map(_language, texts)
    if before == after or min(sure_before, sure_after) < _SURE:
        return None
    return f"{before} became {after}"


@cache
def _identifier() -> object:
    langid = importlib.import_module(
        "py3langid.langid"
    )  # imported where it is used because it is heavy
    identifier = langid.LanguageIdentifier
    return identifier.from_model_file(langid.MODEL_FILE, norm_probs=True)


def _language(text: str) -> tuple[str, float]:
    name, sure = _identifier().classify(text)  # type: ignore[attr-defined]
    return str(name), float(sure)


# Nothing in common

_CONTENT = re.compile(r"[^\W\d_]{3,}|\d+")
_STEM = 4
_FEW = 3


def _nothing_in_common(rewrite: Rewrite) -> str | None:
    if not rewrite.in_depth:
        return None
    child = rewrite.child.lower()
    own = 0
    known = stop_words()
    for found in _CONTENT.finditer(rewrite.parent[:_LOOKED_AT].lower()):
        word = found[0]
        if word in known:
            continue
        stems = _stems(word)
        if any(stem in child for stem in stems):
            return None
        own += (len(stems) + 1) // 2  # unspaced: about two letters make a word
    return f"none of the parent's {own} words of content is left" if own >= _FEW else None


def _stems(word: str) -> tuple[str, ...]:
    """Return what to look for: a word's beginning; in unspaced scripts, each pair of letters."""
    if word[0].isascii() or _script(word[0]) != "EAST ASIAN":
        return (word[:_STEM],)
    return tuple([word[place : place + 2] for place in range(len(word) - 1)])


# The answer given away

_LABEL = re.compile(
    r"^[ \t#*_>]*(?:(?:the |sample |model |correct |expected |final |suggested |possible )*"
    r"(?:answer|solution|response|output)|antwort|lösung|réponse|respuesta|solución|答案|回答|解答)"
    r"[ \t#*_]*[:：][ \t*_]*(?=\S|\n+[ \t]*\S)",
    re.IGNORECASE | re.MULTILINE,
)
_LABEL_WORDS = (
    *("answer", "solution", "response", "output", "antwort", "lösung", "réponse", "respuesta"),
    *("solución", "答案", "回答", "解答"),
)
_OF_AN_ANSWER = re.compile(
    r"\b(?:the|this|that|these|those|each|given|following|student'?s?|candidate|two|wrong|incorrect"
    r"|whether|an?|its|his|her|their|my|your|our|one|both|support\w*|customer\w*|grade|score|rate"
    r"|critique|evaluate|proofread|review|edit|rewrite|improve|rephrase|translate|correct)\s+"
    r"(?:\w+\s+){0,3}?(?:answers?|solutions?|responses?|outputs?|repl(?:y|ies))\b"
    r"|\b(?:examples?|format|template|dialogue|interview|transcript|q\s*&\s*a|beispiele?|ejemplos?"
    r"|exemples?)\b|^[ \t#*_>]*(?:q|question|input|example|frage|pregunta)\s*\d*\s*[:.]|例"
    r"|格式|判断"
    r"|评价|评估|改写|下面的(?:答案|回答)|以下(?:答案|回答)",
    re.IGNORECASE | re.MULTILINE,
)
_BLANK = re.compile(r"[\W_]*(?:\[[^\]]*\]|<[^>]*>|\{[^}]*\})?[\W_]*\Z")


def _holds_answer(rewrite: Rewrite) -> str | None:
    child = rewrite.child.lower()
    if ":" not in child and "：" not in child:
        return None
    if not any([word in child for word in _LABEL_WORDS]):  # noqa: C419 - faster, and runs on many rewrites
        return None
    labels = list(_LABEL.finditer(rewrite.child))
    if not labels or not rewrite.child[: labels[0].start()].strip():
        return None
    after = rewrite.child[labels[-1].end() :]
    about_one = _OF_AN_ANSWER.search(rewrite.child[: labels[0].start()])
    if about_one or _BLANK.match(after) or _LABEL.search(rewrite.parent):
        return None
    return " ".join(rewrite.child[labels[-1].start() :][:80].split())


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="word_growth",
        meaning="A plain in-depth rewrite has many more words than its parent, or many fewer.",
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
        name="language_changed",
        meaning="The rewrite is in another language than its parent, according to a detector.",
        cause="the prompts are in another language than the seeds: translate the pack, or use a"
        " model that knows the seeds' language better",
        stage="rewrite",
        parameters=(Parameter("words", 8, 3, 1000, "looks at texts of at least so many words"),),
        on=False,
        needs="py3langid",
        check=_language_changed,
    ),
    Rule(
        name="nothing_in_common",
        meaning="An in-depth rewrite shares no word of content with its parent.",
        cause="the model makes up a new task instead of rewriting this one: it is too small for the"
        " prompts, or its temperature is too high",
        stage="rewrite",
        check=_nothing_in_common,
    ),
    Rule(
        name="holds_answer",
        meaning="The rewrite ends in its own answer, under a label that its parent does not have.",
        cause="the model answers what it should rewrite: read some of the raw replies",
        stage="rewrite",
        check=_holds_answer,
    ),
)
"""In the order in which they look."""
