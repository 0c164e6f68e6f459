"""Asides: pieces after the rewrite that are known by their build, in any language.

A mark that it ends, a count of its words, a rating, thanks and good-byes, and whatever stands under
a label that speaks of the rewriting, such as "Why it is harder" or "Techniques used".
"""

from __future__ import annotations

import re
from functools import lru_cache

from evolinstruct.reading.said import Said
from evolinstruct.words import count_words

_LABEL_WORDS, _FEW_WORDS = 7, 4
_LONGEST_SECTION = 1500  # characters
_STEM = 6  # letters
_OF_REWRITING = ("rewrite", "harder", "original", "change", "matter")
_ALL = (
    *("noted", "why", "counted", "rated", "label", "new", "task", "effect", "filler"),
    *_OF_REWRITING,
)
_HEADING = re.compile(
    r"^(?:[^\w\n]{0,4}#{1,4}[^\w\n]{1,6}(?P<headed>[^\n:：]{2,50}?)[*_]{0,2}[:：]?[ \t]*"
    r"|[^\w\n]{0,3}(?:\*\*|__)[^\w\n]{0,4}(?P<bold>[^\n*_:：]{2,50})[:：]?(?:\*\*|__)[:：]?[ \t]*"
    r"(?P<same>\S[^\n]*)?"
    r"|【(?P<boxed>[^【】\n]{2,20})】[ \t]*"
    r"|(?P<plain>[^\W\d_][^\n:：.*]{1,40})[:：][ \t]*(?P<after>\S[^\n]*)?)$",
    re.MULTILINE,
)
"""A line that is but a label: a heading, bold words, words before a colon. Bold ones may go on."""


def find_section(text: str, parent: str) -> int:
    """Return where the first part of a text begins that a label gives to the rewriting; -1 if none.

    What a colon leads up to, and a part that lists what to fill in, is the text's own.
    """
    start = text.find("\n", max(len(text) - _LONGEST_SECTION, 0)) + 1
    for found in _HEADING.finditer(text, start) if start else ():
        name = next(filter(None, found.group("headed", "bold", "boxed", "plain")))
        speaks = not found["after"] and is_label_of_note(name)
        if not speaks and not _justifies(name):
            continue
        told = found["same"] or found["after"] or text[found.end() :].strip()
        before = text[: found.start()].rstrip()
        if not told or not before or before.endswith((":", "：")) or found[0].strip() in parent:
            continue
        if speaks or _gives_reasons(name, told, before):
            return found.start()
    return -1


def _gives_reasons(name: str, told: str, before: str) -> bool:
    """Tell whether what stands under a label is no limit, and is not what was asked for."""
    if len(told.split()) < _FEW_WORDS and told.isascii():
        return False
    return name.strip().lower()[:_STEM] not in before.lower()


@lru_cache(maxsize=256)
def _justifies(name: str) -> bool:
    said = Said(name)
    return said.has("justified") and said.is_made_of("justified")


@lru_cache(maxsize=256)
def is_label_of_note(name: str) -> bool:
    """Tell whether a label speaks of how a text was rewritten, or why: "Changes made"."""
    said = Said(name.strip("?？ "))
    if len(said.tokens) > _LABEL_WORDS or not said.is_made_of(*_ALL):
        return False
    if said.has("noted", "label") and (said.joins or len(said.tokens) > 1):
        return said.has(*_OF_REWRITING) or len(said.having("noted")) > 1
    return said.has("why") and said.has("harder", "change", "rewrite") and len(said.tokens) > 1


def is_aside(piece: str, before: str) -> bool:
    """Tell whether a piece behind a text is a mark of its end, a count of words or a rating."""
    bare = piece.strip(_AROUND)
    if not bare or len(bare) > _LONGEST:
        return False
    return _ends(bare) or _counts(piece, bare, before) or _rates(bare, before)


def says_goodbye(piece: str) -> bool:
    """Tell whether a piece begins as an offer or a wish, or is but a good-bye."""
    if _OFFERS.match(piece.strip(FRAME)) and piece[-1] not in "\"”'’»」":
        return True
    return _GOODBYES.fullmatch(piece.strip(_AROUND)) is not None


FRAME = "*_()[]（）【】 —–-"
"""What sets a piece off."""
_AROUND = "*_#()[]（）【】<>=-—–~ \t\n.!。！…"
_LONGEST = 60  # characters


def _ends(bare: str) -> bool:
    said = Said(bare)
    if not said.has("ended"):
        return False
    return said.is_made_of("ended", "task", "rewrite", "new", "filler", "harder")


_UNITS = (
    r"(?:words?|wörter|mots|palabras|palavras|parole|woorden|слов\w*|słów|kelime|từ|शब्द|كلمة|كلمات"
    r"|字|文字|語|자|글자)"
)
_COUNT = re.compile(
    rf"(?:(?P<label>[^\d:：]{{1,40}})[:：]\s*)?[^\w\d]*(?:[^\W\d]{{1,12}}\s?)?(?P<count>\d{{1,4}})\s*"
    rf"(?:(?!{_UNITS})[^\W\d]{{3,12}}\s)?(?P<unit>{_UNITS})?(?P<rest>[^:：]{{0,40}})",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\b(?:added|more|additional|extra|longer|hinzugefügt|zusätzlich\w*|ajoutés|de plus|más"
    r"|añadidas|a mais|acrescentadas|in più|aggiunte|toegevoegd|добавлен\w*|больше)\b|增加|多|追加"
    r"|추가",
    re.IGNORECASE,
)
_NEARLY = 0.25  # of the words, by which a model miscounts


def _counts(piece: str, bare: str, before: str) -> bool:
    """Tell whether a piece says how many words a text has, nearly, or how many were added."""
    found = _COUNT.fullmatch(bare)
    if found is None or not (found["unit"] or found["label"]):
        return False
    rest = found["rest"].strip(" .")
    if label := found["label"]:
        said = Said(label)
        names_count = said.is_made_of("counted", "new", "rewrite", "filler", "task", "noted")
        if not names_count or not said.has("counted"):
            return False
    elif piece[0] not in _AROUND or (rest and not _MORE.search(bare)):
        return False
    if _MORE.search(bare):
        return True
    letters = sum(not each.isspace() for each in before)
    lengths = count_words(before), letters
    return any(abs(int(found["count"]) - length) <= _NEARLY * length for length in lengths)


_ITEM = re.compile(r"\A(?:[-•]|\d+[.)])\s")
_RATING = re.compile(
    r"(?P<label>[^\d:：★]{2,40}?)\s*(?:[:：][\s*_]*)?(?P<rate>[★☆⭐]{2,}|\d{1,2}(?:[.,]\d)?\s*/\s*\d{1,2})"
    r"[^\n]{0,40}"
)


def _rates(bare: str, before: str) -> bool:
    """Tell whether a piece says how hard a text is, in a number or in stars."""
    bare, _, others = bare.partition("\n")
    if others and not all(map(_RATING.fullmatch, others.splitlines())):
        return False
    found = _RATING.fullmatch(_ITEM.sub("", bare))
    if found is None or before.rpartition("\n")[2].count(":"):
        return False  # a form has more such lines
    said = Said(found["label"])
    return said.has("rated") and said.is_made_of(
        "rated", "new", "rewrite", "filler", "task", "noted"
    )


# Good-byes

_GOODBYES = re.compile(
    r"(?:good luck|best of luck|enjoy|have fun|cheers|that's (?:it|all)|hth|hope (?:that|this|it)"
    r" helps|glad to help|have a (?:great|nice|good) day|let me know|happy (?:evolving|prompting)"
    r"|you're welcome|viel erfolg|viel spaß|fertig|bis zum nächsten mal"
    r"|bon courage|bonne chance|terminé|c'est tout|merci et à bientôt"
    r"|¡?(?:suerte|mucha suerte)|de nada|espero que te sirva|ojalá te guste|y eso es todo"
    r"|boa sorte|é isso|espero ter ajudado|tomara que goste|fico à disposição"
    r"|buona fortuna|prego|alla prossima|spero ti sia utile"
    r"|succes(?: ermee)?|klaar|tot zover"
    r"|удачи|это вс[её]|готово|спасибо за внимание|надеюсь,? это поможет"
    r"|powodzenia|to tyle(?: ode mnie)?|kolay gelsin|hepsi bu kadar|umarım işinize yarar"
    r"|chúc may mắn|thế thôi(?: nhé)?|hy vọng[^\n.]{0,60}|शुभकामनाएँ|बस इतना ही|आशा है[^\n।]{0,40}।?"
    r"|بالتوفيق|هذا كل شيء|دمتم بخير|أرجو أن يكون هذا مفيد\w*"
    r"|就这样|以上|希望[^\n。]{0,20}|欢迎反馈|加油|祝您?[^\n。]{2,12}"
    r"|ご確認(?:ください|をお願い(?:いた)?します)|お役に立てれば幸いです|以上です|頑張ってください"
    r"|검토 부탁드립니다|감사합니다|수고하셨습니다|피드백 환영합니다|도움이 되(?:길|기를) 바랍니다)"
    r"[^\w\n]{0,6}",
    re.IGNORECASE,
)
_OFFERS = re.compile(
    r"(?:I )?hope (?:this|that|it) (?:helps|meets|works|is|fits|suits)"
    r"|(?:please )?(?:let me know|feel free to (?:ask|reach out|let me know|adjust"
    r"|modify))\b[^.\n]*"
    r"\b(?:further|changes?|adjust\w*|modif\w+|another|anything else|revis\w+|refine\w*|tweak\w*"
    r"|questions?|more|harder|you(?:'d like| would like| like| need| prefer| want)"
    r"|th(?:is|at) works)\b|(?:would you like|do you want) me to\b|is there anything else\b"
    r"|would you (?:like|prefer) (?:an?|another|it|this)\b"
    r"|(?:is|does) this (?:what you|work for|meet)|ich hoffe,? (?:das|dies)|lass(?:en sie)? es mich"
    r" wissen|sag(?:en sie)? (?:mir )?bescheid|j'espère que|n'hésite[zs]? pas|espero que (?:esto|te"
    r"|le|isso|ajude|sirva)|avísame|hágame saber|si necesitas|me avise|fico à disposição|spero che"
    r"|fammi sapere|ik hoop dat|laat (?:het )?me weten|надеюсь,? (?:это|что)|дайте знать|если нужно"
    r"|希望(?:这|对|能)|如果(?:您|你)?(?:还)?(?:有|需要)|如需|お役に立て|ご要望|必要であれば"
    r"|도움이 되|필요하시면"
    r"|آمل أن|أتمنى أن|هل تريد|¿?quieres? que|quer que eu|voulez-vous que|veux-tu que|soll ich"
    r"|möchten sie|vuoi che|zal ik|хотите|сделать ещ[её]|需要我|要不要我|ほかに(?:何か)?|더 필요"
    r"|더 어렵게 만들|chcesz|daha da ",
    re.IGNORECASE,
)
