"""Rules for texts that hold what no writer writes: broken characters, raw tokens, further turns.

They are leftovers of a model's tokenizer or of a server that passes a chat's frame on. Whatever the
instruction holds itself, or is about, is none.
"""

from __future__ import annotations

import re

from evolinstruct.elimination.rule import Answer, Rewrite, Rule
from evolinstruct.reading import find_next_turn

_BROKEN = re.compile(
    "[\ufffd\ufffe\uffff\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]"  # characters
    "|<0x[0-9A-Fa-f]{2}>"  # bytes as tokens
    "|\u0120[a-z]+\u0120|[\\w,.]\u010a|(?:\u2581\\w+){3}"  # marks of tokenizers
    "|\u00e2\u20ac[\u2122\u0153\u02dc\u201c\u201d\u00a6]"  # UTF-8 read as another encoding
    "|\u00c3[\u00a9\u00a8\u00bc\u00b6\u00a4\u00b1]"
    "|\u00ef\u00bb\u00bf"
)
_ABOUT_CHARACTERS = re.compile(
    r"unicode|encod|utf-?\d|mojibake|replacement char|tokeni[sz]|sentencepiece|\bbpe\b|control char"
    r"|null (?:byte|char)|escape (?:char|sequence)|\bbytes?\b|latin-?1|ascii",
    re.IGNORECASE,
)


_WRITTEN = bytes([*range(0x20, 0x7F), *b"\t\n\v\f\r"])
"""The characters of ASCII that are written."""
_SIGNS = ("\ufffd", "\u0120", "\u010a", "\u2581", "\u00e2\u20ac", "\u00c3", "\u00ef\u00bb")
"""The printable signs beyond ASCII of which every broken piece has one."""


def _is_clean(text: str) -> bool:
    """Tell whether a text surely holds nothing broken, as most do, by its characters alone."""
    if "<0x" in text:
        return False
    if text.isascii():
        return not text.encode().translate(None, _WRITTEN)
    return text.replace("\n", " ").isprintable() and not any(map(text.__contains__, _SIGNS))


def _find_broken(text: str, asked: str) -> str | None:
    if _is_clean(text):
        return None
    found = _BROKEN.search(text)
    if found is None or found[0] in asked or _ABOUT_CHARACTERS.search(asked):
        return None
    shown = found[0] if found[0].isprintable() and found[0] != "\ufffd" else ascii(found[0])
    around = text[max(found.start() - _AROUND, 0) : found.start()].split()
    return f'{shown} after "{" ".join(around)}"'


_AROUND = 30  # characters of evidence


def _garbled(rewrite: Rewrite) -> str | None:
    return _find_broken(rewrite.child, rewrite.parent)


def _response_garbled(answer: Answer) -> str | None:
    return _find_broken(answer.response, answer.instruction)


def _response_goes_on(answer: Answer) -> str | None:
    turn = find_next_turn(answer.response, answer.instruction)
    return None if turn is None else f'it goes on with "{turn}"'


_CAUSE = "the server does not know the end of the model's turn, or its tokenizer: look at the raw"
_CAUSE += " replies, at the chat template and at the stop tokens"

REWRITES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="garbled",
        meaning="The rewrite holds broken characters or raw tokens that its parent does not hold.",
        cause=_CAUSE,
        stage="rewrite",
        check=_garbled,
    ),
)

ANSWERS: tuple[Rule[Answer], ...] = (
    Rule(
        name="response_garbled",
        meaning="The answer holds broken characters or raw tokens that the instruction does not.",
        cause=_CAUSE,
        stage="answer",
        check=_response_garbled,
    ),
    Rule(
        name="response_goes_on",
        meaning="The answer goes on with another turn of a dialogue that nobody asked for.",
        cause=_CAUSE,
        stage="answer",
        check=_response_goes_on,
    ),
)
