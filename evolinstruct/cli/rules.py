"""`evolinstruct rules`: list the rules that drop an evolution, and their settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from evolinstruct.cli.options import Verbose, switch
from evolinstruct.cli.reporting import reported

if TYPE_CHECKING:
    from evolinstruct.elimination import RuleInfo

_Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="Only this rule, or module:function.")
]
_AsJson = Annotated[bool, switch("--json", about="Print them as one JSON object.")]


def command(name: _Name = None, as_json: _AsJson = False, verbose: Verbose = 0) -> None:
    """List the rules: what each drops, when it is asked, what it costs and what can be set.

    Switch them with --rule and --no-rule of `evolve`, or in a recipe's table `rules`.
    """
    with reported(verbose=verbose):
        from evolinstruct import elimination  # noqa: PLC0415 - slow

        others = [] if name else elimination.names_of_others()
        names = [name] if name else [*elimination.RULES, *others]
        rules = [elimination.find(each) for each in names]
        if as_json:
            typer.echo(json.dumps({rule.name: _facts(rule) for rule in rules}))
            return
        from evolinstruct.console.page import Page  # noqa: PLC0415 - slow
        from evolinstruct.console.rules import show_rule, show_rules  # noqa: PLC0415 - slow

        if name:
            show_rule(Page(), rules[0])
        else:
            show_rules(Page(), rules)


def _switch(rule: RuleInfo) -> str:
    return "always on" if rule.structural else rule.default


def _facts(rule: RuleInfo) -> dict[str, object]:
    return {
        "meaning": rule.meaning,
        "default": _switch(rule),
        "stage": rule.stage,
        "cost": rule.cost,
        "settings": {
            setting.name: {
                "default": setting.default,
                "least": setting.least,
                "most": setting.most,
                "meaning": setting.meaning,
            }
            for setting in rule.parameters
        },
    }
