"""What a model puts around a text: an announcement, a fence, quotation marks, bold.

A wrapper is taken off only where it is surely one: in doubt the text stays as it came.
"""

from __future__ import annotations

import re

from evolinstruct.reading.labels import HARDER, NOUN, REWRITTEN

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
    rf"^here (?:you go|it is)$|{_HERE}.{{0,120}}(?<!\bmy )\b(?:{NOUN}|version|rewrite)\b",
    re.IGNORECASE,
)
_OF_THE_PARENT = rf"(?:the|your|this) (?:\w+ )?{NOUN}\b"
_TAIL = (
    r"(?: (?:for you|as requested|of similar\b.*|in the same\b.*|based on (?:the|your)\b.*"
    r"|inspired by (?:the|your)\b.*|with (?:an?|one|more|added|additional)\b.*|(?:that|which)"
    r" (?:is|adds|includes|incorporates|requires|asks|increases|introduces|keeps|involves)\b.*))?"
)
_BLUNT = re.compile(
    rf"{_HERE}(?:(?:an?|the|your|my|one|possible|attempt at|slightly|bit|much|even|little) ){{0,4}}"
    rf"(?:{REWRITTEN} (?:\w+ )?(?:{NOUN}|version)\b.*"
    rf"|{HARDER} (?:{NOUN}{_TAIL}|version(?: of {_OF_THE_PARENT}.*|{_TAIL}))"
    rf"|(?:version|rewrite|rewriting|way to rewrite)(?: of)? {_OF_THE_PARENT}.*)$"
    rf"|^(?:the|my|your) {REWRITTEN} (?:{NOUN}|version)(?: (?:is|could be|reads))?$"
    r"|^here (?:you go|it is)$"
    r"|^I(?:'ve| have)? (?:re-?written|rewrote|revised|reworked|modified|evolved) (?:the|your|this)"
    r" (?:\w+ )?(?:prompt|instruction|request)\b",
    re.IGNORECASE,
)
_RULED = re.compile(r"---+[ \t]*\n[ \t]*\n")


def without_announcement(text: str) -> str:
    """Return the text without the words that announce it."""
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


def without_fence(text: str) -> str:
    """Return what stands inside a bare code fence around the whole text."""
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


def without_quotes(text: str) -> str:
    """Return what stands inside one pair of quotation marks around the whole text."""
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


def without_bold(text: str) -> str:
    """Return the text without bold around the whole of it."""
    for stars in ("***", "**"):
        if text.startswith(stars) and text.endswith(stars):
            inner = text[len(stars) : -len(stars)]
            whole = inner and "**" not in inner and inner.strip(" \t\n*") == inner
            return inner if whole else text
    return text
