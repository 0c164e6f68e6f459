"""The rules of a run: which are on, with which settings.

Turns what a user said into a set of rules that judges texts. Knows the rules that come along and
how others are found. Knows nothing of recipes, calls and files.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from evolinstruct.contamination import Items
from evolinstruct.elimination import contamination as surfaced
from evolinstruct.elimination import plugins as own
from evolinstruct.elimination.builtin import (
    ANSWER_RULES,
    COMPARISON,
    POOL_RULES,
    REWRITE_RULES,
    RULES,
)
from evolinstruct.elimination.rule import Answer, Objection, Rewrite, Rule, RuleInfo
from evolinstruct.errors import RuleFailed, UsageError

RuleSetting = bool | Mapping[str, float]
"""What is said of one rule: on or off, or on with settings."""
_Check = Callable[[Any], str | None]


class RuleSet:
    """The rules that are on; judges rewrites and answers."""

    def __init__(self, rules: Iterable[tuple[RuleInfo, Mapping[str, float]]]) -> None:
        """Take the rules with their settings, in the order in which they are asked."""
        self._rules = list(rules)
        self._checks: dict[str, list[tuple[str, _Check]]] = {"rewrite": [], "answer": []}
        for rule, settings in self._rules:
            if isinstance(rule, Rule):
                self._checks[rule.stage].append((rule.name, partial(rule.check, **settings)))

    def judge_rewrite(self, rewrite: Rewrite) -> Objection | None:
        """Return the verdict of the first rule that objects to a rewrite.

        Raises:
            RuleFailed: a rule raised, or returned what is no evidence.
        """
        return _judge(self._checks["rewrite"], rewrite)

    def judge_answer(self, answer: Answer) -> Objection | None:
        """Return the verdict of the first rule that objects to an answer.

        Raises:
            RuleFailed: a rule raised, or returned what is no evidence.
        """
        return _judge(self._checks["answer"], answer)

    def described(self) -> dict[str, dict[str, Any]]:
        """Return the settings of each rule that is on: two sets with equal ones judge alike."""
        return {
            rule.name: {**settings, **({"digest": rule.digest} if rule.digest else {})}
            for rule, settings in self._rules
        }


def _judge(checks: Sequence[tuple[str, _Check]], subject: Rewrite | Answer) -> Objection | None:
    for name, check in checks:
        try:
            evidence = check(subject)
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            raise RuleFailed(
                name, f"The rule {name} raised {found}; mend it, or leave it out."
            ) from error
        if evidence is not None:
            if not isinstance(evidence, str):
                raise RuleFailed(
                    name,
                    f"The rule {name} returned {evidence!r};"
                    " a rule returns its evidence as text, or None.",
                )
            return Objection(name, evidence)
    return None


def choose(
    wishes: Mapping[str, RuleSetting], *, eliminate: bool = True, against: Items | None = None
) -> RuleSet:
    """Return the rules that a run is to have.

    Args:
        wishes: what is said of rules, by name; a name that is not built in is that of an entry
            point of the group ``evolinstruct.rules``, or ``module:function``.
        eliminate: whether rules begin as they are by default; otherwise all that can be are off,
            but for those that test items were given for.
        against: test items, if any were given.

    Raises:
        UsageError: a rule or a setting that there is not, one out of range, one that cannot be
            switched, or a package or test items that are missing.
    """
    for name, wish in wishes.items():
        _check_switch(find(name), wish)
    return RuleSet(_in_use(wishes, eliminate, against))


def _in_use(
    wishes: Mapping[str, RuleSetting], eliminate: bool, against: Items | None
) -> Iterator[tuple[RuleInfo, Mapping[str, float]]]:
    built_in: dict[str, RuleInfo] = {**REWRITE_RULES, **POOL_RULES, **ANSWER_RULES}
    further = {name: rule for name in wishes if isinstance(rule := find(name), Rule)}
    for name, rule in {**built_in, **further}.items():
        begins_on = against is not None if rule.against else eliminate
        wish = wishes.get(name, rule.structural or (begins_on and rule.on))
        if wish is not False:
            _check_package(rule)
            yield _bound(rule, against), _settings(rule, {} if wish is True else wish)


def _bound(rule: RuleInfo, against: Items | None) -> RuleInfo:
    if not isinstance(rule, Rule) or not rule.against:
        return rule
    if against is None:
        raise UsageError(
            f"The rule {rule.name} looks for test items, and there are none; name files of them"
            " with --against FILE."
        )
    return surfaced.against(rule, against)


def _check_package(rule: RuleInfo) -> None:
    needs = rule.needs if isinstance(rule, Rule) else None
    if needs and importlib.util.find_spec(needs) is None:
        raise UsageError(
            f"The rule {rule.name} needs the package {needs}; install it, or"
            f" evolinstruct with its extra {needs.removeprefix('py3')!r}."
        )


def _check_switch(rule: RuleInfo, wish: RuleSetting) -> None:
    if rule.name == COMPARISON and not isinstance(wish, bool):
        raise UsageError(f"The rule {rule.name} has no settings; it is on or off.")
    if rule.structural and wish is False:
        raise UsageError(
            f"The rule {rule.name} cannot be switched off: nothing sensible could follow."
        )


def _settings(rule: RuleInfo, wish: Mapping[str, float]) -> dict[str, float]:
    """Return all settings of a rule, those that are wished for checked.

    Raises:
        UsageError: it has no such setting, or one is out of range.
    """
    known = {setting.name: setting for setting in rule.settings}
    for name, value in wish.items():
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UsageError(f"The rule {rule.name} has no setting {name!r}; {has}.")
        setting = known[name]
        if not setting.least <= value <= setting.most:
            raise UsageError(
                f"The rule {rule.name}: {name} must be from {setting.least:g} to"
                f" {setting.most:g} (given: {value:g})."
            )
    return {name: float(wish.get(name, setting.default)) for name, setting in known.items()}


def find(name: str) -> RuleInfo:
    """Return the rule of that name, built in or not.

    Raises:
        UsageError: there is none; names the near ones.
    """
    return RULES[name] if name in RULES else own.find(name, RULES)


def parse_words(on: Sequence[str], off: Sequence[str]) -> dict[str, RuleSetting]:
    """Read the words of the command line into what is said of rules.

    Args:
        on: ``NAME``, ``NAME=VALUE`` (the rule's first setting) or ``NAME.SETTING=VALUE``.
        off: names.

    Raises:
        UsageError: a rule that there is not, a value that is no number, a rule both on and off.
    """
    wishes: dict[str, dict[str, float]] = {}
    for word in on:
        name, setting, value = _parts(word)
        wishes.setdefault(name, {})
        if setting is not None:
            wishes[name][setting] = value
    for name in off:
        find(name)
        if name in wishes:
            raise UsageError(f"The rule {name} is to be both on and off; leave out one of the two.")
    return {**{name: wish or True for name, wish in wishes.items()}, **dict.fromkeys(off, False)}


def _parts(word: str) -> tuple[str, str | None, float]:
    named, equals, value = word.partition("=")
    name, setting = _name_and_setting(named, has_value=bool(equals))
    rule = find(name)
    if not equals:
        if setting:
            raise UsageError(f"--rule {word}: a value is missing; write {word}=NUMBER.")
        return name, None, 0.0
    if not setting and not rule.settings:
        raise UsageError(f"--rule {word}: the rule {name} has no settings.")
    try:
        return name, setting or rule.settings[0].name, float(value)
    except ValueError as error:
        raise UsageError(f"--rule {word}: {value!r} is no number.") from error


def _name_and_setting(words: str, *, has_value: bool) -> tuple[str, str]:
    """Divide ``NAME.SETTING``; in ``module:Class.function`` the dot is part of the name."""
    if ":" not in words:
        name, _, setting = words.partition(".")
        return name, setting
    name, _, setting = words.rpartition(".")
    if ":" in name and has_value:
        with suppress(UsageError):
            find(words)
            return words, ""
        return name, setting
    return words, ""
