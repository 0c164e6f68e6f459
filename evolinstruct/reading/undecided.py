"""Replies that come to no rewrite: several to choose from, or nothing but thoughts about one."""

from __future__ import annotations

import re

from evolinstruct.reading.announcements import speaks_of_rewriting
from evolinstruct.reading.said import Said
from evolinstruct.words import count_words

_LOOKED_AT = 1500  # characters
_OFFER = re.compile(
    r"^[\s*_#>-]{0,6}(?:(?:option|version|variante?|variation|alternative?|rewrite|rewritten"
    r" (?:version|instruction|prompt)|versione?|versión|versão|opción|opção|opzione|вариант|版本"
    r"|选项|方案|案|버전)[ _#]{0,2}(?:\d|[A-C]\b|one|two|three|[一二三])(?: \([^()\n]{1,40}\))?"
    r"[*_]{0,3}\s?(?:[:.：)]|$|[–—-] )|[12][.)]\s)",
    re.IGNORECASE | re.MULTILINE,
)
_ANNOUNCES_SEVERAL = re.compile(
    r"\W{0,3}(?:(?:sure|certainly|of course)\W+)?(?:here are|below are|hier sind|voici|aquí tienes"
    r"|ecco|вот)[^:\n]{0,40}\b(?:rewrites|versions|options|variants|alternatives|variations"
    r"|varianten|versionen|opciones|versiones|versioni|вариант\w*|верси\w*)\b[^:\n]{0,40}:",
    re.IGNORECASE,
)
_ANOTHER = re.compile(
    r"\n\n(?P<said>(?:alternatively|or,? if you|another (?:option|version|variant)"
    r"|if (?:that|this) is too|falls (?:das|dies|ihnen|dir)|alternativ|sinon"
    r"|si (?:c'est|es) (?:trop|demasiado)|se (?:for|è) (?:muito|troppo)|o si (?:lo )?prefier"
    r"|ou si (?:vous|tu) préfér)[^\n:]{0,100}:)\s*\S",
    re.IGNORECASE,
)


def before_another(text: str, parent: str) -> str:
    """Return what stands before the offer of another version."""
    found = _ANOTHER.search(text)
    if found is None or found["said"] in parent or "?" in found["said"]:
        return text
    says = Said(found["said"]).has("rewrite", "harder", "original", "task")
    return text[: found.start()].rstrip() if says else text


_CHOICE = re.compile(
    r"\b(?:i(?:'d| would)? (?:choose|chose|pick|select|prefer|recommend|go with|went with)"
    r"|let me know|you prefer|my (?:final )?(?:answer|choice|pick|favou?rite)"
    r"|ich (?:entscheide|wähle)|je (?:choisis|retiens)|elijo|escojo|me quedo|escolho|scelgo)\b"
    r"|выбираю|采用|选择|選び|선택|أختار",
    re.IGNORECASE,
)


_THINKS_ALOUD = re.compile(
    r"(?:(?:hmm+|okay|ok|alright|well|so|first)\W+){0,2}(?:let me (?:first )?think"
    r"|we need to (?:produce|write|rewrite|make|create)|the user (?:wants|is asking|asks)"
    r"|i need to (?:rewrite|make|write))\b",
    re.IGNORECASE,
)


_LEADS_ON = re.compile(
    r"(?:write it|final|result|here (?:is|it|goes)|go with|done|okay|ok|good|yes)\b[^.!?\n]{0,30}"
    r"[.!:…]*\Z|:\Z",
    re.IGNORECASE,
)


def behind_thoughts(text: str, parent: str) -> str:
    """Return what stands below a first paragraph that thinks aloud and comes to a rewrite."""
    first, blank_line, rest = text.partition("\n\n")
    if not blank_line or not is_all_thoughts(first, parent) or not _LEADS_ON.search(first):
        return text
    return text if is_all_thoughts(rest, parent) or speaks_of_rewriting(rest) else rest.strip()


def is_all_thoughts(text: str, parent: str) -> bool:
    """Tell whether a text thinks aloud about the rewriting, and comes to no rewrite."""
    begins = _THINKS_ALOUD.match(text)
    return begins is not None and begins[0] not in parent and speaks_of_rewriting(text[:_LOOKED_AT])


def offers_several(text: str, parent: str) -> bool:
    """Tell whether a reply offers several instructions to choose from, or has chosen one.

    Options that a longer text follows are what that text is about. A numbered list is an offer
    only where something is chosen.
    """
    if announced := _ANNOUNCES_SEVERAL.match(text):
        text = text[announced.end() :].lstrip()
        return len(_OFFER.findall(text)) > 1 and announced[0].strip() not in parent
    first = _OFFER.match(text)
    second = _OFFER.search(text, first.end()) if first else None
    if first is None or second is None or first[0].strip() in parent:
        return False
    if count_words(text[first.end() : second.start()]) < _SENTENCE:
        return False
    *_, last = text.rstrip().rpartition("\n\n")
    chooses = not _OFFER.match(last) and _CHOICE.search(last) is not None
    if chooses or first[0].lstrip()[:1].isdigit():
        return chooses
    if last.endswith(("?", "？")) and not _PREFERS.search(last):
        return False  # what the options are asked about
    return _OFFER.match(last) is not None or count_words(last) <= _REMARK


_PREFERS = re.compile(
    r"\b(?:you|prefer\w*|préfér\w*|[tl]e gusta|vous|dir|ihnen|você|vuoi|ti piace)\b|вам|тебе|您"
    r"|你|お好み|마음에|تفضل",
    re.IGNORECASE,
)
"""Words to whoever may choose."""
_SENTENCE = 5  # words: fewer are the choices of a question
_REMARK = 12  # words: more are a text of their own
