"""Instruction reader: takes the rewritten instruction out of a model's reply.

Prompts ask for it between two marks, and what stands between them is it. Models forget marks, and
wrap what they were asked for: a label before it, an announcement, a fence, quotation marks, bold, a
note after it. Each wrapper comes off only where it is certain to be one; in doubt the text stays as
it came, and so does whatever the parent has too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from evolinstruct.reading.announcements import (
    is_label_of_parent,
    is_label_of_rewrite,
    speaks_of_rewriting,
    without_announcement,
    without_thoughts,
)
from evolinstruct.reading.asides import is_label_of_note
from evolinstruct.reading.marks import between_marks, marked_at_end
from evolinstruct.reading.notes import without_note
from evolinstruct.reading.own_text import find_next_turn, own_text, without_reasoning
from evolinstruct.reading.undecided import (
    before_another,
    behind_thoughts,
    is_all_thoughts,
    offers_several,
)
from evolinstruct.reading.wrappers import without_wrapper
from evolinstruct.words import count_words

_MOST_LAYERS = 16
"""More wrappers than this around each other are part of the text: the reply is kept as it came."""
_LONG, _MOST_OF_LONG = 100_000, 4  # characters; wrappers of what is longer


def read_instruction(
    reply: str,
    markers: Sequence[str] = (),
    *,
    parent: str = "",
    marks: tuple[str, str] | None = None,
) -> str:
    """Return the instruction in a reply, without white space around it.

    Args:
        reply: the model's reply to a prompt that asks for an instruction.
        markers: the labels that the prompt puts before its parts, such as ``rewritten
            instruction``; case and # signs make no difference.
        parent: the instruction that the prompt shows; what it holds is never cut.
        marks: the marks between which the prompt asks for the instruction.

    Returns:
        The instruction, or an empty string where nothing is left, or several are offered.
    """
    labels = _labels_of(tuple(markers))
    text = reply
    if marks is not None:
        # Reasoning that never ends may end in the marks all the same.
        text = without_reasoning(reply, parent) or marked_at_end(reply, marks)
        text = between_marks(text, marks, parent)
    whole = text = own_text(text, parent).strip()
    if offers_several(text, parent):
        return ""
    for _ in range(_MOST_LAYERS if len(text) < _LONG else _MOST_OF_LONG):
        peeled = _without_wrappers(behind_thoughts(labels.cut(text, parent), parent), parent)
        if peeled == text:
            is_none = offers_several(text, parent) or is_all_thoughts(text, parent)
            return "" if is_none else text
        text = own_text(peeled, parent)
    return whole


def _without_wrappers(text: str, parent: str) -> str:
    """Take off one wrapper of each kind, the outer ones first."""
    text = _EMPTY_END.sub("", without_announcement(text, parent)).rstrip()
    text = before_another(text, parent)
    text = without_note(text, parent)
    text = without_note(without_wrapper(without_thoughts(text, parent)), parent)
    turn = find_next_turn(text, parent)
    return text if turn is None else text[: text.find(turn)].strip()


# Labels before the instruction: "#Rewritten Instruction#:", "**Rewritten Prompt:**"

_NOUN = r"(?:prompt|instruction|question|task|request|problem|query|command)"
_REWRITTEN = (
    r"(?:re-?written|revised|reworked|reworded|rephrased|evolved|modified|updated|improved|enhanced"
    r"|harder|final|new|created)"
)
_OWN_LABEL = (
    rf"(?:(?:the |my |your )?{_REWRITTEN} (?:{_NOUN}|version)|re-?written|(?:slightly )?more"
    rf" [a-z]{{4,12}} (?:{_NOUN}|version))"
)
_PLAIN_LABEL = re.compile(
    rf"(?:#{{2,4}} )?[*_]{{0,2}}(?:(?:the |my |your )?(?:{_NOUN}|answer|output|result|response"
    r"|assistant)|anweisung|aufgabe|consigne|instrucción|tarea|instrução|tarefa|istruzione|compito"
    r"|инструкция|задание|指令|任务|指示|課題|지시|과제)(?:[*_]{0,2}[:：][*_]{0,2})\s?",
    re.IGNORECASE,
)
_EMPTY_END = re.compile(
    r"\n#{1,4} ?(?:end(?: of \w+)?[:.]?|(?:input|context|data) ?[:：]\s*(?:none|n/?a|-)?\.?)\s*\Z",
    re.IGNORECASE,
)
"""A heading at the end with nothing below it."""


def _label(name: str) -> str:
    """Return a pattern for a label at the start of a line: plain, between #, a heading or bold."""
    gap, end = "[ \t]{0,8}", "[:：]"
    bold = (
        rf"(?P<bold>\*{{1,3}}|__?|`){gap}#{{0,6}}{gap}{name}{gap}#{{0,6}}{gap}"
        rf"(?:{end}{gap}(?P=bold)|(?P=bold){gap}(?:{end}|$))"
    )
    hashed = rf"#{{1,6}}{gap}{name}{gap}(?:#{{1,6}}{gap}{end}?|{end}|$)"
    return rf"^{gap}(?:#{{1,6}}[ \t])?{gap}(?:{bold}|{hashed}|{name}{gap}{end})"


_OPENING_LABEL = re.compile(_label(_OWN_LABEL), re.IGNORECASE | re.MULTILINE)
_OTHER_LABEL = re.compile(r"^[ \t*_#]{0,6}[^\W\d_][\w ]{0,24}[*_]{0,2}[:：]", re.MULTILINE)
_INNER_LABEL = re.compile(r"[.!?] [A-Z]\w{2,15}: [A-Z]")
_IN_BRACKETS = re.compile(
    r"(?:\[([^\[\]\n]{4,40})\]|【([^【】\n]{2,20})】)[ \t]*\n"
    r"(?P<rest>.*?)(?:[\[【]/[^\[\]【】\n]{1,40}[\]】]\s*)?\Z",
    re.DOTALL,
)
_ECHO = re.compile(
    rf"[\s#*_]{{0,8}}(?:the )?(?:given|original|initial|starting|old|input)(?: {_NOUN})?\b"
    r"[\s#*_]{0,8}[:：]",
    re.IGNORECASE,
)
_STEP = (
    r"(?:(?:(?:step|schritt|étape|etapa|paso|passo|fase|шаг|步骤|ステップ|단계|الخطوة) ?\d"
    r"|第[一二三四五\d]步)\W{1,4})"
)
_ANY_LABEL = re.compile(
    rf"^[ \t]*[*_#>]{{0,4}} ?(?P<step>{_STEP})?(?P<name>[^\s:：][^:：\n]{{1,40}}?)"
    r"(?:[:：][*_]{0,3}|(?(step)[*_]{0,3}[ \t]*$|(?!)))"
    r"|(?<=[.!?] )[*_]{0,3}(?P<last>[^\W\d_][^.!?:：\n]{1,40})[:：][*_]{0,3}[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_NEXT_STEP = re.compile(rf"^[ \t]*[*_#>]{{0,4}} ?{_STEP}", re.IGNORECASE | re.MULTILINE)
_WORK = re.compile(
    r"[\s*_#>]{0,8}(?:(?:first|my|initial) )*(?:draft|attempt|version|methods?(?: list)?|plan"
    r"|analysis|improvements?|ideas?|approach|brainstorming|entwurf|analyse|ansatz|ébauche|brouillon"
    r"|borrador|primera versión|première version|erste fassung|primeira versão|prima versione"
    r"|перв(?:ая попытка|ый вариант|ая версия)"
    r"|plano|análisis|análise|rascunho|план|анализ|черновик|分析|计划|草稿|下書き|計画|계획|초안)"
    r"(?: was| is)?[*_]{0,3}[:：]",
    re.IGNORECASE,
)
"""The label of work on a rewrite, which a reply may show before the rewrite itself."""
_WORK_ON = re.compile(
    r"[\s*_#>]{0,8}(?:analysis of|analyse d|análisis de|análise d|analisi d|анализ)\w* ?"
    r"(?:\S+ ){0,2}"
    r"(?:original|instru|consigne|исходн|задани|инструкц|task|prompt)[^:：\n]{0,30}[:：]",
    re.IGNORECASE,
)
_ONLY_FINAL = re.compile(
    r"(?:final|revised|improved|rewritten|result|finale|endfassung|resultado|итог|最终版?|最終版?"
    r"|최종)\Z",
    re.IGNORECASE,
)
"""A label that names the rewrite only behind shown work."""
_TO_WRITE = re.compile(
    r"(?:write|formulate|produce|present|give|state|draft|compose) (?:down )?(?:the |your |my )?"
    r"(?:new|final|rewritten|revised) (?:instruction|prompt|version|task|question)\W*\Z"
    r"|(?:给出|写出|输出|撰写)(?:最终|新|改写后)的?(?:指令|提示|版本)\W*\Z",
    re.IGNORECASE,
)


def _after_rewrite_label(text: str, parent: str) -> str:
    """Return what stands after the last label of a rewrite, if the parent or work stands before.

    The label is in any language, and may be in the middle of the text. Where it opens one of
    several numbered steps, it ends with the next of them.
    """
    found = None
    for label in _ANY_LABEL.finditer(text):
        name = (label["name"] or label["last"]).strip("*_ ")
        names = (is_label_of_rewrite(name) and not is_label_of_note(name)) or (
            _TO_WRITE.match(name)
            if label["step"]
            else _ONLY_FINAL.match(name) and _WORK.match(text, 0, label.start())
        )
        if names and label[0].strip() not in (parent or "\n"):
            found = label
    if found is None or not (before := text[: found.start()].strip()):
        return text
    rest = text[found.end() :].strip()
    if found["step"] and (following := _NEXT_STEP.search(rest)):
        rest = rest[: following.start()].strip()
    return rest if rest and _leads_up(before, parent) else text


def _leads_up(before: str, parent: str) -> bool:
    """Tell whether what stands before a label is the parent, or work on its rewrite."""
    if parent.strip() and before == parent.strip():
        return True
    first = _ANY_LABEL.match(before)
    if first and first["name"] and is_label_of_parent(first["name"]) and first[0] not in parent:
        return True
    for work in (_NEXT_STEP.match(before), _WORK.match(before), _WORK_ON.match(before)):
        if work is not None and work[0].strip() not in (parent or "\n"):
            return True
    return speaks_of_rewriting(before[:_SPOKEN])


_NEXT_EXAMPLE = re.compile(
    rf"\n#{{1,3}} ?(?:the )?(?:given|original|starting|input) {_NOUN} ?#{{0,3}}[ \t]*[:：\n]"
    r"|\n\W{0,3}example ?\d+ ?:\s*\W{0,3}(?:original|given|input|parent|before)\b",
    re.IGNORECASE,
)


def _before_next_example(text: str, parent: str) -> str:
    """Return what stands before the label of another instruction, if the model goes on with one."""
    found = _NEXT_EXAMPLE.search(text) if "\n" in text else None
    if found is None or found[0].strip() in parent:
        return text
    before, after = text[: found.start()].strip(), text[found.end() :].strip()
    repeats = not parent.strip() or after.startswith(parent.strip()[:_SAME_START])
    if repeats or count_words(before) < _SENTENCE or speaks_of_rewriting(before[:_SPOKEN]):
        return text
    return before


_SAME_START = 20  # characters
_SENTENCE = 5  # words


class _Labels(NamedTuple):
    """The labels of one prompt pack.

    Attributes:
        names: the labels in lower case, without their # signs.
        pattern: finds any of them at the start of a line.
    """

    names: tuple[str, ...]
    pattern: re.Pattern[str]

    def cut(self, text: str, parent: str) -> str:
        """Return what stands after the last label that is followed by something.

        A plain "name:" inside a text counts only if the text opens with a label too, or with words
        about the rewriting. A label inside a fence never counts, nor one that the parent has.
        """
        text = _before_next_example(text, parent)
        text = _after_rewrite_label(self._after_last(text, parent), parent)
        bracketed = _IN_BRACKETS.match(text)
        name = (bracketed[1] or bracketed[2]) if bracketed else ""
        if bracketed and is_label_of_rewrite(name) and name not in parent:
            return bracketed["rest"].strip()
        opening = _OPENING_LABEL.match(text)
        if opening and opening[0].strip() not in parent:
            return text[opening.end() :].strip()
        plain = _PLAIN_LABEL.match(text)
        if plain is None or plain[0].strip() in parent:
            return text
        # One plain label is a wrapper; with others below it, the text is a form: "Task: … Text: …".
        rest = text[plain.end() :].strip()
        return text if _OTHER_LABEL.search(rest) or _INNER_LABEL.search(rest) else rest

    def _after_last(self, text: str, parent: str) -> str:
        lowered = text.lower()
        if not any(name in lowered for name in self.names):
            return text
        opens = bool(self.pattern.match(text) or _ECHO.match(text))
        found, fences, seen = [], 0, 0
        for label in self.pattern.finditer(text):
            fences, seen = fences + text.count("```", seen, label.start()), label.start()
            signed = label.group().lstrip()[0] in "#*_`"
            counts = opens or signed or _speaks(text[: min(label.start(), _SPOKEN)])
            if fences % 2 == 0 and counts and label[0].strip() not in parent:
                found.append(label)
        end = len(text)
        for label in reversed(found):
            part = text[label.end() : end].strip()
            if part:
                return part
            end = label.start()
        return text[:end].strip()


_SPOKEN = 1500  # characters before a label that are looked at


@lru_cache(maxsize=64)
def _speaks(head: str) -> bool:
    """Tell whether the head of a text speaks of rewriting; it stands before the next label too."""
    return speaks_of_rewriting(head)


_KNOWN_LABELS = (
    "rewritten instruction",
    "rewritten prompt",
    "created instruction",
    "created prompt",
)
"""Labels that models know from prompts of this kind, whatever the pack's are."""


@lru_cache(maxsize=64)
def _labels_of(markers: tuple[str, ...]) -> _Labels:
    """Return the labels for a pack's markers; compiled once for each pack."""
    known = (*_KNOWN_LABELS, *markers)
    names = tuple(name for label in known if (name := label.strip(" \t\n#*_:：").lower()))
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)"
    return _Labels(names, re.compile(_label(f"(?:{either})"), re.IGNORECASE | re.MULTILINE))
