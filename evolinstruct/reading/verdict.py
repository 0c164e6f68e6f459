"""Verdict reader: tells whether a reply to a comparison says "equal" or "not equal".

The trap: "Equal" is also a part of "Not Equal", of "Unequal" and of "Equal or Not Equal?".
"""

from __future__ import annotations

import re

from evolinstruct.reading.own_text import own_text

_WIDE = str.maketrans("。！？；：，", ".!?;:,")
_BARE = {"equal": True, "not equal": False, "not-equal": False, "unequal": False}
_MARKUP = re.compile(r"[*_`#\"“”<>{}\[\]$~|]+|\\\w*|(?<=\w)-(?=\w)")
_BOTH = re.compile(r"\b(?:(?:not |un)?equal)\s*(?:or|/|vs)\s*(?:(?:not |un)?equal)\b")
_SENTENCES = re.compile(r"(?<=[.!?\n;])|→|=>|->|⇒|(?=\([b-d]\))|\bso(?: overall)?,|\btherefore,?")
_POINT = re.compile(
    r"\s*(?:\(?[a-d1-4][).:]|(?:on )?point \w+|(?:as to |regarding )?(?:constraints?|requirements?"
    r"|depth|breadth)\b[^:]{0,30}:)"
)
_VERDICT_LABEL = re.compile(
    r"^(?:(?:my |the |final |overall )*(?:verdict|judge?ment|answer|conclusion|decision|result"
    r"|objection|overall|finally|final)(?: is)?\s*:?\s*)"
)
_TURN = re.compile(
    r"^[ \t]*(?:#{1,4} ?)?(?:human|user|assistant|instruction)\s*:", re.IGNORECASE | re.MULTILINE
)
_CLAUSE = re.compile(
    r"[,;:()—–=]|\s-\s|\b(?:because|since|but|and|so|while|whereas|although|though|therefore|thus"
    r"|hence|which)\b"
)
_TERM = re.compile(
    r"(?<![a-z])(?:(equal|identical|equivalent|same)|((?:un|in|non ?|not)equal|different|differs?))"
    r"(?![a-z])"
)
_NEGATION = re.compile(r"\b(?:not|no|never|neither|hardly|cannot|far from)\b|n't\b")
_UNCLEAR = re.compile(
    r"\b(?:if|whether|would|could|might|may|must|sure|certain|determine|tell|unless|when|for|only"
    r"|word\w*|phras\w*|style|tone|format\w*|length|order|language)\b"
)
_HEDGE = re.compile(
    r"\b(?:but|however|although|though|except|apart|other than|unless|while|whereas|yet)\b"
)
_PLAIN = frozenset(
    """a again all and another are as aren't be believe both clearly completely conclude
    conclusion consider considered deemed definitely do does each effectively entirely essentially
    every exactly final find first for from fully given hence i i'd in indeed instruction
    instructions is isn't it it's judge judged judgement judgment my new not of one other overall
    pair prompt prompts question questions rate regarded respect response result say second so task
    tasks that the them therefore these they they're think this thus to two verdict versions yes
    answer an no doesn't don't""".split()  # noqa: SIM905 - words, not a literal's commas
)


def read_verdict(reply: str) -> bool | None:
    """Return True for equal, False for not equal, None where the reply is unclear.

    The last statement that is nothing but a verdict decides, unless a later one contradicts it.
    With none, the statements do: what is not equal in one point is not equal. A statement of
    equality must say nothing else: "equal in length" is not one. Questions and conditions are no
    statements. The words are English, whatever the language around them.
    """
    if (verdict := _BARE.get(reply.strip(" .!\n").casefold())) is not None:
        return verdict  # most replies
    text = _first_turn(own_text(reply)).casefold().translate(_WIDE)
    text = _MARKUP.sub(" ", text.replace("’", "'"))
    text = _BOTH.sub("options", re.sub(r"\bnot\s+", "not ", text))
    decided: bool | None = None
    said: list[bool] = []
    for sentence in _SENTENCES.split(text):
        stated = _stated(sentence)
        if stated is None:
            continue
        if _POINT.match(sentence) is None and _bare(sentence) is not None:
            decided, said = stated, []
        else:
            said.append(stated)
    if decided is None:
        return all(said) if said else None
    return decided and all(said)


def _first_turn(text: str) -> str:
    turn = _TURN.search(text)
    return text[: turn.start()] if turn and text[: turn.start()].strip() else text


def _bare(sentence: str) -> bool | None:
    """Return what a sentence says that is nothing but a verdict, maybe under a label."""
    return _BARE.get(_VERDICT_LABEL.sub("", " ".join(sentence.split())).strip(" .!:'"))


def _stated(sentence: str) -> bool | None:
    """Return what a sentence states: True for equal, False for not equal, None for neither."""
    if sentence.endswith("?") or not _TERM.search(sentence):
        return None
    hedged = bool(_HEDGE.search(sentence))
    for clause in _CLAUSE.split(sentence):
        term = _TERM.search(clause)
        if not term or _UNCLEAR.search(clause):
            continue
        equal = bool(term[1]) != bool(_NEGATION.search(clause[: term.start()]))
        others = (clause[: term.start()] + clause[term.end() :]).strip(" .!'").split()
        plain = _PLAIN.issuperset(word.strip(".!'") for word in others)
        if plain and equal and hedged:
            continue
        if plain or (not equal and term[1]):
            return equal
    return None
