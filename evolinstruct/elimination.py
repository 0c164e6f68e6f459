"""The rules that drop an evolution: texts in, evidence or None out.

Every rule is an entry of a table, and every rule's name, those that come with calls included, has
its meaning and its usual cause in `RULES`. Knows nothing of calls, files and settings: which rules
are on is the caller's choice, but for the structural ones, which hold always.

    "The paper" is WizardLM, arXiv 2304.12244, section 3.2.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a text is dropped.

    Attributes:
        rule: the name of the rule.
        evidence: what it saw, such as the words that matched.
    """

    rule: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What the rules for rewrites look at.

    Attributes:
        parent: the instruction that was to be evolved.
        child: what the model made of it, as read from its reply.
        phrases: the prompt pack's markers, lower-case, with or without their # signs.
    """

    parent: str
    child: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules for answers look at.

    Attributes:
        instruction: what was asked.
        response: what the model answered, reasoning left out.
    """

    instruction: str
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """What a user may know of a rule.

    Attributes:
        name: as it stands in the files.
        meaning: what it drops, in one sentence.
        cause: where many evolutions fall to it: the usual cause, and what to look at.
        structural: it is on whatever the settings say, as nothing sensible could follow.
    """

    name: str
    meaning: str
    cause: str
    structural: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(RuleInfo, Generic[Subject]):
    """A rule that needs no call.

    Attributes:
        check: returns the evidence, or None where the rule has no objection.
    """

    check: Callable[[Subject], str | None]


def judge_rewrite(rewrite: Rewrite, rules: Collection[str]) -> Verdict | None:
    """Return the verdict of the first rule that objects to a rewrite.

    Args:
        rewrite: the texts to judge.
        rules: names of the rules that are on, beside the structural ones.
    """
    return _judge(REWRITE_RULES, rewrite, rules)


def judge_answer(answer: Answer, rules: Collection[str]) -> Verdict | None:
    """Return the verdict of the first rule that objects to an answer.

    Args:
        answer: the texts to judge.
        rules: names of the rules that are on, beside the structural ones.
    """
    return _judge(ANSWER_RULES, answer, rules)


def rules_in_use(table: Mapping[str, RuleInfo], *, eliminate: bool) -> frozenset[str]:
    """Return the names of a table's rules that are on: all, or the structural ones alone."""
    return frozenset(name for name, rule in table.items() if eliminate or rule.structural)


def _judge(
    table: Mapping[str, Rule[Subject]], subject: Subject, rules: Collection[str]
) -> Verdict | None:
    for name, rule in table.items():
        if rule.structural or name in rules:
            evidence = rule.check(subject)
            if evidence is not None:
                return Verdict(name, evidence)
    return None


# Rewrites

_ASSISTANT = (
    r"as an? (?:\w+[ -]){0,3}(?:AI|language model|assistant|chatbot)\b(?: (?:language )?model"
    r"| assistant)?(?: (?:developed|created|trained|made) by \w+)?[, ]+"
)
_APOLOGY = (
    r"(?:(?:I(?:'m| am) )?(?:so |very |truly |really )?(?:sorry|afraid)|(?:my )?apologies"
    r"|I (?:sincerely )?apologi[sz]e|unfortunately|regrettably)[^.!?,;:\n]{0,40}[,.;:!—–-]?\s*"
    r"(?:but |however,? )?(?:that )?"
)
_CANNOT = (
    r"I(?:(?:'m| am) (?:just |really )?(?:unable|not able|not allowed|not permitted) to"
    r"| can(?:'t|not| not)| could(?:n't| not)| won't| will not| do(?:n't| not) feel comfortable"
    r"| must (?:respectfully )?(?:decline|refuse) to) (?:be able to )?"
)
_SERVE = (
    r"(?:help|assist|comply|fulfil+|rewrit[ei]|provid[ei]|creat[ei]|generat[ei]|produc[ei]|process"
    r"|answer|continue|engage|support|discuss|respond)(?:ng)?\b"
)
_WHAT = r"(?: (?:with|to|on|in|you))* (?:that|this|these|those|your|the|such|any|it)\b"
_REFUSAL = re.compile(
    rf"{_APOLOGY}(?:{_ASSISTANT})?(?:{_CANNOT}(?:{_SERVE}|(?:do|write|complete|offer|share)\b)"
    r"|I do(?:n't| not) (?:see|understand) (?:an?|any|the|your) (?:\w+ )?(?:prompt|instruction"
    r"|request)\b|there (?:is|was) no (?:prompt|instruction)\b)"
    rf"|{_ASSISTANT}I (?:can(?:'t|not| not)|do(?:n't| not)|am (?:unable|not able))\b"
    rf"|{_CANNOT}{_SERVE}{_WHAT}|(?:{_APOLOGY})?I (?:must|have to) (?:respectfully )?(?:decline"
    r"|refuse)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"(?:I|I'm|I'd|if|is there|it|its|this|that|these|such|let me|feel free|however|instead|perhaps"
    r"|as|my|thank|you|the|there|for|doing|please (?:let|provide|feel|try|ask|rephrase)"
    r"|(?:could|can|would) you (?:please )?(?:provide|share|give|send|rephrase|clarify|like))\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_REFUSAL_WORDS = 80


def _straight(text: str) -> str:
    return text.replace("’", "'")


def _unusable(rewrite: Rewrite) -> str | None:
    text = rewrite.child.strip()
    if not any(char.isalnum() or _means_something(char) for char in text):
        return "nothing is left"
    refusal = _REFUSAL.match(_straight(text[:2000]))
    if not refusal or len(text.split()) > _REFUSAL_WORDS:
        return None
    further = _SENTENCE_END.split(_straight(text)[refusal.end() :])[1:]
    return text[: refusal.end()] if all(map(_ASIDE.match, further)) else None


def _unchanged(rewrite: Rewrite) -> str | None:
    same = _normal(rewrite.child) == _normal(rewrite.parent)
    return "the same words as its parent" if same else None


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


_PAPER_PHRASES = (
    "given prompt",
    "rewritten prompt",
    "created prompt",
)


class _Leaks(NamedTuple):
    """Phrases in lower case, and the pattern that finds where they are leaks."""

    phrases: tuple[str, ...]
    pattern: re.Pattern[str]


@lru_cache(maxsize=64)
def _leaks(phrases: tuple[str, ...]) -> _Leaks:
    """Prepare to look for the paper's phrases and the pack's.

    A marker of one plain word, such as ``#Input#``, is everyday language without its # signs.
    """
    words = [phrase.strip(" #:*").lower().split() for phrase in (*_PAPER_PHRASES, *phrases)]
    words = [each for each in words if each]
    patterns = []
    for each in words:
        phrase = r"\s+".join(map(re.escape, each))
        patterns.append(rf"#\s*(?:the\s+)?{phrase}\s*#")
        if len(each) > 1 or not each[0].isascii():
            patterns.append(rf"(?<![A-Za-z0-9_]){phrase}(?![A-Za-z0-9_])")
    return _Leaks(tuple(map(" ".join, words)), re.compile("|".join(patterns), re.IGNORECASE))


def _leaked(rewrite: Rewrite) -> str | None:
    leaks = _leaks(rewrite.phrases)
    child = " ".join(rewrite.child.lower().split())
    if not any(phrase in child for phrase in leaks.phrases):
        return None  # most rewrites: no pattern needs to run
    known = {_normal(match[0]) for match in leaks.pattern.finditer(rewrite.parent)}
    for match in leaks.pattern.finditer(rewrite.child):
        if _normal(match[0]) not in known:
            return match[0]
    return None


# Answers

_STOP_WORDS = Path(__file__).parent / "data" / "stopwords_en.txt"
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\x00-\x7f]")
_SORRY = re.compile(r"\bsorry\b", re.IGNORECASE | re.ASCII)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")
_SORRY_WORDS = 80
_AROUND = 30  # characters


def _apologizes(answer: Answer) -> str | None:
    text = answer.response
    if "sorry" not in text.lower():
        return None
    sorry = _SORRY.search(text)
    if not sorry:
        return None
    words = len(_WORD.findall(text))
    if words >= _SORRY_WORDS:
        return None
    before = text[max(sorry.start() - _AROUND, 0) : sorry.start()]
    after = text[sorry.end() : sorry.end() + _AROUND]
    around = " ".join(f"{before}{sorry[0]}{after}".split())
    return f'"{around}" in an answer of {words} words'


@cache
def _stop_words() -> frozenset[str]:
    lines = _STOP_WORDS.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _empty(answer: Answer) -> str | None:
    """Look for a word that is no stop word, or a sign beyond ASCII, as an emoji: that is content.

    So "B" (of a multiple choice), "42", "x" and "👍" are answers; a lone "A" or "I" is not.
    """
    stop_words = _stop_words()
    for token in _TOKEN.finditer(_straight(answer.response)):
        word = token[0].lower()
        if word not in stop_words and (word[0].isalnum() or _means_something(word[0])):
            return None
    text = " ".join(answer.response.split())
    return f'only stop words and punctuation: "{text}"' if text else "nothing is left"


def _means_something(char: str) -> bool:
    """Tell whether a sign that is no letter stands for something: an emoji, ∞ or €, not "…"."""
    return char > "\x7f" and unicodedata.category(char).startswith("S")


# The tables: a rule's place is its turn

_T = TypeVar("_T", bound=RuleInfo)


def _table(*rules: _T) -> Mapping[str, _T]:
    return MappingProxyType({rule.name: rule for rule in rules})


REWRITE_RULES: Mapping[str, Rule[Rewrite]] = _table(
    Rule(
        name="rewrite_unusable",
        meaning="Nothing is left of the rewrite after reading it, or it is a bare refusal.",
        cause="the model refuses or replies with nothing but reasoning: look at the raw replies, "
        "raise --max-tokens or try another model",
        structural=True,
        check=_unusable,
    ),
    Rule(
        name="unchanged",
        meaning="The rewrite equals its parent but for white space and case.",
        cause="the model repeats its input: it is too small for the prompts, or its temperature is "
        "too low",
        structural=True,
        check=_unchanged,
    ),
    Rule(
        name="prompt_leaked",
        meaning="The rewrite holds words of the prompt that its parent does not hold (paper, 4).",
        cause="the model copies the prompt's labels: look at the raw replies, and at the pack's "
        "markers if the pack is your own",
        check=_leaked,
    ),
)
"""The rules for rewrites, in the order in which they are asked; further rules are entries here."""

ANSWER_RULES: Mapping[str, Rule[Answer]] = _table(
    Rule(
        name="response_apologizes",
        meaning='The answer contains "sorry" and has fewer than 80 words (paper, 2).',
        cause="the instructions ask for what the model cannot or will not do: read some of them, "
        "or let another model answer",
        check=_apologizes,
    ),
    Rule(
        name="response_empty",
        meaning="The answer is only punctuation and stop words (paper, 3).",
        cause="the model answers with nothing, or its whole reply is reasoning: look at the raw "
        "replies and raise --max-tokens for answers",
        check=_empty,
    ),
)
"""The rules for answers, in the order in which they are asked; further rules are entries here."""

RULES: Mapping[str, RuleInfo] = _table(
    RuleInfo(
        name="refused_by_service",
        meaning="The service will not process the instruction or its evolution.",
        cause="a content filter stands before the model: look at the evidence and at the seeds, or "
        "use another service",
    ),
    RuleInfo(
        name="too_long",
        meaning="The instruction does not fit into the model's context.",
        cause="seeds or evolved instructions are very long: use a model with a larger context, or "
        "lower --max-tokens",
    ),
    RuleInfo(
        name="truncated",
        meaning="The reply was cut off at its limit of tokens.",
        cause="the limit is too low for the model, most of all for one that reasons: raise "
        "--max-tokens",
    ),
    *REWRITE_RULES.values(),
    RuleInfo(
        name="no_information_gain",
        meaning="The model finds the rewrite equal to its parent (paper, 1).",
        cause="the rewrites add nothing, or the comparing model calls everything equal: read some "
        "pairs, and try another model for compare",
    ),
    *ANSWER_RULES.values(),
)
"""Every rule that a rejected line may name, those that come with calls included."""
