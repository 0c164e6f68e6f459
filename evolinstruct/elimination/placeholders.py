"""The rule for placeholders in a rewrite: marks that stand where data or words should."""

from __future__ import annotations

import re

from evolinstruct.elimination.rule import Rewrite, Rule

# Words between brackets, such as "[insert the table here]"

_ENCLOSED = re.compile(
    r"([\[<({](?<![\w.=/].)\{?)\s*([^\W\d_][^\[\]<>(){}\n=:\"]{1,80}?)\s*"
    r"(?:\](?![(\[\w.]|\s*\n\s*[\w.-]+\s*[=:])|>|\)|\}\}?)"  # no link, index or name of a section
)
_FIRST = frozenset(
    (
        *("insert", "enter", "paste", "fill", "your", "ihr", "ihre", "ihren", "dein", "deine"),
        *("votre", "insérer", "inserta", "inserte", "tu", "su"),
    )
)
_FIRST_IN_BRACKETS = _FIRST | frozenset(
    (
        *("add", "put", "type", "provide", "attach", "same", "original", "rest", "remaining"),
        *("unchanged", "hier", "aquí"),
    )
)
_LAST = frozenset(("here", "omitted", "unchanged", "attached", "hier", "aquí", "ici"))
_LAST_WORDS = (
    *("not shown", "as above", "as before", "same as above", "in the original", "to be added"),
    *("to be determined", "to be inserted", "to be filled in"),
)
_NOUNS = frozenset(
    (
        *("name", "names", "date", "time", "company", "topic", "subject", "city", "country"),
        *("address", "e-mail", "email", "phone", "number", "amount", "product", "title"),
        *("recipient", "sender", "text", "sentence", "paragraph", "article", "story", "code"),
        *("table", "data", "dataset", "link", "url", "image", "list", "document", "example"),
        *("details", "description", "location", "position", "department", "event", "reason"),
        *("author", "book", "movie", "skill", "quote", "item", "painting", "photo", "file"),
    )
)
_NOUN_WORDS = 4
_CHINESE = re.compile(
    r"[\[［【<（(](?:请)?(?:你的|您的|在此|此处|插入|填写|输入)[^\]］】>）)\n]{0,20}[\]］】>）)]"
)


def _enclosed(text: str) -> list[str]:
    """Return what stands in brackets for something else."""
    found = [] if text.isascii() else _CHINESE.findall(text)
    if "[" in text or "<" in text or "(" in text or "{" in text:
        enclosed = _ENCLOSED.finditer(text)
        found += [each[0] for each in enclosed if _stands_for(each[1], each[2].lower())]
    return found


def _stands_for(opening: str, content: str) -> bool:
    """Tell whether what is between brackets stands for something else."""
    words = content.split()
    if opening == "{{":
        return True
    if words[0] in (_FIRST_IN_BRACKETS if opening == "[" else _FIRST) and len(words) > 1:
        return True
    if len(words) > 1 and (words[-1] in _LAST or content.endswith(_LAST_WORDS)):
        return True
    is_noun = (
        words[-1] in _NOUNS and len(words) <= _NOUN_WORDS and content.replace(" ", "").isalpha()
    )
    return is_noun and (opening == "[" or (opening == "<" and len(words) > 1))


# Gaps in code and in data

_COMMENT = r"(?:#|//|--|/\*|<!--)[ \t]*"
_CODE_HERE = re.compile(
    rf"{_COMMENT}[^\n]{{0,20}}\b(?:your|insert|add|write|implement|paste)\b[^\n]{{0,40}}\bhere\b"
    rf"|{_COMMENT}(?:the )?rest of [^\n]{{0,60}}",
    re.IGNORECASE,
)
_DOTS = r"(?:\.\.\.|…)"
_DOTTED = re.compile(
    rf"\"[\w -]+\"\s*:\s*\"?{_DOTS}|[\[,]\s*\"{_DOTS}\"\s*[,\]]|[}}\]\"'],\s*{_DOTS}\s*[\]}}]"
    rf"|\|\s*{_DOTS}\s*\||>\s*{_DOTS}\s*</|{_COMMENT}{_DOTS}|=\s*[\"']{_DOTS}[\"']|\[{_DOTS}\]"
    rf"|(?:,\S|[|;{{}}<>=])[^\n]*\n[ \t]*\[?{_DOTS}\]?,?[ \t]*$",
    re.MULTILINE,
)
_WORDS = re.compile(
    r"\b(?:TODO|TBD)\b|(?<![A-Za-z] )\bX{3,}\b(?!-rated)|\bxxxx+\b|\b[Ll]orem ipsum\b"
)


def _gaps(text: str) -> list[str]:
    """Return the comments, dots and words that stand for code, data or a text."""
    found = []
    if " here" in text or "rest of" in text:
        for line in text.splitlines():
            if " here" in line or "rest of" in line:
                found += _CODE_HERE.findall(line)
    if "..." in text or "…" in text:
        found += _DOTTED.findall(text)
    if "TODO" in text or "TBD" in text or "XXX" in text or "xxxx" in text or "orem ips" in text:
        found += _WORDS.findall(text)
    return found


# The rule

_ABOUT = re.compile(
    r"\b(?:templates?|place-?holders?|fill(?:ing|ed)?[ -](?:in|out)|fill the|blanks?|mail[ -]?merge"
    r"|mask(?:ed|ing)?|to-?dos?(?! list)|stubs?|skeleton|boilerplate|form letter"
    r"|merge (?:tag|field)s?|jinja2?|mustache|handlebars|liquid|brackets?|braces|lorem|dummy|cloze"
    r"|vorlage\w*|platzhalter\w*|modèle|plantilla|ellips[ei]s|wildcards?|complete the|implement"
    r"|substitut\w+)\b|(?-i:\bSELECT\b)|模板|占位",
    re.IGNORECASE,
)


def _placeholder(rewrite: Rewrite) -> str | None:
    child = rewrite.child
    for found in (*_enclosed(child), *_gaps(child)):
        if found not in rewrite.parent and not _is_about(rewrite, found):
            return " ".join(found.split())
    return None


def _is_about(rewrite: Rewrite, found: str) -> bool:
    """Tell whether a task is about placeholders, by the words around the one that was found."""
    texts = rewrite.parent, rewrite.child.replace(found, " ")
    return any(map(_ABOUT.search, texts))


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="placeholder",
        meaning="The rewrite holds a placeholder where data or words should stand, its parent does"
        " not, and the task is not about placeholders.",
        cause="the model shortens the data that it should write or keep: read some of them; a"
        " larger model writes it out",
        stage="rewrite",
        check=_placeholder,
    ),
)
