"""Rules for rewrites whose form shows that something went wrong while they were written.

They look for leftovers of a chat, a code fence that never closes, an end in the middle of a
sentence, and words in a loop. Each ignores what the parent has already.
"""

from __future__ import annotations

import re

from evolinstruct.elimination.endings import (
    break_off,
    dangles,
    ends_in_empty_item,
    ends_in_open_data,
    is_open_question,
)
from evolinstruct.elimination.loops import find_loop
from evolinstruct.elimination.rule import Parameter, Rewrite, Rule
from evolinstruct.reading import find_note, find_opening
from evolinstruct.text import shorten
from evolinstruct.words import count_words

# Leftovers of a chat

_HANDED_OVER = r"(?:prompt|instruction|version|rewrite|rewriting|revision|question|task)"
_START = re.compile(
    r"[\"'*_\s]*(?:"
    rf"(?:certainly|sure|sure thing|of course|absolutely|gladly|no problem|got it|understood|okay)!"
    rf"|(?:certainly|sure|of course|absolutely|okay)[,.:;]? (?:here|i can|i'd be|i'll|i will"
    rf"|let me)\b"
    rf"|(?:here(?:'s| is)|below is|this is) (?:an?|the|your|my) (?:\w+[ -]){{0,4}}{_HANDED_OVER}"
    r"(?: of [^:.\n]{0,60}| that [^:.\n]{0,60})?(?::|\.\s)"
    r"|as an ai(?: language)?(?: model| assistant)?,? i (?:can|do|am|have|must|would)\w*"
    r"|(?:gerne|natürlich|selbstverständlich)!|hier ist (?:die|eine|deine|ihre) (?:\w+ ){0,3}"
    r"(?:version|anweisung|aufgabe|fassung)\b[^.\n]{0,40}:"
    r"|(?:bien sûr|certainement|avec plaisir) ?[!,]|voici (?:une|la|votre) (?:\w+ ){0,3}"
    r"(?:version|instruction|consigne)\b[^.\n]{0,40}:"
    r"|¡?(?:claro|por supuesto|con gusto)(?: que sí)?!|aquí (?:tienes|está) (?:una|la|tu) "
    r"(?:\w+ ){0,3}(?:versión|instrucción)\b[^.\n]{0,40}:"
    r"|(?:好的|当然|没问题)[，,！!。]|以下是(?:改写|重写|修改)[^：:\n]{0,20}[：:])",
    re.IGNORECASE,
)
_END = re.compile(
    r"(?:^|[.!?。！？\n]\s*)(?:[*_(]{0,2})("
    r"(?:i hope (?:this|that|it) (?:helps|works|meets|is)|let me know (?:if|whether"
    r"|what) (?:you|this|"
    r"that|there|any)|(?:please )?feel free to (?:ask|adjust|modify|let me|reach)"
    r"|would you like me to"
    r"|do you want me to|is there anything else|this (?:rewritten |revised |new )?(?:version|prompt"
    r"|rewrite|instruction) (?:adds|now|is more|makes|requires|increases|introduces|includes"
    r"|keeps))"
    r"\b[^\n.!?]{0,160}[.!?]*|ich hoffe, (?:das|dies) [^\n]{0,80}|j'espère que (?:cela"
    r"|ça) [^\n]{0,80}"
    r"|espero que (?:esto|te|le) [^\n]{0,80}|希望(?:这|对你|对您)[^\n]{0,40}"
    r"|如果(?:你|您)还?(?:有|需要)[^\n]{0,40}(?:告诉我|问我))\s*\Z",
    re.IGNORECASE,
)
_END_HINTS = (
    *("hope", "let me know", "feel free", "like me to", "want me to", "anything else", "version"),
    *("prompt", "rewrite", "instruction", "hoffe", "espère", "espero", "希望", "如果"),
)
_HEAD, _TAIL, _LAST_SENTENCE = 200, 400, 250
_SHOWN = 60  # characters of evidence


def _chat_leftover(rewrite: Rewrite) -> str | None:
    head = rewrite.child[:_HEAD].replace("’", "'")
    start = _START.match(head)
    if start and not _START.match(rewrite.parent[:_HEAD].replace("’", "'")):
        return " ".join(start[0].split())
    if "\n" in rewrite.child and (remark := _remark(rewrite)):
        return shorten(" ".join(remark.split()), _SHOWN)
    tail = rewrite.child.rstrip()[-_LAST_SENTENCE:].replace("’", "'")
    lower = tail.lower()
    if not any([hint in lower for hint in _END_HINTS]):  # noqa: C419 - faster, and runs on every rewrite
        return None  # most rewrites have none of these words
    end = _END.search(tail)
    if end and end[1].lower() not in rewrite.parent.lower().replace("’", "'"):
        return " ".join(end[1].split())
    return None


def _remark(rewrite: Rewrite) -> str | None:
    child, parent = rewrite.child, rewrite.parent
    return find_opening(child, parent) or find_note(child, parent)


# Fences

_FENCE = re.compile(r"^(?:[ \t]*(?=`)| {0,3})(`{3,}|~{3,}(?=[ \w]*$))([^\n]*)$", re.MULTILINE)


def _fence_open(rewrite: Rewrite) -> str | None:
    child = rewrite.child
    # One sign is found much faster than three.
    if not ("`" in child and "```" in child) and not ("~" in child and "~~~" in child):
        return None
    opened = _opened(child)
    if opened is None or _opened(rewrite.parent) is not None:
        return None
    return f'"{opened}" is never closed'


def _opened(text: str) -> str | None:
    """Return the fence that is still open at the end of the text, or None."""
    opened: str | None = None
    for found in _FENCE.finditer(text):
        marks, rest = found[1], found[2].strip()
        if opened is None:
            if "`" not in rest:  # with one, the line holds code itself
                opened = marks
        elif marks.startswith(opened) and not rest:
            opened = None
    return opened


# Endings

_COMPLETES = (
    r"complet|continu|finish|fill|blank|\bgap|ending|predict|next word|autocomplete|cut off|truncat"
    r"|ergänz|vervollständig|complét|termina|допол|продолж|закончи|أكمل|补全|续写|填空|完成させ|続き"
    r"|穴埋め|완성|이어"
)
_TO_COMPLETE = re.compile(_COMPLETES, re.IGNORECASE)
_HOLDS_PIECES = re.compile(
    rf"{_COMPLETES}|rhym|title|sentence|phrase|string|query|search|\bline\b|word", re.IGNORECASE
)
"""What may end in a piece of a text, such as a title."""
_LONG, _RUN_ON = 20, 12  # words of a line, and of its last sentence, that surely are no piece
_LAST_SENTENCE_OF = re.compile(r"[^.!?;:。！？；：…]*\Z")
_BULLETS = ("-", "*", "•")
_PLAIN_END = re.compile(r"[a-zà-öø-ÿа-яё]\Z")
_ENDED = (".", "!", "?", "。", "！", "？", "؟")


def _cut_off(rewrite: Rewrite) -> str | None:
    child = rewrite.child.rstrip()
    if child.endswith(_ENDED) and not child[-2:-1].isdigit():
        return None
    line = child[child.rfind("\n") + 1 :][-_TAIL:]
    above = child[: -len(line)].rstrip("\n")
    if (
        ends_in_empty_item(above, line)
        or (line in _BULLETS and f"\n{line} " in above)
        or is_open_question(child)
    ):
        return f'it ends in "…{child[-40:].strip()}"'
    if child.endswith(_ENDED) or not _breaks_off(child, line, rewrite.parent.rstrip()):
        return None
    pieces = _TO_COMPLETE if count_words(line) >= _LONG else _HOLDS_PIECES
    if pieces.search(child) or rewrite.parent.rstrip().endswith(line[-20:]):
        return None
    return f'it ends in "…{line[-40:].strip()}"'


def _breaks_off(child: str, line: str, parent: str) -> bool:
    """Tell whether a text breaks off in its last line; what follows a first one is often data."""
    if dangles(line) or (child and ends_in_open_data(child)):
        return True
    if line != child or not parent.endswith(_ENDED) or line.endswith((":", "：")):
        return False
    return (count_words(line) >= _LONG and _runs_on(line)) or break_off(child) is not None


def _runs_on(line: str) -> bool:
    """Tell whether the last sentence of a line is long and plain, and has no end."""
    last = _LAST_SENTENCE_OF.search(line)
    if last is None or line[last.start() - 1 : last.start()] in (":", "："):
        return False  # a list
    if not _PLAIN_END.search(line) or any(sign in last[0] for sign in "\"'“«`=/"):
        return False
    return count_words(last[0]) >= _RUN_ON and last[0].rpartition(" ")[2].islower()


# Loops


def _loops(rewrite: Rewrite, *, times: float = 4) -> str | None:
    loop = find_loop(rewrite.child, times)
    if loop is None:
        return None
    unit, count = loop
    if rewrite.parent.count(unit.strip()) > 1:
        return None
    return f'"{shorten(" ".join(unit.split()), _SHOWN)}" {count} times in a row'


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="chat_leftover",
        meaning='The rewrite begins or ends with words of a chat, such as "Certainly!" or "I hope'
        ' this helps".',
        cause="the model adds words of its own that reading the reply does not remove: look at the"
        " raw replies",
        stage="rewrite",
        check=_chat_leftover,
    ),
    Rule(
        name="fence_open",
        meaning="The rewrite opens a code fence that it never closes.",
        cause="the service cut the reply off, or its end was taken for a note: look at the raw"
        " replies and raise --max-tokens",
        stage="rewrite",
        check=_fence_open,
    ),
    Rule(
        name="cut_off",
        meaning="The rewrite ends in the middle of a sentence.",
        cause="the service cuts replies off without saying so: look at the raw replies and raise"
        " --max-tokens",
        stage="rewrite",
        check=_cut_off,
    ),
    Rule(
        name="repetition_loop",
        meaning="The rewrite repeats the same words or sentences again and again.",
        cause="the model runs into a loop: its temperature is too low, or it is too small",
        stage="rewrite",
        parameters=(
            Parameter(
                "times", 4, 3, 100, "drops so many rounds of a loop or more, of at least 16 words"
            ),
        ),
        check=_loops,
    ),
)
"""In the order in which they look."""
