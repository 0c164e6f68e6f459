"""Own text of a reply: what is left without that which a model or its server put around it.

That is reasoning before the reply, tokens of chat templates with the turns behind them, and a tag
that says "this is the answer". What was asked may have any of these as its subject, and code may
hold them: there they are text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

# Reasoning before the reply

_THINKS = r"(?:\w{1,20}[:_])?(?:think(?:ing)?|thoughts?)"
_REASONS = (
    r"reason(?:ing)?|analysis|scratch_?pad|(?:inner_?|internal_?)?monologue|reflection"
    r"|deliberation|chain_?of_?thought|cot"
)
_TAG = re.compile(  # begins with the sign, because tags of other names are many in data
    r"[<◁\[](?:(?<!\[)(?:(?<=<)\|)?(?=[/\w])(?P<end>/|end_?(?:of_?)?)?(?:begin_?of_?|start_?)?"
    rf"(?P<name>{_THINKS}|(?:\w{{1,20}}[:_])?(?:{_REASONS}))(?:\s[^<>\n]{{0,200}})?(?:\|?>|▷)"
    r"|(?<=\[)(?P<slash>/)?(?P<upper>THINK(?:ING)?|REASONING|THOUGHT)\])",
    re.IGNORECASE,
)
_THINKING = re.compile(_THINKS, re.IGNORECASE)
_BLOCKS = tuple(
    (re.compile(opening, re.IGNORECASE), re.compile(closing, re.IGNORECASE))
    for opening, closing in (
        (r"<\|channel>\s*(?:thought|analysis)\b", r"<channel\|>"),
        (r"<unused\d+>\s*thought\b", r"<unused\d+>"),
        (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),
        (
            r"<details\b(?:[^>\n]*\btype=[\"']?reasoning[^>\n]*>|[^>\n]*>\s*<summary>[^<\n]{0,40}"
            r"\b(?:think|thought|reason))",
            r"</details>",
        ),
        (r"[`~]{3}(?:think|reason)\w*[ \t]*\n", r"\n[`~]{3}[ \t]*(?:\n|\Z)"),
        (r"thinking(?:\.\.\.|…)[ \t]*\n", r"\n[ \t.…]*done thinking[.…]*[ \t]*(?:\n|\Z)"),
        (r"here(?:'s| is) my thought process:", r"\nhere(?:'s| is) my (?:response|answer):"),
    )
)
_CHANNEL = re.compile(r"\s*(?:<\|start\|>\s*assistant\s*)?<\|channel\|>", re.IGNORECASE)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final\b[^<]{0,80}<\|message\|>", re.IGNORECASE)
# The same with its tokens swallowed: "analysisThe user wants…assistantfinalHere it is".
_BARE_CHANNEL = re.compile(r"\s*(?:analysis|commentary)(?=[A-Z\W])")
_GLUED_CHANNEL = re.compile(r"\s*analysis[A-Z][a-z'’ ]")
_BARE_FINAL = re.compile(r"assistant\s?(?:commentary[\s\S]*?assistant\s?)?final")

_MOST_BLOCKS = 8
_THINK_TAG = re.compile(r"<think(?:ing)?>|\bthink(?:ing)?[ -]tags?\b", re.IGNORECASE)


def without_reasoning(text: str, asked: str) -> str:
    """Return the text without the reasoning before it; empty where reasoning never ends."""
    for _ in range(_MOST_BLOCKS):
        rest = _without_block(text, asked)
        if rest == text:
            break
        text = rest.lstrip()
    return text


def _without_block(text: str, asked: str) -> str:
    if _CHANNEL.match(text):
        finals = list(_FINAL_CHANNEL.finditer(text))
        return text[finals[-1].end() :] if finals else ""
    if _BARE_CHANNEL.match(text) and (final := _BARE_FINAL.search(text)):
        return text[final.end() :]
    if _GLUED_CHANNEL.match(text):
        return ""
    start = len(text) - len(text.lstrip())
    for opening, closing in _BLOCKS:
        if begun := opening.match(text, start):
            ended = closing.search(text, begun.end())
            return text[ended.end() :] if ended else ""
    return _without_tagged(text, asked) if "<" in text or "[" in text or "◁" in text else text


def _without_tagged(text: str, asked: str) -> str:
    """Take off blocks in tags, or all up to a closing tag that was never opened.

    Some servers swallow the opening tag. Tags inside a text (an XML example, a tag named in
    backticks) belong to the text.
    """
    start, inside, is_subject = 0, "", False
    for tag in _TAG.finditer(text):
        is_subject = is_subject or _THINK_TAG.search(asked) is not None
        closing, name = bool(tag["end"] or tag["slash"]), (tag["name"] or tag["upper"]).lower()
        if inside and not (closing and name == inside):
            continue
        is_asked_for = tag[0] in asked
        if closing:
            if not inside and (_is_mentioned(text, tag) or is_asked_for or is_subject):
                break
            start, inside = tag.end(), ""
        elif text[start : tag.start()].strip() or (is_asked_for and not _THINKING.match(name)):
            break
        elif is_subject and text[tag.end() : tag.end() + 1] != "\n":
            break  # where tags are the subject, a text may begin with one
        else:
            inside = name
    if inside:
        return ""
    return text[start:] if start else text


def _is_mentioned(text: str, found: re.Match[str]) -> bool:
    """Tell whether a tag or a token is only spoken of: quoted, or in the midst of a sentence."""
    begin = max(found.start() - 2, 0)
    return _is_quoted(text, found) or bool(_IN_A_SENTENCE.match(text, begin, found.end() + 3))


def _is_quoted(text: str, found: re.Match[str]) -> bool:
    """Tell whether a backtick or a quotation mark stands before a tag or a token."""
    return _QUOTE_BEFORE.search(text, max(found.start() - 2, 0), found.start()) is not None


_QUOTE_BEFORE = re.compile(r"(?:\A|[^`])`\Z|[\"'“‘]\Z")
_IN_A_SENTENCE = re.compile(r"[\w,:] [<\[].*[>\]](?:[^\W\d_A-Z]|[,.]? [^\W\d_A-Z])", re.DOTALL)


# Tokens of chat templates, and the turns behind them

_TOKEN = re.compile(
    r"<\|[A-Za-z][\w ./-]{1,40}\|?>|<[｜|][^\s<>|｜][^<>\n|｜]{1,40}[｜|]>|\[\|\w{2,30}\|\]"
    r"|<(?:start|end)_of_(?:turn|text|utterance)>|<turn\|>|\[/?INST\]|<</?SYS>>|</s>"
    r"|<(?:eos|eod|bos|EOT|eot|sop|_user|_bot|_end|end_of_sentence|extra_id_\d+|reserved_\d+)>"
    r"|\[(?:EOS|gMASK|sMASK|e~\[)\]"
)
_LEADING = re.compile(
    rf"\s*(?:(?:{_TOKEN.pattern}|<s>|<pad>)\s*(?:(?:assistant|model|bot)\b[ \t:]*(?=[\n<\[]))?\s*)+"
)
_GLUED_ROLE = re.compile(r"(?<=[^\s'’-])assistant[ \t]*\n[ \t]*\n\s*(?=\S)")


def _without_leading_tokens(text: str, asked: str) -> str:
    leading = _LEADING.match(text)
    if leading is None or any(token in asked for token in _TOKEN.findall(leading[0])):
        return text
    return text[leading.end() :]


def without_later_turns(text: str, asked: str) -> str:
    """Return the text up to the first token of a chat template: what follows is another turn."""
    may_hold_tokens = "<" in text or "[" in text
    before = _before_token(text, asked) if may_hold_tokens else None
    if before is None and "assistant" in text and not _GLUED_ROLE.search(asked):
        before = next((text[: role.start()] for role in _outside_code(_GLUED_ROLE, text)), None)
    if before is None or (may_hold_tokens and _ABOUT_TEMPLATES.search(asked)):
        return text
    return before


def _before_token(text: str, asked: str) -> str | None:
    struck_out = text.find("<s>")  # HTML
    first = _TOKEN.search(text)
    if first and _is_quoted(text, first):
        return None  # where one is spoken of, others may be
    for token in _outside_code(_TOKEN, text):
        is_html = token[0] == "</s>" and -1 < struck_out < token.start()
        if token[0] not in asked and not is_html:
            return text[: token.start()].rstrip()
    return None


_ABOUT_TEMPLATES = re.compile(
    r"chat[ -]?(?:template|ml\b|format)|chatml|special tokens?|tokeni[sz]er|<\||\[/?INST\]"
    r"|<(?:start|end)_of_turn>|prompt (?:format|template)",
    re.IGNORECASE,
)


def _outside_code(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield what is found in no fence, and neither after a backtick nor a quotation mark."""
    fences, seen = 0, 0
    for found in pattern.finditer(text):
        fences, seen = fences + text.count("```", seen, found.start()), found.start()
        if fences % 2 == 0 and not _is_mentioned(text, found):
            yield found


_ABOUT_TURNS = (
    r"dialog|conversation|\bchat|transcript|interview|script|\bhuman\b|\busers?\b|assistant"
    r"|gespräch|asistente|usuari[oa]|conversa|entretien|utilisateur|nutzer|benutzer"
    r"|диалог|пользовател|ассистент|对话|聊天|用户|助手|会話|ユーザー|대화|사용자|حوار|محادثة|المستخدم"
)
_TURNS_ARE_SUBJECT = re.compile(_ABOUT_TURNS, re.IGNORECASE)
_ASKS_FOR_TURNS = re.compile(
    rf"{_ABOUT_TURNS}|instruction|\bprompt|response|q\s?&\s?a|\bfaqs?\b|flash ?cards|quiz"
    r"|questions|pregunt|pergunt|вопрос|问题|質問|질문|سؤال",
    re.IGNORECASE,
)
_HASHED = r"[ \t]*#{2,4} ?(?:human|user|assistant|instruction|response|system) ?:"
_USER = (
    r"(?:human|user|nutzer|benutzer|utilisateur|usuario|usuário|utente|пользователь|用户|使用者|ユーザー"
    r"|사용자|المستخدم)"
)
_ASKING = rf"(?:[ \t]*\**(?:{_USER} ?[:：]|(?:question|q) ?:)|(?<=\n\n)(?:human|user)[ \t]*\n)"
_HASHED_TURN = re.compile(f"^{_HASHED}", re.IGNORECASE | re.MULTILINE)
_ASKING_TURN = re.compile(f"^{_ASKING}", re.IGNORECASE | re.MULTILINE)
_LATER_TURN = re.compile(rf"\n(?:{_HASHED}|{_ASKING})", re.IGNORECASE)
"""Found much faster than the beginnings of lines, and in few texts."""
_OF_USER = re.compile(rf"\W*{_USER}\b", re.IGNORECASE)
_ANSWERING_TURN = re.compile(
    r"^[ \t]*\**(?:(?:assistante?|ai|bot|chatgpt|gpt|answer|a|assistent|asistente|assistente"
    r"|ассистент|助手|アシスタント|어시스턴트|المساعد) ?[:：]|assistant[ \t]*\n)",
    re.IGNORECASE | re.MULTILINE,
)


def find_next_turn(text: str, asked: str) -> str | None:
    """Return the line at which a text goes on as a dialogue nobody asked for, if it does.

    Args:
        text: the own text of a reply.
        asked: what it replies to.
    """
    if ":" not in text and "：" not in text and "\nuser" not in text:
        return None
    if not _LATER_TURN.search(text) or _ASKS_FOR_TURNS.search(asked):
        return None
    # A dialogue from the start is the text itself; one that follows a text is another turn.
    for pattern in (_HASHED_TURN, _ASKING_TURN):
        found = next(_outside_code(pattern, text), None)
        before = text[: found.start()].rstrip() if found else ""
        if found is None or not before or before.endswith((":", "：")):
            continue
        is_turn = pattern is _HASHED_TURN or _ANSWERING_TURN.search(text, found.end())
        subject = _TURNS_ARE_SUBJECT if _OF_USER.match(found[0]) else _ASKS_FOR_TURNS
        if is_turn and not subject.search(before):
            return found[0].strip()
    return None


# A wrapper around the whole

_WHOLE = "answer|final_?answer|final|response|output|result|solution|reply|completion"
_WHOLE_TAG = re.compile(rf"\s*<({_WHOLE})>\s*(.*?)\s*</\1>\s*", re.IGNORECASE | re.DOTALL)
_IS_WHOLE = re.compile(f"{_WHOLE}|text|content|message")
_JSON_FENCE = re.compile(r"\s*```(?:json)?[ \t]*\n(.*)\n```\s*", re.DOTALL)


def _without_answer_tag(text: str, asked: str) -> str:
    whole = _WHOLE_TAG.fullmatch(text) if text.lstrip().startswith("<") else None
    if whole is None or f"<{whole[1]}" in asked or f"</{whole[1]}>" in whole[2]:
        return text
    return whole[2]


def whole_object(text: str) -> dict[str, object]:
    """Return the fields of a JSON object that is all of the text, maybe in a fence; else none."""
    fenced = _JSON_FENCE.fullmatch(text)
    bare = (fenced[1] if fenced else text).strip()
    if not (bare.startswith("{") and bare.endswith("}")):
        return {}
    try:
        found = json.loads(bare, strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def own_text(reply: str, asked: str = "") -> str:
    """Return the text of a reply without that which a model or its server put around it.

    Args:
        reply: the reply as it came.
        asked: what it replies to: a tag or a token that stands there is a part of the subject.

    Returns:
        The text; empty where the reply is nothing but reasoning or tokens.
    """
    text = without_reasoning(reply, asked)
    if "<" in text or "[" in text:
        bare = _without_leading_tokens(text, asked)
        if bare != text:
            text = _without_leading_tokens(without_reasoning(bare, asked), asked)
        text = _without_answer_tag(text, asked)
    return without_later_turns(text, asked)


def read_answer(reply: str, asked: str) -> str:
    """Return the answer in a reply, without white space around it.

    Args:
        reply: the reply as it came.
        asked: the instruction that it answers.
    """
    text = own_text(reply, asked).strip()
    if text[:1] in ("{", "`") and "json" not in asked.lower() and "{" not in asked:
        fields = whole_object(text)
        name = next(iter(fields), "")
        value = fields.get(name)
        if len(fields) == 1 and isinstance(value, str) and _IS_WHOLE.fullmatch(name.lower()):
            text = value.strip()
    return text
