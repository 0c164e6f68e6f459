"""Rendered chats: a whole conversation in one text, taken apart by the marks of its template.

Marks are special tokens (ChatML, Llama, Gemma, Mistral, Zephyr …), headings (``### Instruction:``)
and labels at the beginning of a text (``Human:`` … ``Assistant:``, ``Q:`` … ``A:``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evolinstruct.seeds.turns import Role, Turn, role_of

_HEADINGS = (
    "instruction|input|context|response|output|human|user|assistant|system|question|answer|prompt"
    "|query|bot|ai|gpt|chatgpt"
)
_MARK = re.compile(
    rf"""
      <\|(?:im_start|start_header_id|header_start|start_of_role|start) \|> \s*
          ([\w-]+ (?:<\|channel\|>\w+)?)
          (?:<\|(?:im_sep|end_header_id|header_end|end_of_role|message)\|>)?
    | <\|im_(user|assistant|system)\|> [^\n<]{{0,40}} <\|im_middle\|>
    | (?:<start_of_turn>|<extra_id_\d>|<\|turn>) [ ]* (\w+)
    | <[|\uff5c] (system|user|human|prompter|assistant|bot|chatbot) (?:_token)? [|\uff5c]>
    | \[\| (system|user|assistant) \|\]
    | (\[/?INST\])
    | (<</?SYS>> | \[/?SYSTEM_PROMPT\])
    | <(human|user|bot|assistant)> :
    | \#{{1,4}} [ ]* ({_HEADINGS}) [ ]* (?: : | (?=\n|\Z))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MAY_MARK = re.compile(r"[#<:\uff1a]|\[/?(?:INST|\|)", re.IGNORECASE)
_NAMES = {
    "[inst]": "user",
    "[/inst]": "assistant",
    "<<sys>>": "system",
    "<</sys>>": "user",
    "[system_prompt]": "system",
    "[/system_prompt]": "user",
}
"""What follows each mark that names no role."""
_LETTERS: dict[str, Role] = {"q": "user", "a": "assistant", "问": "user", "答": "assistant"}
_INPUTS = ("input", "context")
_SPECIAL = (
    r"</?s>|<[be]os>|<(?:end_of_turn|turn\||sep|sop)>|\[gMASK\]|\[\|[^|\]\n]{1,40}\|\]"
    r"|<[|\uff5c][^|\uff5c<>\n]{1,40}[|\uff5c]>"
)
_STARTS = re.compile(_SPECIAL, re.IGNORECASE)
_ENDS = re.compile(rf"(?:{_SPECIAL})\Z", re.IGNORECASE)
_LONGEST_TOKEN = 50
_BOILERPLATE = re.compile(
    r"below is an instruction|a chat between|the following is a conversation", re.IGNORECASE
)

_ANSWERS = "response|output|answer|completion"
_USERS = r"(?:gpt4[ ]correct[ ])?user|human|prompter|usr|person|customer|student"
_ASSISTANTS = (
    r"(?:gpt4[ ]correct[ ]|ai[ ])?assistant|ai|bot|chatbot|chatgpt|gpt(?:-?\d[\w.]*)?|model|bard"
    "|bing|claude|gemini|falcon|agent|teacher|tutor|doctor"
)
_FAMILIES = [
    ("q|问", "a|答"),
    ("question|query", f"{_ANSWERS}|context"),
    ("instruction|prompt|task", f"{_ANSWERS}|input|context"),
    (_USERS, _ASSISTANTS),
]
"""The labels of a user, and those that go with them in one text."""


def _label(names: str) -> str:
    """Return a pattern for labels: at a line's start in any case, elsewhere with a capital."""
    return rf"(?:^[ \t]*|(?<=[\s>.!?])(?=[A-Z]))(?:\*\*)?((?i:{names}))[:\uff1a](?:\*\*)?"


_LABELS = [
    (
        re.compile(rf"\s*(?:<s>|\[Round \d+\])?\s*(?:\*\*)?(?i:{users}|system)[:\uff1a]"),
        re.compile(_label(f"{users}|{others}|system"), re.MULTILINE),
    )
    for users, others in _FAMILIES
]
_USER_LABEL = re.compile(_label(_USERS))
_LINE = r"""(?i)\s*(?:-[ ])?["'*]{{0,2}}(?:{})["'*]{{0,2}}[ ]*[:\uff1a]"""
_USERS_LINE = re.compile(_LINE.format("|".join(users for users, _ in _FAMILIES)))
_ANSWER_LINE = re.compile(_LINE.format(f"a|答|{_ANSWERS}|{_ASSISTANTS}"))


def read_rendered(text: str, *, is_answered: bool) -> list[Turn]:
    """Return the turns of a chat that a template made one text of; none for any other text.

    Args:
        text: the text.
        is_answered: whether the answer stands elsewhere: a text with labels is then a task, such
            as one with examples, unless it ends with the label of the assistant.
    """
    if not _MAY_MARK.search(text):  # most texts, soon seen
        return []
    marks = list(_MARK.finditer(text))
    turns = _turns(text, marks)
    roles = {turn.role for turn in turns}
    if "user" in roles and ("assistant" in roles or _begins_with(marks, text)):
        return turns
    boilerplate = _BOILERPLATE.match(text) and _USER_LABEL.search(text)
    start = boilerplate.start() if boilerplate else 0
    for begins, label in _LABELS[-1:] if is_answered else _LABELS:
        turns = _turns(text, list(label.finditer(text, start)) if begins.match(text, start) else [])
        if {"user", "assistant"} <= {turn.role for turn in turns}:
            return [] if is_answered and turns[-1].content else turns
    return []


def _begins_with(marks: list[re.Match[str]], text: str) -> bool:
    """Tell whether a text begins with a mark; a heading may begin any text."""
    if not marks or (marks[0][0].startswith("#") and not marks[0][0].endswith(":")):
        return False
    return not without_tokens(text[: marks[0].start()])


def without_tokens(text: str) -> str:
    """Return a text without the white space and special tokens around it."""
    text = text.strip()
    while token := _STARTS.match(text):
        text = text[token.end() :].lstrip()
    while token := _ENDS.search(text, max(0, len(text) - _LONGEST_TOKEN)):
        text = text[: token.start()].rstrip()
    return text


def spans_lines(text: str) -> bool:
    """Tell whether a chat goes over several lines: one of them answers a user of an earlier one."""
    asked = False
    for line in text.splitlines():
        turns = _turns(line, list(_MARK.finditer(line)))
        roles = {turn.role for turn in turns} if turns else {_labelled(line)}
        if asked and "assistant" in roles and "user" not in roles:
            return True
        asked = asked or "user" in roles
    return False


def _labelled(line: str) -> Role | None:
    if _USERS_LINE.match(line):
        return "user"
    return "assistant" if _ANSWER_LINE.match(line) else None


def _turns(text: str, marks: list[re.Match[str]]) -> list[Turn]:
    return list(_joined(_pieces(text, marks)))


def _pieces(text: str, marks: list[re.Match[str]]) -> Iterator[tuple[str, str]]:
    """Yield the name after each mark, and the text up to the next one."""
    if not marks:
        return
    before = without_tokens(text[: marks[0].start()])
    if before and not _BOILERPLATE.match(before):
        yield "system", before
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=True):
        name = str(mark[mark.lastindex or 0]).strip().lower()
        yield _NAMES.get(name, name), without_tokens(text[mark.end() : end])


def _joined(pieces: Iterator[tuple[str, str]]) -> Iterator[Turn]:
    """Yield the turns; an input belongs to the turn of the user before it."""
    held: Turn | None = None
    for name, said in pieces:
        if name.endswith(("analysis", "commentary")):  # what gpt-oss thinks before it answers
            continue
        if held and name in _INPUTS:
            held = held._replace(content=f"{held.content}\n{said}".strip())
            continue
        role = _LETTERS.get(name) or role_of(name)
        # Llama 2 has its system text inside the turn of the user, which is empty up to there.
        if held and (held.content or held.role != "user" or role == "assistant"):
            yield held
        held = Turn(role, name, said, f"the turn of {name!r}")
    if held:
        yield held
