"""A model's reply → the instruction in it, or the verdict.

Knows how models wrap what they were asked for: reasoning, labels, an announcement, a fence,
quotation marks, bold, a note at the end. A wrapper is taken off only where it is surely one: in
doubt the text stays as it came. Knows nothing of packs, of clients and of what is done with a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

_LAYERS = 16
"""More wrappers than this around each other are no wrappers: the reply is kept as it came."""

_TAG = re.compile(r"<(/?)(think|thinking|reasoning)>", re.IGNORECASE)
_MENTIONED = ("`", '"', "'", "“", "‘")


def without_reasoning(reply: str) -> str:
    """Return the reply without the reasoning that a model put before it.

    That is a block in think, thinking or reasoning tags that opens the reply, or all up to a
    closing tag that was never opened. A block never closed is all reasoning: nothing is left. Tags
    inside a text (an XML example, a tag named in backticks) are part of it.
    """
    if "<" not in reply:
        return reply
    start, inside = 0, ""
    for tag in _TAG.finditer(reply):
        closing, name = bool(tag[1]), tag[2].lower()
        if inside and not (closing and name == inside):
            continue
        if closing:
            if not inside and reply[tag.start() - 1 : tag.start()] in _MENTIONED:
                break
            start, inside = tag.end(), ""
        elif reply[start : tag.start()].strip():
            break
        else:
            inside = name
    if inside:
        return ""
    return reply[start:].lstrip() if start else reply


def read_instruction(reply: str, markers: Sequence[str]) -> str:
    """Return the instruction in a reply, to the character, outer blank space trimmed.

    Args:
        reply: the model's reply to a prompt that asks for an instruction.
        markers: the labels that the prompt puts before its parts, such as ``rewritten
            instruction``; case and # signs make no difference.

    Returns:
        The instruction, or an empty string where nothing is left.
    """
    labels = _labels(tuple(markers))
    text = reply.strip()
    for _ in range(_LAYERS):
        peeled = labels.cut(without_reasoning(text))
        for without in _WRAPPERS:
            peeled = without(peeled)
        if peeled == text:
            return text
        text = peeled
    return reply.strip()


# Labels, such as "#Rewritten Instruction#:", "**Rewritten Prompt:**", "### Rewritten Prompt"

_NOUN = r"(?:prompt|instruction|question|task|request|problem|query|command)"
_REWRITTEN = r"(?:re-?written|revised|reworked|reworded|rephrased|evolved|modified)"
_HARDER = (
    r"(?:(?:more|slightly more) (?:complex|complicated|challenging|difficult|demanding|advanced"
    r"|detailed|specific|concrete)|harder|trickier|deeper|rarer|(?:brand[ -])?new|created|updated"
    r"|enhanced|improved|refined|expanded|complicated)"
)
_OWN_LABEL = (
    rf"(?:the )?(?:{_REWRITTEN} (?:{_NOUN}|version)|(?:created|new) (?:prompt|instruction))"
)


def _label(name: str) -> str:
    """Return the pattern of a label at the start of a line: plain, between #, heading or bold."""
    gap, end = "[ \t]{0,8}", "[:：]"
    bold = (
        rf"(?P<bold>\*{{1,3}}|__?){gap}#{{0,6}}{gap}{name}{gap}#{{0,6}}{gap}"
        rf"(?:{end}{gap}(?P=bold)|(?P=bold){gap}(?:{end}|$))"
    )
    hashed = rf"#{{1,6}}{gap}{name}{gap}(?:#{{1,6}}{gap}{end}?|{end}|$)"
    return rf"^{gap}(?:#{{1,6}}[ \t])?{gap}(?:{bold}|{hashed}|{name}{gap}{end})"


_OPENING_LABEL = re.compile(_label(_OWN_LABEL), re.IGNORECASE | re.MULTILINE)
_ECHO = re.compile(
    rf"[\s#*_]{{0,8}}(?:the )?(?:given|original|initial|starting|old) {_NOUN}\b[\s#*_]{{0,8}}[:：]",
    re.IGNORECASE,
)


class _Labels(NamedTuple):
    """The labels of one pack."""

    names: tuple[str, ...]
    pattern: re.Pattern[str]

    def cut(self, text: str) -> str:
        """Return what stands after the last label that something follows.

        Inside a text a plain "name:" is a label only if the text opens with one, too. What a
        fence encloses is no label.
        """
        text = self._after_last(text)
        opening = _OPENING_LABEL.match(text)
        return text[opening.end() :].strip() if opening else text

    def _after_last(self, text: str) -> str:
        lowered = text.lower()
        if not any(name in lowered for name in self.names):
            return text
        plain = bool(self.pattern.match(text) or _ECHO.match(text))
        found, fences, seen = [], 0, 0
        for label in self.pattern.finditer(text):
            fences, seen = fences + text.count("```", seen, label.start()), label.start()
            if fences % 2 == 0 and (plain or label.group().lstrip()[0] in "#*_"):
                found.append(label)
        end = len(text)
        for label in reversed(found):
            part = text[label.end() : end].strip()
            if part:
                return part
            end = label.start()
        return text[:end].strip()


@lru_cache(maxsize=64)
def _labels(markers: tuple[str, ...]) -> _Labels:
    names = tuple(name for marker in markers if (name := marker.strip(" \t\n#*_:：").lower()))
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)"
    return _Labels(names, re.compile(_label(f"(?:{either})"), re.IGNORECASE | re.MULTILINE))


# Announcements, such as "Sure, here is the rewritten prompt:"

_ANNOUNCES = re.compile(
    r"[*_]{0,2}(?:sure|certainly|of course|absolutely|definitely|okay|ok|alright|great|got it"
    r"|understood|no problem|gladly|here|below|the|my|your|i|to make|as requested)\b",
    re.IGNORECASE,
)
_LINE_OR_COLON = re.compile(r"([^:：\n]{1,300})([:：]|\n)")
_OPENER = re.compile(
    r"(?:sure(?: thing)?|certainly|of course|absolutely|definitely|okay|ok|alright|great|got it"
    r"|understood|no problem|gladly)(?:[,.!–—-]\s*|$)",
    re.IGNORECASE,
)
_HERE = (
    r"(?:^|[.!] )(?:here(?:'s| is)|below is|the following is|i(?:'ve| have)? (?:re-?written|rewrote"
    r"|revised|reworked|created|made|evolved)) "
)
_MANNERLY = re.compile(
    rf"^here (?:you go|it is)$|{_HERE}.{{0,120}}(?<!\bmy )\b(?:{_NOUN}|version|rewrite)\b",
    re.IGNORECASE,
)
_OF_THE_PARENT = rf"(?:the|your|this) (?:\w+ )?{_NOUN}\b"
_TAIL = (
    r"(?: (?:for you|as requested|of similar\b.*|in the same\b.*|based on (?:the|your)\b.*"
    r"|inspired by (?:the|your)\b.*|with (?:an?|one|more|added|additional)\b.*|(?:that|which)"
    r" (?:is|adds|includes|incorporates|requires|asks|increases|introduces|keeps|involves)\b.*))?"
)
_BLUNT = re.compile(
    rf"{_HERE}(?:(?:an?|the|your|my|one|possible|attempt at|slightly|bit|much|even|little) ){{0,4}}"
    rf"(?:{_REWRITTEN} (?:\w+ )?(?:{_NOUN}|version)\b.*"
    rf"|{_HARDER} (?:{_NOUN}{_TAIL}|version(?: of {_OF_THE_PARENT}.*|{_TAIL}))"
    rf"|(?:version|rewrite|rewriting|way to rewrite)(?: of)? {_OF_THE_PARENT}.*)$"
    rf"|^(?:the|my|your) {_REWRITTEN} (?:{_NOUN}|version)(?: (?:is|could be|reads))?$"
    r"|^here (?:you go|it is)$"
    r"|^I(?:'ve| have)? (?:re-?written|rewrote|revised|reworked|modified|evolved) (?:the|your|this)"
    r" (?:\w+ )?(?:prompt|instruction|request)\b",
    re.IGNORECASE,
)
_RULED = re.compile(r"---+[ \t]*\n[ \t]*\n")


def _without_announcement(text: str) -> str:
    if not _ANNOUNCES.match(text):
        return text
    head = _LINE_OR_COLON.match(text)
    if not head or not _is_announcement(head[1], bare=head[2] == "\n"):
        return text
    rest = text[head.end() :].strip()
    for bold in ("**", "*", "__", "_"):
        if text.startswith(bold):
            rest = rest.removeprefix(bold).lstrip()
            break
    ruled = _RULED.match(rest)  # a rule opens what it frames; front matter has no blank line there
    return rest[ruled.end() :].removesuffix("\n---").strip() if ruled else rest


def _is_announcement(words: str, *, bare: bool) -> bool:
    """Tell whether the words announce a rewrite; bare: they are a line without a colon."""
    words = words.strip(" \t*_").replace("’", "'").rstrip(".!")
    opener = _OPENER.match(words) or (bare and _OPENER.fullmatch(words))
    if not opener:
        return bool(_BLUNT.search(words))
    said = words[opener.end() :]
    return bool(_MANNERLY.search(said)) if said else bare


# Fences, quotation marks, bold: around the whole

_FENCE = re.compile(
    r"(`{3,}|~{3,})[ \t]*(?:text|txt|plain|plaintext|markdown|md|prompt)?[ \t]*\n", re.IGNORECASE
)
_INNER_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[ \t]*(\S?)", re.MULTILINE)


def _without_fence(text: str) -> str:
    opening = _FENCE.match(text)
    if not opening or not text.endswith("\n" + opening[1]) or len(text) < opening.end():
        return text
    inner = text[opening.end() : -len(opening[1])]
    depth = 1
    for fence in _INNER_FENCE.finditer(inner):
        if fence[1].startswith(opening[1]):
            depth += 1 if fence[2] else -1
        if not depth:
            return text
    return inner.strip() if depth == 1 else text


_CLOSING = {
    '"': '"', "'": "'", "“": "”", "‘": "’", "”": "”", "„": "“”", "«": "»", "»": "«", "‹": "›",
    "「": "」", "『": "』", "《": "》",
}  # fmt: skip

_MOST_MARKS = 1000  # a text with more of them is data, or no text


def _without_quotes(text: str) -> str:
    if len(text) < 2 or text[-1] not in _CLOSING.get(text[0], ""):  # noqa: PLR2004 - a pair
        return text
    if text.startswith('"""'):
        inner = text[3:-3]
        return inner.strip() if text.endswith('"""') and '"""' not in inner else text
    inner = text[1:-1]
    return inner.strip() if _balanced(inner, text[0], text[-1]) else text


def _balanced(inner: str, opening: str, closing: str) -> bool:
    """Tell whether no quotation mark inside can be the partner of the outer ones."""
    if inner.count(opening) + inner.count(closing) > _MOST_MARKS:
        return False
    depth = 0
    for mark in re.finditer(f"[{opening}{closing}]", inner):
        before, after = (
            inner[max(mark.start() - 1, 0) : mark.start()],
            inner[mark.end() : mark.end() + 1],
        )
        if mark[0] in "'’" and before.isalnum() and after.isalnum():
            continue
        opens = mark[0] == opening
        if opening == closing:
            opens = (not before or before in " \t\n([{") and bool(after.strip())
        depth += 1 if opens else -1
        if depth < 0:
            return False
    return depth == 0


def _without_bold(text: str) -> str:
    for stars in ("***", "**"):
        if text.startswith(stars) and text.endswith(stars):
            inner = text[len(stars) : -len(stars)]
            whole = inner and "**" not in inner and inner.strip(" \t\n*") == inner
            return inner if whole else text
    return text


# Notes after it, such as "Note: I added …", "(This version adds …)", "Let me know if …"

_NOTE_LENGTH = 1500
_NOTE_LABEL = re.compile(
    r"(?:please )?(?:(note)|explanation)\b[*_]*[:,]?[*_]*\s+(?:that )?", re.IGNORECASE
)
_TELLS = re.compile(
    r"(?:I(?:'ve| have)? (?:also |only |just )?(?:added|rewrote|rewritten|incorporated|introduced)"
    rf"|(?:(?:this|the|my) {_REWRITTEN} (?:{_NOUN}|version)|(?:this|my) (?:version|rewrite))"
    r" (?:now |also )*(?:adds|introduces|incorporates|increases|makes|keeps|retains|builds))\b",
    re.IGNORECASE,
)
_MAY_TELL = re.compile(
    r"(?:I(?:'ve| have)? (?:also )?(?:made|kept|changed|modified|replaced|included|used|tried|aimed"
    r"|preserved|ensured|increased)|in this (?:version|rewrite)"
    r"|(?:these|the) (?:changes|additions|added \w+)"
    rf"|this (?:{_NOUN}|version|addition|change) (?:now |also )*(?:adds|makes|requires|includes"
    r"|increases|involves|introduces)|by (?:adding|including|introducing|requiring))\b",
    re.IGNORECASE,
)
_OF_REWRITING = re.compile(
    r"\b(?:prompts?|instructions?|constraints?|reasoning steps?|re-?writ\w+|complexity"
    r"|difficulty)\b",
    re.IGNORECASE,
)
_GOODBYE = re.compile(
    r"(?:I )?hope (?:this|that|it) (?:helps|meets|works|is helpful)"
    r"|(?:please )?(?:let me know|feel free to (?:ask|reach out|let me know))\b[^.\n]*\b(?:further"
    r"|changes?|adjust\w*|modif\w+|another|anything else|revis\w+|refine\w*|tweak\w*|questions?"
    r"|more|you(?:'d like| would like| like| need| prefer| want)|th(?:is|at) works)\b"
    r"|(?:would you like|do you want) me to\b|is there anything else\b",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"^\W{0,3}(?:dear|hi|hello|hey|good (?:morning|afternoon|evening)|subject:)\b.{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)
_EXPLANATION = re.compile(
    r"\s*[*_#> ]{0,6}(?:explanation|rationale|changes made|what (?:I )?changed|key changes)"
    r"[*_]{0,3}:[*_ ]{0,4}\s*\S",
    re.IGNORECASE,
)


def _without_note(text: str) -> str:
    paragraph, line = text.rfind("\n\n"), text.rfind("\n")
    bracket = text.rfind("(") if text.endswith((")", ")*", ")_")) else -1
    for start in (paragraph, line, bracket):
        if start <= 0 or len(text) - start > _NOTE_LENGTH or "```" in text[start:]:
            continue
        if _is_note(text, text[start:].strip(), apart=start == paragraph):
            before = text[:start]
            if start == bracket and text[-1] in "*_":
                before = before.removesuffix(text[-1])
            return before.rstrip().removesuffix("\n---").rstrip()
    before, _, after = text.partition("\n---\n")
    framed = text.startswith("---\n") or "\n---\n" in after  # front matter, or several parts
    return before.rstrip() if _EXPLANATION.match(after) and not framed else text


def _is_note(text: str, piece: str, *, apart: bool) -> bool:
    """Tell whether the text's last piece talks about the rewriting; apart: a paragraph does."""
    bracketed = piece.lstrip("*_").startswith(("(", "[")) and piece.endswith((")", "]", "*", "_"))
    words = piece.replace("’", "'").strip("*_()[] ")
    label = _NOTE_LABEL.match(words)
    said = words[label.end() :] if label else words
    if _TELLS.match(said) and ((label and label[1]) or bracketed):
        return True
    if _TELLS.match(said) or _MAY_TELL.match(said):
        return bool((label or bracketed or apart) and _OF_REWRITING.search(said))
    closing = _GOODBYE.match(said) and piece[-1] not in "\"”'’»」"
    return bool(closing) and not _LETTER.search(text)


_WRAPPERS: tuple[Callable[[str], str], ...] = (
    _without_announcement,
    _without_fence,
    _without_quotes,
    _without_bold,
    _without_note,
)

# Verdicts

_BARE = {"equal": True, "not equal": False, "not-equal": False, "unequal": False}
_MARKUP = re.compile(r"[*_`#\"“”<>{}\[\]$~|]+|\\\w*|(?<=\w)-(?=\w)")
_BOTH = re.compile(r"\b(?:(?:not |un)?equal)\s*(?:or|/|vs)\s*(?:(?:not |un)?equal)\b")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]?")
_CLAUSE = re.compile(
    r"[,;:()—–=]|\s-\s|\b(?:because|since|but|and|so|while|whereas|although|though|therefore|thus"
    r"|hence|which)\b"
)
_TERM = re.compile(
    r"\b(?:(equal|identical|equivalent|same)|((?:un|in|non ?|not)equal|different|differs?))\b"
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

    The first clear statement of a sentence counts; sentences that contradict each other are
    unclear. To say that two texts are equal, a statement may hold nothing but that: "equal in
    length" says too little, and neither a question nor a condition is a statement.
    """
    text = without_reasoning(reply).casefold()
    bare = _BARE.get(" ".join(text.split()).strip(" .!:*#\"'`_"))
    if bare is not None:
        return bare
    text = _MARKUP.sub(" ", text.replace("’", "'"))
    text = _BOTH.sub("options", re.sub(r"\bnot\s+", "not ", text))
    said = {_stated(sentence[0]) for sentence in _SENTENCE.finditer(text)} - {None}
    return said.pop() if len(said) == 1 else None


def _stated(sentence: str) -> bool | None:
    if sentence.endswith("?") or not _TERM.search(sentence):
        return None
    for clause in _CLAUSE.split(sentence):
        term = _TERM.search(clause)
        if not term or _UNCLEAR.search(clause):
            continue
        equal = bool(term[1]) != bool(_NEGATION.search(clause[: term.start()]))
        others = (clause[: term.start()] + clause[term.end() :]).strip(" .!'").split()
        plain = _PLAIN.issuperset(word.strip(".!'") for word in others)
        if plain and equal and _HEDGE.search(sentence):
            continue
        if plain or (not equal and term[1]):
            return equal
    return None
