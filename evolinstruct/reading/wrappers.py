"""Wrappers around a whole instruction: rules, fences, quotation marks, emphasis, tags, a lone item.

Each comes off only where it is certain to be one: it opens at the beginning, closes at the end, and
nothing inside could be the partner of either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from textwrap import dedent
from typing import Any

from evolinstruct.reading.announcements import is_label_of_rewrite
from evolinstruct.reading.own_text import whole_object

_OF_WRAPPERS = re.compile(
    r"(?:\w*(?:instr[uú]|istruz|consigne|prompt|re-?writ|reword|evolv|reescri|réécri|anweis|指示|指令|지시)\w*"
    r"|(?:new|final|harder|revised|created)[_ -]?"
    r"(?:question|task|version|request|text)|question|task|query|request|output|answer|result"
    r"|response|version|text|content|message|p|div|body)",
    re.IGNORECASE,
)
_OF_INSTRUCTIONS = re.compile(
    r"(?:re-?written|revised|new|final|evolved|created|harder|modified|updated)(?:[_ -]?"
    r"(?:instruction|prompt|question|task|version|text))?$|^rewrite$|reescrit|réécrit|überarbeitet"
    r"|riscritt|переписан|改写|書き換え|재작성"
    r"|(?:instrucción|instrução|istruzione|consigne|anweisung|aufgabe)[_ -]?(?:nueva|nova|nuova"
    r"|nouvelle|neu|final[ea]?)$|^(?:nueva|nova|nuova|nouvelle|neue)[_ -]?(?:instrucción|instrução"
    r"|istruzione|instruction|consigne|anweisung|aufgabe)$|нов\w+[_ -]инструкци|新的?(?:指令|指示)",
    re.IGNORECASE,
)


def without_wrapper(text: str) -> str:
    """Return the text without one wrapper of each kind, the outer ones first."""
    for take_off in (
        _without_rules,
        _without_fence,
        _without_field,
        _without_block,
        _without_tags,
        _without_tag,
        _without_quote_signs,
        _without_list,
        _without_quotes,
        _without_emphasis,
    ):
        text = take_off(text)
    return text


# Rules

_RULE = re.compile(r"^([-*_])(?: ?\1){2,}$", re.MULTILINE)


def _without_rules(text: str) -> str:
    """Return what stands between two rules and blank lines, if there are no more rules."""
    rules = [*_RULE.finditer(text)] if text[:1] in ("-", "*", "_") else []
    if len(rules) != 2 or rules[0].start() or rules[1].end() != len(text):  # noqa: PLR2004 - two
        return text
    inner = text[rules[0].end() : rules[1].start()]
    # Front matter has no blank lines there.
    return inner.strip() if inner.startswith("\n\n") and inner.endswith("\n\n") else text


# Fences

_FENCE = re.compile(
    r"(`{3,}|~{3,})[ \t]*(?:text|txt|plain|plaintext|markdown|md|prompt|instruction)?[ \t]*\n",
    re.IGNORECASE,
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


# Fields and tags

_TAGGED = re.compile(r"<([^\W\d][\w-]{0,40})>(.*)</\1>", re.DOTALL)


_INPUTS = frozenset(("input", "context", "data", "text", "output"))
"""Fields beside which an instruction is not the whole."""


def _without_field(text: str) -> str:
    """Return the value of the one field of a JSON object, or of the one that is the instruction."""
    if text[:1] not in ("{", "`"):
        return text
    fields = whole_object(text)
    if len(fields) == 1:
        [(name, value)] = fields.items()
        return value.strip() if isinstance(value, str) and _OF_WRAPPERS.fullmatch(name) else text
    nested = [value for value in fields.values() if isinstance(value, dict)]
    if len(nested) == 1:  # {"status": …, "data": {"prompt": …}}
        fields = nested[0]
    only = _only_instruction([*fields.items()], _OF_INSTRUCTIONS.search)
    return text if only is None else only


def _only_instruction(
    parts: Sequence[tuple[str, Any]], names_rewrite: Callable[[str], object]
) -> str | None:
    """Return the one of several named parts that is the instruction."""
    named = [value for name, value in parts if names_rewrite(name)]
    if not named and not _INPUTS.intersection([name for name, _ in parts]):
        named = [value for name, value in parts if name in _PLAIN_NAMES]
    return named[0].strip() if len(named) == 1 and isinstance(named[0], str) else None


_PLAIN_NAMES = ("instruction", "prompt")
_LONGEST_BLOCK = 20_000  # characters
_BLOCK = re.compile(
    r"(?:(?P<fence>`{3,})(?:ya?ml)?[ \t]*\n)?(?:[\w-]+:[^\n|>]*\n)*?"
    r"(?P<name>[\w-]{4,40}):[ \t]*[|>][+-]?[ \t]*\n(?P<lines>(?:[ \t]+\S[^\n]*(?:\n|\Z)|\n)+)"
    r"(?:[\w-]+:[^\n]*(?:\n|\Z))*(?(fence)(?P=fence)\s*)"
)


def _without_block(text: str) -> str:
    """Return the block of lines of the one field of YAML that is the instruction."""
    is_short = len(text) <= _LONGEST_BLOCK
    found = _BLOCK.fullmatch(text) if is_short and ("|\n" in text or ">\n" in text) else None
    if found is None:
        return text
    name = found["name"]
    is_instruction = _OF_INSTRUCTIONS.search(name) or name in _PLAIN_NAMES
    return dedent(found["lines"]).strip() if is_instruction else text


def _without_tag(text: str) -> str:
    """Return the inside of one tag, such as <instruction>, around the whole text."""
    tagged = _TAGGED.fullmatch(text) if text.startswith("<") else None
    if tagged is None or not _names_wrapper(tagged[1]):
        return text
    if f"</{tagged[1]}>" in tagged[2]:
        return text
    inner = tagged[2].strip()
    if inner.startswith("<![CDATA[") and inner.endswith("]]>"):
        return inner[len("<![CDATA[") : -len("]]>")].strip()
    return inner


_MOST_TAGS = 16
_TAGS = re.compile(r"\s*<([^\W\d][\w-]{0,40})>(.*?)</\1>\s*", re.DOTALL)


def _without_tags(text: str) -> str:
    """Return the inside of the one of several tags in a row that is the instruction."""
    if not text.startswith("<") or not text.endswith(">") or text.count("<") > _MOST_TAGS:
        return text
    tags = [*_TAGS.finditer(text)]
    if len(tags) < 2 or "".join([tag[0] for tag in tags]) != text:  # noqa: PLR2004 - several
        return text
    only = _only_instruction([(tag[1], tag[2]) for tag in tags], _names_rewrite)
    return text if only is None else only


def _names_wrapper(name: str) -> bool:
    if _OF_WRAPPERS.fullmatch(name) or name in ("tool_call", "function_call"):
        return True
    return _names_rewrite(name)


def _names_rewrite(name: str) -> bool:
    return is_label_of_rewrite(re.sub(r"[_-]", " ", name))


# Marks at the start of lines

_QUOTED_LINE = re.compile(r">[ \t]?")
_ITEM = re.compile(r"(?:[-*•][ \t]+|1[.)][ \t]+)(?=\S)")
_OTHER_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d+[.)])[ \t]", re.MULTILINE)


def _without_quote_signs(text: str) -> str:
    """Return the inside of a block quote: each line begins with >."""
    if not text.startswith(">"):
        return text
    lines = text.split("\n")
    if not all(line.startswith(">") or not line.strip() for line in lines):
        return text
    return "\n".join([_QUOTED_LINE.sub("", line, count=1) for line in lines]).strip()


def _without_list(text: str) -> str:
    """Return the one item of a list."""
    item = _ITEM.match(text)
    if not item or _OTHER_ITEM.search(text, item.end()):
        return text
    return text[item.end() :]


# Quotation marks, brackets and emphasis

_CLOSING = {
    '"': '"', "'": "'", "“": "”", "‘": "’", "”": "”", "„": "“”", "«": "»", "»": "«", "‹": "›",
    "「": "」", "『": "』", "《": "》", "[": "]",
}  # fmt: skip
_MOST_MARKS = 1000  # a text with more quotation marks is data, or no text at all


def _without_quotes(text: str) -> str:
    """Return the inside of one pair of quotation marks or square brackets around the whole text."""
    if len(text) < 2 or text[-1] not in _CLOSING.get(text[0], ""):  # noqa: PLR2004 - a pair
        return text
    if text.startswith('"""'):
        inner = text[3:-3]
        return inner.strip() if text.endswith('"""') and '"""' not in inner else text
    inner = text[1:-1]
    if text[0] == "[" and not _is_prose(inner):
        return _only_string(text)
    return inner.strip() if _balanced(inner, text[0], text[-1]) else text


def _only_string(text: str) -> str:
    """Return the one string of a list in JSON."""
    try:
        found = json.loads(text, strict=False) if text[1:].lstrip()[:1] == '"' else None
    except (ValueError, RecursionError):
        return text
    match found:
        case [str(only)] if _PROSE.match(only):
            return only.strip()
    return text


_PROSE = re.compile(r"(?:[^\W\d_]+[\s,;:'’-]+){4}")


def _is_prose(inner: str) -> bool:
    """Tell whether what is in brackets are words: a list of data stays one."""
    return "[" not in inner and "{" not in inner and _PROSE.match(inner.strip()) is not None


def _balanced(inner: str, opening: str, closing: str) -> bool:
    """Tell whether the outer quotation marks are a pair: none inside can be the partner of one."""
    if inner.count(opening) + inner.count(closing) > _MOST_MARKS:
        return False
    depth = 0
    for mark in re.finditer(f"[{re.escape(opening + closing)}]", inner):
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


def _without_emphasis(text: str) -> str:
    """Return the text without bold, italics or a code span around the whole of it."""
    for signs in ("***", "**", "*", "__", "_", "`"):
        if text.startswith(signs) and text.endswith(signs):
            inner = text[len(signs) : -len(signs)]
            if not inner or signs in inner or inner.strip(f" \t\n{signs}") != inner:
                return text
            # One word between signs is a name (__init__, `ls`), not emphasis.
            return inner if signs in ("***", "**") or " " in inner else text
    return text
