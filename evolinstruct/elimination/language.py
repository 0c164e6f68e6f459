"""The rule for rewrites in another language than their parents'."""

from __future__ import annotations

import re
from functools import cache

from evolinstruct.elimination.drift import script_of
from evolinstruct.elimination.rule import Parameter, Rewrite, Rule
from evolinstruct.languages import common_words, is_clear, language_of, languages_of, lexica

_SAME_START = 12  # characters: a rewrite that begins as its parent does is in its language


@cache
def _script(language: str) -> str:
    return script_of(min(lexica()[language])[0])


def _language_changed(rewrite: Rewrite, *, words: float = 4) -> str | None:
    parent, child = rewrite.parent, rewrite.child
    if child.startswith(parent[:_SAME_START]):
        return None
    return _by_kana(parent, child) or _by_words(parent, child, words)


def _by_words(parent: str, child: str, words: float) -> str | None:
    own, there = common_words(parent), common_words(child)
    if sum(len(languages_of()[word]) == 1 for word in own & there) > 1:
        return None  # they share words of one language
    before = language_of(own)
    if before is None or 4 * len(there & lexica()[before]) > 3 * len(there):
        return None  # most rewrites; related languages share half of these words
    after = language_of(there)
    if after is None or _script(before) != _script(after):
        return None  # `script_changed` is about these
    if not is_clear(own, before, after, words / 2):
        return None  # an instruction to evolve may be short
    return f"{before} became {after}" if is_clear(there, after, before, words) else None


_KANA, _HAN = re.compile("[\u3040-\u30ff]"), re.compile("[\u3400-\u9fff]")
_LETTERS, _SHARE = 8, 0.25  # letters of both kinds that are enough to tell; kana among them


def _by_kana(parent: str, child: str) -> str | None:
    """Tell Japanese from Chinese, which common words do in long texts alone."""
    if parent.isascii() or child.isascii():
        return None
    before, after = _share_of_kana(parent), _share_of_kana(child)
    if before is None or after is None:
        return None
    if before >= _SHARE and not after:
        return "Japanese became Chinese"
    return "Chinese became Japanese" if after >= _SHARE and not before else None


def _share_of_kana(text: str) -> float | None:
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    return kana / (kana + han) if kana + han >= _LETTERS else None


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="language_changed",
        meaning="The rewrite is in another language of the same script than its parent, by the"
        " common words of both.",
        cause="the prompts are in another language than the seeds: translate the pack, or use a"
        " model that knows the seeds' language better",
        stage="rewrite",
        parameters=(
            Parameter(
                "words",
                4,
                2,
                1000,
                "so many common words tell the language of a rewrite, half as many its parent's",
            ),
        ),
        check=_language_changed,
    ),
)
