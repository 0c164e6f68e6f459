"""Help: what `--help` prints, as plain text: what is used most first, other options by panel.

Each option is a name and, beside or below it, its meaning in one column as wide as the terminal
allows: Typer's tables give opposites and values columns of their own, which leaves meanings a third
of a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from evolinstruct.cli.examples import EXAMPLES

_MOST = (
    *("out", "client", "model", "provider", "base_url"),
    *("generations", "limit", "prompts", "max_cost", "dry_run"),
)
"""The options used most, by their names as parameters, in the order in which they are shown."""
_MANY = 20
"""A command with so many options shows those used most first."""
PLAIN = "Options"
"""The panel of options that are in none of their own."""
_COLUMN = 26


class Command(TyperCommand):
    """A command that prints its help as this module says."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the whole help."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        parameters = self.get_params(ctx)
        arguments = [each for each in parameters if each.param_type_name == "argument"]
        _write(formatter, "Arguments", [(call(each), meaning(each)) for each in arguments])
        for panel, options in panels(parameters, used_most=True).items():
            _write(formatter, panel, [(names(each), meaning(each)) for each in options])
        _write_examples(ctx, formatter)


class Group(TyperGroup):
    """A group of commands that prints its help as this module says."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the whole help."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            group = getattr(command, "rich_help_panel", None) or "Commands"
            first, _, _ = (command.help or "").partition("\n\n")
            groups.setdefault(group, []).append((name, " ".join(first.split())))
        for group, commands in groups.items():
            _write(formatter, group, commands)
        for panel, options in panels(self.get_params(ctx)).items():
            _write(formatter, panel, [(names(each), meaning(each)) for each in options])
        _write_examples(ctx, formatter)


def panels(parameters: Iterable[Any], *, used_most: bool = False) -> dict[str, list[Any]]:
    """Return the options that are shown, by panel; those used most first where there are many."""
    options = [each for each in parameters if each.param_type_name == "option" and not each.hidden]
    found: dict[str, list[Any]] = {}
    if used_most and len(options) >= _MANY:
        most = [each for each in options if each.name in _MOST]
        found["Used most"] = sorted(most, key=lambda each: _MOST.index(each.name))
        options = [each for each in options if each.name not in _MOST]
    for each in options:
        found.setdefault(each.rich_help_panel or PLAIN, []).append(each)
    return found


def call(argument: Any) -> str:
    """Return what an argument is called where it is asked for."""
    name = str(argument.metavar or argument.name.upper())
    return f"{name}..." if argument.nargs == -1 and not name.endswith("...") else name


def names(option: Any) -> str:
    """Return the names of an option, long ones first, with what it takes."""
    each = sorted(option.opts, key=len, reverse=True) + option.secondary_opts
    return " ".join(filter(None, [", ".join(each), option.metavar]))


def meaning(parameter: Any) -> str:
    """Return the help text of a parameter, with the value that it has unless given."""
    about = parameter.help or ""
    if parameter.required:
        return f"{about} Required."
    if parameter.show_default and parameter.default not in (None, False):
        default = parameter.opts[0] if parameter.default is True else parameter.default
        return f"{about} Unless given: {default}."
    return about


def _write(formatter: Any, title: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows, col_max=_COLUMN)


def _write_examples(ctx: Any, formatter: Any) -> None:
    lines = EXAMPLES.get(" ".join(_path(ctx)), ())
    if lines:
        with formatter.section("Examples"):
            for line in lines:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _path(ctx: Any) -> Iterator[str]:
    """Yield the names of a command and of the groups that it is in, without the program's."""
    if ctx.parent is not None:
        yield from _path(ctx.parent)
        yield ctx.info_name
