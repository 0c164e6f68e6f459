"""Instruction reader: takes the rewritten instruction out of a model's reply.

Models wrap what they were asked for: a label before it, an announcement, a fence, quotation marks,
bold, a note after it. Each wrapper comes off only where it is certain to be one; in doubt the text
stays as it came.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from evolinstruct.reading.reasoning import without_reasoning

_MOST_LAYERS = 16
"""More wrappers than this around each other are part of the text: the reply is kept as it came."""


def read_instruction(reply: str, markers: Sequence[str]) -> str:
    """Return the instruction in a reply, to the character, without white space around it.

    Args:
        reply: the model's reply to a prompt that asks for an instruction.
        markers: the labels that the prompt puts before its parts, such as ``rewritten
            instruction``; case and # signs make no difference.

    Returns:
        The instruction, or an empty string where nothing is left.
    """
    labels = _labels_of(tuple(markers))
    text = reply.strip()
    for _ in range(_MOST_LAYERS):
        peeled = _without_wrappers(labels.cut(without_reasoning(text)))
        if peeled == text:
            return text
        text = peeled
    return reply.strip()


def _without_wrappers(text: str) -> str:
    """Take off one wrapper of each kind, the outer ones first."""
    text = _without_announcement(text)
    text = _without_fence(text)
    text = _without_quotes(text)
    text = _without_bold(text)
    return _without_note(text)


# The words that several wrappers use

_NOUN = r"(?:prompt|instruction|question|task|request|problem|query|command)"
_REWRITTEN = r"(?:re-?written|revised|reworked|reworded|rephrased|evolved|modified)"


# Labels before the instruction: "#Rewritten Instruction#:", "**Rewritten Prompt:**"

_OWN_LABEL = (
    rf"(?:the )?(?:{_REWRITTEN} (?:{_NOUN}|version)|(?:created|new) (?:prompt|instruction))"
)


def _label(name: str) -> str:
    """Return a pattern for a label at the start of a line: plain, between #, a heading or bold."""
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
    """The labels of one prompt pack.

    Attributes:
        names: the labels in lower case, without their # signs.
        pattern: finds any of them at the start of a line.
    """

    names: tuple[str, ...]
    pattern: re.Pattern[str]

    def cut(self, text: str) -> str:
        """Return what stands after the last label that is followed by something.

        A plain "name:" inside a text counts only if the text also opens with a label. A label
        inside a fence never counts.
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
def _labels_of(markers: tuple[str, ...]) -> _Labels:
    """Return the labels for a pack's markers; compiled once for each pack."""
    names = tuple(name for marker in markers if (name := marker.strip(" \t\n#*_:：").lower()))
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)"
    return _Labels(names, re.compile(_label(f"(?:{either})"), re.IGNORECASE | re.MULTILINE))


# Announcements before it: "Sure, here is the rewritten prompt:"

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
_HARDER = (
    r"(?:(?:more|slightly more) (?:complex|complicated|challenging|difficult|demanding|advanced"
    r"|detailed|specific|concrete)|harder|trickier|deeper|rarer|(?:brand[ -])?new|created|updated"
    r"|enhanced|improved|refined|expanded|complicated)"
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
    """Return the text without an opening line that announces it."""
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
    # A rule frames the text where a blank line follows it; front matter has none there.
    ruled = _RULED.match(rest)
    return rest[ruled.end() :].removesuffix("\n---").strip() if ruled else rest


def _is_announcement(words: str, *, bare: bool) -> bool:
    """Tell whether the words announce a rewrite; bare: they end in a line break, not a colon."""
    words = words.strip(" \t*_").replace("’", "'").rstrip(".!")
    opener = _OPENER.match(words) or (bare and _OPENER.fullmatch(words))
    if not opener:
        return bool(_BLUNT.search(words))
    said = words[opener.end() :]
    return bool(_MANNERLY.search(said)) if said else bare


# Fences, quotation marks and bold around the whole

_FENCE = re.compile(
    r"(`{3,}|~{3,})[ \t]*(?:text|txt|plain|plaintext|markdown|md|prompt)?[ \t]*\n", re.IGNORECASE
)
_INNER_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[ \t]*(\S?)", re.MULTILINE)


def _without_fence(text: str) -> str:
    """Return the inside of a bare code fence around the whole text."""
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

_MOST_MARKS = 1000  # a text with more quotation marks is data, or no text at all


def _without_quotes(text: str) -> str:
    """Return the inside of one pair of quotation marks around the whole text."""
    if len(text) < 2 or text[-1] not in _CLOSING.get(text[0], ""):  # noqa: PLR2004 - a pair
        return text
    if text.startswith('"""'):
        inner = text[3:-3]
        return inner.strip() if text.endswith('"""') and '"""' not in inner else text
    inner = text[1:-1]
    return inner.strip() if _balanced(inner, text[0], text[-1]) else text


def _balanced(inner: str, opening: str, closing: str) -> bool:
    """Tell whether the outer quotation marks are a pair: none inside can be the partner of one."""
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
    """Return the text without bold around the whole of it."""
    for stars in ("***", "**"):
        if text.startswith(stars) and text.endswith(stars):
            inner = text[len(stars) : -len(stars)]
            whole = inner and "**" not in inner and inner.strip(" \t\n*") == inner
            return inner if whole else text
    return text


# Notes after it: "Note: I added …", "(This version adds …)", "Let me know if …"

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
    """Return the text without a last piece that comments on the rewriting or says goodbye."""
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
    """Tell whether a text's last piece is a note; apart: it is a paragraph of its own."""
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
