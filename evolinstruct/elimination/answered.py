"""Rules for rewrites that answer: what they should rewrite, or what they ask themselves."""

from __future__ import annotations

import re
from bisect import bisect

from evolinstruct.elimination.request import asks, begins_with_order
from evolinstruct.elimination.rule import Parameter, Rewrite, Rule
from evolinstruct.languages import is_english
from evolinstruct.prose import count_prose
from evolinstruct.text import on_one_line, shorten
from evolinstruct.words import count_words, split_words, stop_words

# The parent's answer

_SAME_START = 12  # characters: a rewrite that begins as its parent does asks what it asks
_LOOKED_AT = 20_000  # characters
_ENOUGH = 5  # words of the known answer that the parent does not have
_TITLE_WORDS = 6
_SHOWN = 60  # characters of evidence
_STATES = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|may|it|they|he|she|we)\b|n't\b|'s\b",
    re.IGNORECASE,
)
"""Words of statements."""
_SENTENCES = re.compile(r"[.!?]\s+\S")
"""The end of one sentence before another."""


def _answers_parent(rewrite: Rewrite, *, share: float = 0.6) -> str | None:
    parent, child = rewrite.parent[:_LOOKED_AT], rewrite.child[:_LOOKED_AT]
    if child.startswith(parent[:_SAME_START]) or begins_with_order(child):
        return None  # most rewrites
    if _is_letter(child) and not _SALUTATION.search(parent):
        return f'it is a letter: "{on_one_line(child, _SHOWN)}"'
    if _is_code(child) and not _CODE_START.match(parent):
        return f'it is code: "{on_one_line(child, _SHOWN)}"'
    if asks(child):
        return None
    if (
        rewrite.output
        and (kept := _share_of_answer(rewrite.output[:_LOOKED_AT], parent, child)) >= share
    ):
        return f"it asks nothing, and has {kept:.0%} of the words of the parent's answer"
    # Requests are known in English alone.
    is_told = asks(parent) and is_english(parent) and is_english(child) and not _is_title(child)
    return f'it asks nothing: "{on_one_line(child, _SHOWN)}"' if is_told else None


def _share_of_answer(answer: str, parent: str, child: str) -> float:
    """Return how many of the answer's words of content that the parent lacks the child has."""
    words = _content(answer) - _content(parent)
    return len(words & _content(child)) / len(words) if len(words) >= _ENOUGH else 0.0


def _content(text: str) -> set[str]:
    words = {word.strip(".,;:!?\"'`*()[]") for word in split_words(text.lower())}
    return words - stop_words() - {""}


_SALUTATION = re.compile(
    r"^\W{0,3}(?:subject|betreff|objet|asunto|assunto|oggetto|тема|主题|件名|제목|الموضوع) ?[:：]"
    r"|^\W{0,3}(?:dear|hi|hello|sehr geehrte\w*|liebe\w*|cher|chère|estimad\w|querid\w|prezad\w"
    r"|car\w|gentile|дорог\w+|уважаем\w+|尊敬的|亲爱的)\b[^.?\n]{0,60}[,!:，：]\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_NAME_WORDS = 5
_CODE_START = re.compile(
    r"(?:```\w*\n)?(?:def|class|function|import|from|#include|public|const|let|var|SELECT|package)\b"
)
_MOST_PROSE = 0.4  # of the words of code, in its comments


def _is_code(text: str) -> bool:
    """Tell whether a text is code from its first line on, and nothing but its comments is prose."""
    if not _CODE_START.match(text) or "\n" not in text or "?\n" in text:
        return False
    return count_prose(text) <= _MOST_PROSE * count_words(text)


def _is_letter(text: str) -> bool:
    """Tell whether a text is a letter down to the name under it, and asks nothing."""
    if "?" in text or "？" in text:
        return False  # some write to an assistant as to a person
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if len(lines) < 3 or not _SALUTATION.match(lines[0]):  # noqa: PLR2004 - a salutation, words, a name
        return False
    last = lines[-1]
    return len(last.split()) <= _NAME_WORDS and last[-1] not in "?？:：" and "[" not in last


def _is_title(text: str) -> bool:
    """Tell whether a text is like a heading, which may ask for what it names."""
    line = text.strip()
    if "\n" in line or len(line.split()) < _TITLE_WORDS:
        return False
    return not _STATES.search(line) and not _SENTENCES.search(line)


# The answer given away

_ANSWER = (
    r"(?:(?:the |sample |model |correct |expected |final |suggested |possible |example )*"
    r"(?:answer|solution|response|output)|(?:muster|beispiel)?(?:antwort|lösung)"
    r"|(?:exemple de )?(?:réponse|solution)|(?:ejemplo de )?(?:respuesta|solución)"
    r"|(?:exemplo de )?(?:resposta|solução)|(?:esempio di )?(?:risposta|soluzione)"
    r"|(?:пример )?(?:ответ|решени)[еа]?|(?:示例|参考)?(?:答案|回答)|解|回答例?|解答例?"
    r"|答え|정답|답변|답"
    r"|الجواب|الإجابة)"
)
_LABELS = (
    rf"(?:[ \t]*【{_ANSWER}】(?=\s*\S)|[ \t#*_>]*{_ANSWER}[ \t#*_]*[:：][ \t*_]*(?=\S|\n+[ \t]*\S)"
    rf"|[ \t]*(?:#{{1,6}}[ \t]*[*_]{{0,2}}|\*\*|__){_ANSWER}[*_]{{0,2}}[ \t]*\n(?=\s*\S))"
)
_LABEL = re.compile(f"^{_LABELS}", re.IGNORECASE | re.MULTILINE)
_LATER_LABEL = re.compile(f"\n{_LABELS}")
"""In lower case, found much faster than the beginnings of lines, and in few texts."""
_OF_AN_ANSWER = re.compile(
    r"\b(?:the|this|that|these|those|each|given|following|student'?s?|candidate|two|wrong|incorrect"
    r"|whether|an?|its|his|her|their|my|your|our|one|both|support\w*|customer\w*|grade|score|rate"
    r"|critique|evaluate|proofread|review|edit|rewrite|improve|rephrase|translate|correct)\s+"
    r"(?:\w+\s+){0,3}?(?:answers?|solutions?|responses?|outputs?|repl(?:y|ies))\b"
    r"|\b(?:examples?|format|template|dialogue|interview|transcript|q\s*&\s*a|beispiele?|ejemplos?"
    r"|exemples?|exemplos?|пример\w*|формат\w*|диалог\w*)\b"
    r"|^[ \t#*_>]*(?:q|question|input|example|frage|pregunta|pergunta|вопрос|質問|問|질문"
    r"|سؤال|السؤال)\s*\d*\s*[:.：]|例|예시|형식|مثال|أمثلة|صيغة|格式|形式|判断|採点|添削"
    r"|(?:次|以下|この)の?回答|채점"
    r"|评价|评估|改写|下面的(?:答案|回答)|以下(?:答案|回答)",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWER_NOUN = re.compile(
    r"\b(?:answer|solution|response|antwort|lösung|réponse|respuesta|resposta|risposta|ответ|решени"
    r"|grade|review|mark)|回答|答案|解答|답변",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    rf"[(（\[]{_ANSWER} ?[:：][^()（）\n]{{1,200}}[)）\]]\W{{0,3}}\Z", re.IGNORECASE
)
"""The answer in brackets, at the end."""
_LONGEST_ASIDE = 250
_CARRIED_OUT = re.compile(
    r"\n\n\W{0,3}(?:here(?:'s| is| are)|below is) [^.:\n]{0,60}\b(?:(?:that|which) (?:meets?|fits?"
    r"|satisf(?:y|ies)|follows?|fulfils?) (?:these|those|the|all|your)|(?:sample|example|possible"
    r"|model) (?:answer|solution|response))\b[^.:\n]{0,60}:\s*\S"
    rf"|\n\n\W{{0,3}}(?:voici|voilà|hier (?:ist|kommt)|aquí (?:está|tienes|va)|aqui está|ecco|вот) "
    rf"(?:[^\s.:]+ ){{0,3}}{_ANSWER}\b[^.:\n]{{0,40}}:\s*\S"
)
"""What says, in lower case, that the rewrite is carried out below."""
_THE_ANSWER_IS = re.compile(
    r"[.?!。？]\s+(?:the (?:correct )?answer is|die antwort lautet|la réponse est|la respuesta es"
    r"|a resposta é|la risposta è|ответ таков|答案是|答えは|정답은|الإجابة هي) ?[:：]\s*\S"
)
_CARRIED_OUT_HINTS = (
    *("\n\nhere", "\n\nbelow", "\n\n**here", "\n\nvoici", "\n\nvoilà", "\n\nhier", "\n\naqu"),
    *("\n\necco", "\n\nвот"),
)
_ANSWER_IN_LINE = re.compile(rf"[.?。？؟]\s+(?P<label>{_ANSWER} ?[:：])(?=\s*\S)", re.IGNORECASE)
_WORKED_OUT = 600  # characters between a question and its answer
_ANSWER_HINTS = (
    *("answer is", "lautet", "réponse est", "respuesta es", "resposta é", "risposta è"),
    *("ответ таков", "答案是", "答えは", "정답은", "الإجابة هي"),
)
_BLANK = re.compile(r"[\W_]*(?:\[[^\]]*\]|<[^>]*>|\{[^}]*\})?[\W_]*\Z")
_KEYS = re.compile(r"(?:^[ \t]*(?:- )?[\w.-]+:(?:[ \t].*)?(?:\n|\Z)){3,}", re.MULTILINE)
"""Lines of data with keys, such as YAML."""


def _labels(text: str) -> list[re.Match[str]]:
    """Return the labels in a text, except those in a fence and lower-case keys of data."""
    labels = list(_LABEL.finditer(text))
    found, fences, seen = [], 0, 0
    blocks = [block.span() for block in _KEYS.finditer(text)] if labels else []
    for label in labels:
        fences, seen = fences + text.count("```", seen, label.start()), label.start()
        start, end = blocks[bisect(blocks, (seen, len(text))) - 1] if blocks else (0, 0)
        is_key = start <= seen < end and label[0].islower()
        if fences % 2 == 0 and not is_key:
            found.append(label)
    return found


def _asks_below(answer: str) -> bool:
    """Tell whether what stands below an answer asks for something about it."""
    _, blank_line, last = answer.rstrip().rpartition("\n\n")
    return bool(blank_line) and (
        last.endswith(("?", "？")) or _ANSWER_NOUN.search(last) is not None
    )


def _holds_answer(rewrite: Rewrite) -> str | None:
    said = (
        _answer_aside(rewrite)
        or _announced(rewrite.lower)
        or _answered_in_line(rewrite)
        or _labelled_answer(rewrite)
    )
    return shorten(" ".join(said.split()), _SHOWN) if said else None


def _answer_aside(rewrite: Rewrite) -> str | None:
    """Return an answer in brackets, at the end."""
    child = rewrite.child
    if not child[-2:].endswith((")", ").", "）", "]")) or "(" in rewrite.parent:
        return None
    aside = _ASIDE.search(child, max(len(child) - _LONGEST_ASIDE, 0))
    return aside[0].strip() if aside else None


def _announced(lower: str) -> str | None:
    """Return the words in a text, in lower case, that say that its answer follows."""
    if any([hint in lower for hint in _CARRIED_OUT_HINTS]):  # noqa: C419 - faster, and runs on every rewrite
        said = _CARRIED_OUT.search(lower)
    elif any([hint in lower for hint in _ANSWER_HINTS]):  # noqa: C419 - the same
        said = _THE_ANSWER_IS.search(lower)
    else:
        return None
    return said[0] if said else None


def _answered_in_line(rewrite: Rewrite) -> str | None:
    """Return the answer to a question, under a label in the line of the question."""
    child = rewrite.child
    asked = max(map(child.rfind, "?？؟"))  # of an answer, nothing is asked
    found = _ANSWER_IN_LINE.search(child, asked, asked + _WORKED_OUT) if asked >= 0 else None
    if found is None or _BLANK.match(child, found.end()):
        return None
    start = found.start("label")
    about_one = _OF_AN_ANSWER.search(child[:start]) or _LABEL.search(rewrite.parent)
    return None if about_one else child[start:]


def _labelled_answer(rewrite: Rewrite) -> str | None:
    """Return the answer under a label in a line of its own, at the end."""
    child = rewrite.child
    if not _LATER_LABEL.search(rewrite.lower):
        return None
    labels = _labels(child)
    if not labels or not child[: labels[0].start()].strip():
        return None
    after = child[labels[-1].end() :]
    about_one = _OF_AN_ANSWER.search(child[: labels[0].start()])
    if about_one or _BLANK.match(after) or _LABEL.search(rewrite.parent) or _asks_below(after):
        return None
    return child[labels[-1].start() :]


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="holds_answer",
        meaning="The rewrite ends in its own answer, under a label that its parent does not have.",
        cause="the model answers what it should rewrite: read some of the raw replies",
        stage="rewrite",
        check=_holds_answer,
    ),
    Rule(
        name="answers_parent",
        meaning="The rewrite asks nothing, although its parent does or although its parent's answer"
        " is known: it answers the parent.",
        cause="the model answers what it should rewrite: read some of the raw replies; a larger"
        " model keeps to the prompt",
        stage="rewrite",
        parameters=(
            Parameter("share", 0.6, 0.1, 1, "the share of the known answer's words that is enough"),
        ),
        check=_answers_parent,
    ),
)
"""In the order in which they look."""
