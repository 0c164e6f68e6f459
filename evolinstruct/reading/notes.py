"""Notes after a text, such as "Note: I added …", "(This version adds …)", "Let me know if …"."""

from __future__ import annotations

import re

from evolinstruct.reading.labels import NOUN, REWRITTEN

_NOTE_LENGTH = 1500
_NOTE_LABEL = re.compile(
    r"(?:please )?(?:(note)|explanation)\b[*_]*[:,]?[*_]*\s+(?:that )?", re.IGNORECASE
)
_TELLS = re.compile(
    r"(?:I(?:'ve| have)? (?:also |only |just )?(?:added|rewrote|rewritten|incorporated|introduced)"
    rf"|(?:(?:this|the|my) {REWRITTEN} (?:{NOUN}|version)|(?:this|my) (?:version|rewrite))"
    r" (?:now |also )*(?:adds|introduces|incorporates|increases|makes|keeps|retains|builds))\b",
    re.IGNORECASE,
)
_MAY_TELL = re.compile(
    r"(?:I(?:'ve| have)? (?:also )?(?:made|kept|changed|modified|replaced|included|used|tried|aimed"
    r"|preserved|ensured|increased)|in this (?:version|rewrite)"
    r"|(?:these|the) (?:changes|additions|added \w+)"
    rf"|this (?:{NOUN}|version|addition|change) (?:now |also )*(?:adds|makes|requires|includes"
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


def without_note(text: str) -> str:
    """Return the text without a last piece that talks about the rewriting or says goodbye."""
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
