"""Notes: what a model says after the rewrite, about what it changed, or to say goodbye.

A note has no fixed words, but it has a build: somebody did something, or it does something, to
what belongs to rewriting or stands in the text before it. What the parent holds is no note, nor is
what a colon leads up to, nor the end of a letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evolinstruct.reading.asides import FRAME, find_section, is_aside, says_goodbye
from evolinstruct.reading.said import Said, is_foreign, shares_content

_NOTE_LENGTH = 1500
_LABEL = re.compile(r"[\s*_#>(\[—–※-]{0,8}([^\W\d_][^:：\n*]{0,40}?)[*_]{0,3}\s?[:：][*_]{0,3}\s*")
_ABOUT_CHANGES = re.compile(
    r"(?:(?:one |the )?added|(?:one |the )?(?:added|new|additional|extra) (?:constraint"
    r"|requirement|condition|step"
    r"|restriction|reasoning step|element|detail)s?|(?:constraint|requirement|condition|step"
    r"|restriction|change|modification)s? (?:added|made|introduced)|what(?:'s| i| has| was)?"
    r" (?:changed|new|different|added)|what makes (?:it|this|the \w+) \w+|how (?:it|this) (?:is"
    r"|differs|changed)|(?:key |main |summary of )?(?:changes?|modifications?"
    r"|improvements)(?: made)?|why (?:it's|this is|it is|this) (?:harder|more \w+|works)"
    r"|explanation of (?:the )?(?:changes?|rewrite)|hinzugefügte \w+|contrainte ajoutée"
    r"|restricción añadida|добавленное \w+|新增(?:限制|要求|约束)|追加した(?:条件|制約)"
    r"|추가된 조건)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"(?:i(?:'ve| have)?|we(?:'ve| have)?|this|these|that|it|the|my|by|now|both|all|added|one"
    r"|new|additional|extra|in this|here i|ich habe|das|dies\w*|j'ai|cela|cette|ce|he|esto|esta"
    r"|la|el|eu|isso|esta|ho|questa|ik|dit|deze|я|это|эта"
    r"|se (?:ha|han|añad|agreg|inclu|introdu|respet|mant|conserv)\w*|foi|foram|il faut"
    r"|l'instruction|es wurden?|jetzt|nun|è stat[ao]|sono stat[ie]|ora|er is"
    r"|er zijn|nu|het|теперь|добавлен\w*|ahora|agora|maintenant)\b"
    r"|这|該|该|此|我|これ|この|이|هذا|هذه|لقد",
    re.IGNORECASE,
)
_TELLS = re.compile(
    r"(?:I(?:'ve| have)? (?:also |only |just )?(?:added|rewrote|rewritten|incorporated|introduced)"
    r"|(?:(?:this|the|my) (?:re-?written|revised|reworked|reworded|rephrased|evolved|modified)"
    r" (?:prompt|instruction|question|task|request|problem|query|command|version)|(?:this|my)"
    r" (?:version|rewrite)) (?:now |also )*(?:adds|introduces|incorporates|increases|makes|keeps"
    r"|retains|builds))\b",
    re.IGNORECASE,
)
_WEAK = {"added", "turned", "preserved", "increased", "raised", "combined", "extended", "adjusted"}
_LETTER = re.compile(
    r"^\W{0,3}(?:dear|hi|hello|hey|good (?:morning|afternoon|evening)|subject:|liebe\w*|sehr"
    r" geehrte|cher|chère|bonjour|estimad\w|hola|querid\w|prezad\w|olá|gentile|beste|уважаем\w+"
    r"|здравствуйте|尊敬的|您好|拝啓)\b.{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)
_EXPLANATION = re.compile(
    r"\s*[*_#> ]{0,6}(?:explanation|rationale|reasoning|note|notes)[*_]{0,3}:[*_ ]{0,4}\s*\S",
    re.IGNORECASE,
)


def without_note(text: str, parent: str) -> str:
    """Return the text without a last piece that comments on the rewriting or says goodbye."""
    for start, mark in _last_pieces(text, parent):
        piece, before = text[start:].strip(), text[:start].rstrip()
        if not piece or not before or before.endswith((":", "：")) or (parent and piece in parent):
            continue
        if piece[0] in "—–-" and before.rpartition("\n")[2].startswith(piece[0]):
            continue  # a line of a dialogue or a list
        if mark == _SECTION or _is_note(before, piece, parent, apart=mark == "\n\n"):
            if mark == "(" and text[-1] in "*_":
                before = before.removesuffix(text[-1]).rstrip()
            return before.removesuffix("\n---").rstrip()
    return _without_explanation(text, parent)


def find_note(text: str, parent: str) -> str | None:
    """Return a last paragraph that sounds like a note, though not enough to be taken off."""
    start = text.rfind("\n\n")
    before, piece = text[: max(start, 0)].rstrip(), text[start:].strip()
    if not before or before.endswith((":", "：")) or "```" in piece or piece in parent:
        return None
    if len(piece) > _NOTE_LENGTH:
        return None
    said = piece.strip(FRAME).replace("’", "'")
    if is_foreign(said, parent) and not is_foreign(before, parent):
        return piece
    sounds = Said(said).has("matter", "rewrite") and _points(said, before, parent) >= _SOME_POINTS
    return piece if sounds else None


_SOME_POINTS = 2.5
_SECTION = "#"


def _last_pieces(text: str, parent: str) -> Iterator[tuple[int, str]]:
    """Yield where a last piece may begin: a section, its paragraph, its line, its bracket."""
    bracket = text.rfind("(") if text.endswith((")", ")*", ")_", ").")) else -1
    for start, mark in (
        (find_section(text, parent), _SECTION),
        (text.rfind("\n\n"), "\n\n"),
        (text.rfind("\n"), "\n"),
        (bracket, "("),
    ):
        if start > 0 and len(text) - start <= _NOTE_LENGTH and "```" not in text[start:]:
            yield start, mark


def _without_explanation(text: str, parent: str) -> str:
    """Return the text without what stands under its one rule, where that explains the rewrite."""
    before, ruled, after = text.partition("\n---\n")
    framed = text.startswith("---\n") or "\n---\n" in after  # front matter, or several parts
    if not ruled or framed or (parent and after.strip() in parent):
        return text
    label = _LABEL.match(after)
    explains = _EXPLANATION.match(after) or (label and _ABOUT_CHANGES.fullmatch(label[1].strip()))
    said = after.replace("’", "'").strip("*_()[]> \n")
    return before.rstrip() if explains or _TELLS.match(said) else text


def _is_note(before: str, piece: str, parent: str, *, apart: bool) -> bool:
    """Tell whether a text's last piece is a note; apart: it is a paragraph of its own."""
    if is_aside(piece, before):
        return True
    piece = piece.replace("’", "'")
    label = _LABEL.match(piece)
    if _is_of_text(piece, label, parent):
        return False
    if label and _ABOUT_CHANGES.fullmatch(label[1].strip()):
        return not _EMPTY.fullmatch(piece[label.end() :])
    said = piece.strip(FRAME)
    if says_goodbye(piece):
        return not _LETTER.search(before)
    points = 0.0
    if label and len(Said(label[1]).tokens) <= 1 and Said(label[1]).has("label"):
        said = piece[label.end() :].strip("*_()[] ")
        points = 0.5 if label[1].strip().lower() in _EXPLAINS else 1.0
    elif _is_framed(piece) and _is_sentence(Said(said)):
        points = 1.0
    if is_foreign(said, parent) and not is_foreign(before, parent):
        return Said(said).has("change", "effect", "matter", "harder", "rewrite", "task")
    return bool(points or apart) and points + _points(said, before, parent) >= _ENOUGH_POINTS


def _is_of_text(piece: str, label: re.Match[str] | None, parent: str) -> bool:
    """Tell whether a piece is a part of a form or a letter, or has a label of the parent's."""
    if label is not None:
        is_form = all(map(_LABEL.match, piece.splitlines())) and "\n" in piece
        return is_form or label[0].strip() in parent
    first, line_break, rest = piece.partition("\n")
    if rest and first[0] in "—–-" and rest[0] == first[0]:
        return True  # a dialogue, a list
    return bool(line_break) and first.rstrip("*_ ").endswith((":", "："))


_EXPLAINS = ("explanation", "rationale", "reasoning", "explicación", "explication", "erklärung")
_ENOUGH_POINTS = 3.0
_ENOUGH_WORDS = 4
_EMPTY = re.compile(r"\W*(?:none|n/?a|nothing|no|-)?\W*", re.IGNORECASE)
_FRAMED = re.compile(
    r"[*_]{0,3}[(\[（【].*[)\]）】][*_]{0,3}|(\*{1,2}|_)[^*_\n].*\1|[—–※] ?\S.*", re.DOTALL
)


def _is_sentence(said: Said) -> bool:
    return said.joins or len(said.tokens) >= _ENOUGH_WORDS


def _is_framed(piece: str) -> bool:
    """Tell whether a piece is set off: in brackets, in italics, after a dash."""
    return _FRAMED.fullmatch(piece) is not None


def _points(said: str, before: str, parent: str) -> float:
    """Return how much a piece sounds like a remark on the rewriting of the text before it.

    A point each for a subject that a remark has, a verb of changing or of what a change does, a
    word for what was changed, and for having nothing in common with the parent.
    """
    if said.rstrip(" *_").endswith(("?", "？")):
        return 0.0
    words = Said(said)
    # "I added", not "the added"
    changed = {word for before, word in words.having("change") if before not in _ARTICLES}
    acts = bool(changed) or words.has("effect") or (words.joins and words.has("change"))
    matter = words.has("matter", "harder")
    points = float(_SUBJECT.match(said) is not None) + float(acts) + float(matter)
    about_version = _OF_VERSION.match(said) is not None
    if parent and (matter or about_version or acts) and "version" not in parent.lower():
        points += 1.0 if about_version else 0.5 * (not shares_content(said, parent))
    if changed and changed - _WEAK:
        points += 0.5 + 0.5 * shares_content(said, before)
    return points


_OF_VERSION = re.compile(
    r"(?:this|the|my|in this)(?: (?:new|revised|rewritten|updated|harder))? (?:version|rewrite"
    r"|rewriting|revision|formulation|wording|instruction|prompt|variant)\b|(?:diese|die neue)"
    r" (?:version|fassung)|cette (?:version|reformulation|formulation)|esta versi[óo]n|esta versão"
    r"|questa versione|deze versie|эта версия|(?:这|此|该)(?:个)?(?:版本|改写|指令)|以上指令"
    r"|この(?:バージョン|書き換え)|이 버전|هذه (?:النسخة|الصياغة)",
    re.IGNORECASE,
)


_ARTICLES = frozenset(
    [
        "the",
        "an",
        "a",
        "this",
        "that",
        "these",
        "any",
        "each",
        "its",
        "your",
        "der",
        "die",
        "das",
        "le",
        "la",
        "les",
        "el",
        "los",
    ]
)
