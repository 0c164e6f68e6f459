"""The rules of a run: reads what a user says of rules, and applies those that are on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from evolinstruct.contamination import Items
from evolinstruct.elimination import plugins
from evolinstruct.elimination.builtin import (
    ANSWER_RULES,
    COMPARISON,
    POOL_RULES,
    REWRITE_RULES,
    RULES,
)
from evolinstruct.elimination.contamination import with_test_items
from evolinstruct.elimination.meaning import with_embedder
from evolinstruct.elimination.rule import Answer, Objection, Rewrite, Rule, RuleInfo
from evolinstruct.errors import RuleFailed, UsageError

RuleSetting = bool | Mapping[str, float]
"""What is said of one rule: on, off, or on with these parameters."""
_Check = Callable[[Any], str | None]


class RuleSet:
    """The rules that are on."""

    def __init__(self, rules: Iterable[tuple[RuleInfo, Mapping[str, float]]]) -> None:
        """Take the rules with their parameters, in the order in which they look."""
        self._rules = list(rules)
        self._checks: dict[str, list[tuple[Rule[Any], _Check]]] = {"rewrite": [], "answer": []}
        for rule, parameters in self._rules:
            if isinstance(rule, Rule):
                check = partial(rule.check, **parameters) if parameters else rule.check
                self._checks[rule.stage].append((rule, check))

    def find_objection(
        self, text: Rewrite | Answer, skips: Collection[str] = ()
    ) -> Objection | None:
        """Return the objection of the first rule that has one.

        Args:
            text: what the rules look at.
            skips: names of rules that do not apply to it.

        Raises:
            RuleFailed: a rule raised, or returned something that is no evidence.
        """
        stage = "rewrite" if isinstance(text, Rewrite) else "answer"
        for rule, check in self._checks[stage]:
            if rule.name in skips:
                continue
            try:
                evidence = check(text)
            except (Exception, SystemExit) as error:
                raise _raised(rule, error) from error
            if evidence is not None:
                return _objection(rule, evidence)
        return None

    def described(self) -> dict[str, dict[str, Any]]:
        """Return the parameters of each rule that is on: where they are equal, so are the rules."""
        return {
            rule.name: {**parameters, **({"digest": rule.digest} if rule.digest else {})}
            for rule, parameters in self._rules
        }


def _raised(rule: Rule[Any], error: BaseException) -> RuleFailed:
    found = f"{type(error).__name__}: {error}"
    return RuleFailed(rule.name, f"{_title(rule)} raised {found}; mend it, or leave it out.")


def _objection(rule: Rule[Any], evidence: object) -> Objection:
    if isinstance(evidence, str):
        return Objection(rule.name, evidence)
    raise RuleFailed(
        rule.name,
        f"{_title(rule)} returned {evidence!r}; a rule returns its evidence as text, or None.",
    )


def _title(rule: Rule[Any]) -> str:
    return rule.title or f"The rule {rule.name!r}"


def choose(
    settings: Mapping[str, RuleSetting],
    *,
    eliminate: bool = True,
    test_items: Items | None = None,
) -> RuleSet:
    """Return the rules of a run.

    Args:
        settings: what is said of rules, by name: a built-in rule's, that of an entry point of the
            group ``evolinstruct.rules``, or ``package.module:function``.
        eliminate: whether rules start as they are by default. Otherwise only the structural rules
            are on, and those for which test items are given.
        test_items: the test items to look for, if any.

    Raises:
        UsageError: a rule or a parameter is unknown, a parameter is out of range, a rule cannot be
            switched, or its test items are missing.
        InputError: the extra that a rule needs is not installed.
    """
    for name, setting in settings.items():
        _check_switch(find(name), setting)
    return RuleSet(_in_use(settings, eliminate, test_items))


def _in_use(
    settings: Mapping[str, RuleSetting], eliminate: bool, test_items: Items | None
) -> Iterator[tuple[RuleInfo, Mapping[str, float]]]:
    built_in: dict[str, RuleInfo] = {**REWRITE_RULES, **POOL_RULES, **ANSWER_RULES}
    further = {name: rule for name in settings if isinstance(rule := find(name), Rule)}
    for name, rule in {**built_in, **further}.items():
        is_eligible = test_items is not None if rule.looks_for_test_items else eliminate
        setting = settings.get(name, rule.structural or (is_eligible and rule.on))
        if setting is not False:
            given = {} if setting is True else setting
            yield _ready(rule, test_items), _parameters(rule, given)


def _ready(rule: RuleInfo, test_items: Items | None) -> RuleInfo:
    """Return a rule that is on with what it looks for, or compares by."""
    if rule.embeds:
        return with_embedder(rule)
    if not isinstance(rule, Rule) or not rule.looks_for_test_items:
        return rule
    if test_items is None:
        raise UsageError(
            f"The rule {rule.name} looks for test items, and none are given; name files of them"
            " with --against FILE."
        )
    return with_test_items(rule, test_items)


def _check_switch(rule: RuleInfo, setting: RuleSetting) -> None:
    if rule.name == COMPARISON and not isinstance(setting, bool):
        raise UsageError(f"The rule {rule.name} has no parameters; switch it on or off.")
    if rule.stage == "review":
        raise UsageError(
            f"The rule {rule.name} is what people decide in reviews/; --reviews applies it."
        )
    if rule.structural and setting is False:
        raise UsageError(
            f"The rule {rule.name} cannot be switched off: the run could not go on sensibly."
        )


def _parameters(rule: RuleInfo, given: Mapping[str, float]) -> dict[str, float]:
    """Return all parameters of a rule, with the given ones checked.

    Raises:
        UsageError: a parameter is unknown or out of range.
    """
    known = {parameter.name: parameter for parameter in rule.parameters}
    for name, value in given.items():
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UsageError(f"The rule {rule.name} has no parameter {name!r}; {has}.")
        parameter = known[name]
        if not parameter.least <= value <= parameter.most:
            raise UsageError(
                f"The rule {rule.name}: {name} must be from {parameter.least:g} to"
                f" {parameter.most:g} (given: {value:g})."
            )
    return {name: float(given.get(name, parameter.default)) for name, parameter in known.items()}


def find(name: str) -> RuleInfo:
    """Return the rule of that name, built in or not.

    Raises:
        UsageError: the rule is unknown; names similar ones.
    """
    return RULES[name] if name in RULES else plugins.find(name, tuple(RULES))


def parse_words(on: Sequence[str], off: Sequence[str]) -> dict[str, RuleSetting]:
    """Read the words of the command line into what is said of rules.

    Args:
        on: ``NAME``, ``NAME=VALUE`` (the rule's first parameter) or ``NAME.PARAMETER=VALUE``.
        off: names.

    Raises:
        UsageError: a rule is unknown, a value is not a number, or a rule is both on and off.
    """
    given: dict[str, dict[str, float]] = {}
    for word in on:
        name, parameter, value = _parts(word)
        given.setdefault(name, {})
        if parameter is not None:
            given[name][parameter] = value
    for name in off:
        find(name)
        if name in given:
            raise UsageError(f"The rule {name} is switched both on and off; leave out one of them.")
    return {**{name: each or True for name, each in given.items()}, **dict.fromkeys(off, False)}


def _parts(word: str) -> tuple[str, str | None, float]:
    named, equals, value = word.partition("=")
    name, parameter = _name_and_parameter(named, has_value=bool(equals))
    rule = find(name)
    if not equals:
        if parameter:
            raise UsageError(f"--rule {word}: a value is missing; write {word}=NUMBER.")
        return name, None, 0.0
    if not parameter and not rule.parameters:
        raise UsageError(f"--rule {word}: the rule {name} has no parameters.")
    try:
        return name, parameter or rule.parameters[0].name, float(value)
    except ValueError as error:
        raise UsageError(f"--rule {word}: {value!r} is not a number.") from error


def _name_and_parameter(words: str, *, has_value: bool) -> tuple[str, str]:
    """Divide ``NAME.PARAMETER``; in ``module:Class.function`` the dot is part of the name."""
    if ":" not in words:
        name, _, parameter = words.partition(".")
        return name, parameter
    name, _, parameter = words.rpartition(".")
    if ":" in name and has_value:
        with suppress(UsageError):
            find(words)
            return words, ""
        return name, parameter
    return words, ""
