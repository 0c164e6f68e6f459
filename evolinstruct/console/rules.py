"""`rules` on the terminal: which rules are on, then what each drops and what can be set."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from evolinstruct.console.page import Page
from evolinstruct.elimination import Parameter, RuleInfo
from evolinstruct.text import one_line

_SWITCHES = {
    "on": "On",
    "always": "Always on",
    "--against": "On with --against",
    "--reviews": "On with --reviews",
    "off": "Off",
}
"""What is said of rules by when they are on, in the order in which they are told."""
_INDENT = "    "
_DEEPER = 2 * _INDENT


def show_rules(page: Page, rules: Sequence[RuleInfo]) -> None:
    """Print which rules are on, then all of them in that order."""
    found = {
        said: there
        for switch, said in _SWITCHES.items()
        if (there := [rule for rule in rules if rule.default == switch])
    }
    for said, there in found.items():
        names = ", ".join(one_line(rule.name) for rule in there)
        page.print(f"{said} ({len(there)}): {names}", rest=_INDENT)
    for there in found.values():
        for rule in there:
            page.print()
            show_rule(page, rule)


def show_rule(page: Page, rule: RuleInfo) -> None:
    """Print when a rule is on, when it looks and what it costs; what it drops; what can be set."""
    about = f"  {_SWITCHES[rule.default].lower()} · {rule.stage} · {one_line(rule.cost)}"
    page.print(Text.assemble((one_line(rule.name), "bold"), (about, "dim")))
    page.print(one_line(rule.meaning), _INDENT)
    for parameter in rule.parameters:
        page.print(_told(parameter), _INDENT, _DEEPER)


def _told(parameter: Parameter) -> str:
    span = f"{parameter.least:g} to {parameter.most:g}"
    return f"{parameter.name} = {parameter.default:g} ({span}): {one_line(parameter.meaning)}"
