"""Writes docs/commands: a page for each command, from the options that the program itself reads.

    python -m docs.command_pages

The examples of docs/command_examples.py are run in a temporary directory, with the offline client.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from docs.command_examples import CODES, ENDINGS, EXAMPLES, READS, Example, Shell
from evolinstruct.cli import app
from evolinstruct.cli.help import call, meaning, names, panels
from evolinstruct.settings import SETTINGS

FOLDER = Path(__file__).parent / "commands"
_FENCE = "````"
"""Longer than the fences that an evolved instruction may hold."""
_OUTPUT = re.compile(rf"({_FENCE}console\n\$ [^\n]*\n).*?({_FENCE}\n)", re.DOTALL)

Outputs = Callable[[Example], str]


def commands() -> dict[str, Any]:
    """Return the commands of the program by name, in the order of `--help`."""
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def pages(outputs: Outputs) -> dict[str, str]:
    """Return each page by its file name, with the outputs that a function finds."""
    found = commands()
    made = {f"{name}.md": page(name, command, outputs) for name, command in found.items()}
    return {"README.md": _contents(found), **made}


def page(name: str, command: Any, outputs: Outputs) -> str:
    """Return the page of a command, with the outputs that a function finds."""
    parts = [f"# evolinstruct {name}", "", *_about(f"evolinstruct {name}", command)]
    for below, sub in getattr(command, "commands", {}).items():
        line = f"evolinstruct {name} {below}"
        parts += [f"## {line}", "", *_about(line, sub)]
    parts += ["## Exit codes", "", "| code | means |", "|---|---|"]
    parts += [f"| {code} | {CODES[code]} |" for code in ENDINGS.get(name, READS)]
    parts += ["", *(line for each in EXAMPLES.get(name, ()) for line in _example(each, outputs))]
    return "\n".join(["<!-- Written by `make docs` from the program; not by hand. -->", "", *parts])


def without_outputs(page: str) -> str:
    """Return a page with the command lines of its examples, but not what they print."""
    return _OUTPUT.sub(r"\1\2", page)


def run_examples() -> dict[str, str]:
    """Return each page, with what its examples print now."""
    with tempfile.TemporaryDirectory() as folder:
        shell = Shell(Path(folder))
        for examples in EXAMPLES.values():
            for example in examples:
                shell.run(example)
        return pages(shell.run)


def _contents(found: dict[str, Any]) -> str:
    rows = [f"| [`{name}`]({name}.md) | {_purpose(found[name])[0]} |" for name in found]
    head = ["# The commands", "", "Written by `make docs` from the program; not by hand.", ""]
    return "\n".join([*head, "| command | what it does |", "|---|---|", *rows, ""])


def _about(line: str, command: Any) -> Iterator[str]:
    """Yield what a command is for, how it is called, and its options by panel."""
    for paragraph in _purpose(command):
        yield from (paragraph, "")
    if not hasattr(command, "commands"):
        yield from ("    " + " ".join([line, *_usage(command.params)]), "")
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    yield from _table("Arguments", "argument", ((call(each), each) for each in arguments))
    for panel, options in panels(command.params).items():
        yield from _table(panel, "option", ((names(each), each) for each in options))


def _purpose(command: Any) -> list[str]:
    """Return the paragraphs of a command's docstring, each on one line."""
    return [" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n")]


def _usage(parameters: Iterable[Any]) -> Iterator[str]:
    """Yield the words of a command line: what is required, then that there is more."""
    has_more = False
    for each in parameters:
        if each.param_type_name == "argument":
            yield call(each) if each.required else f"[{call(each)}]"
        elif each.required:
            yield f"{max(each.opts, key=len)} {each.metavar}"
        else:
            has_more = True
    if has_more:
        yield "[OPTIONS]"


def _table(title: str, what: str, rows: Iterable[tuple[str, Any]]) -> Iterator[str]:
    cells = [f"| {_code(name)} | {_meaning(each)} |" for name, each in rows]
    if cells:
        yield from (f"**{title}**", "", f"| {what} | meaning |", "|---|---|", *cells, "")


def _code(words: str) -> str:
    return "`" + words.replace("|", "\\|") + "`"


def _meaning(parameter: Any) -> str:
    """Return the help text, the variable that does the same, and the default."""
    about = re.sub(r"([|<*_\[])", r"\\\1", meaning(parameter))
    setting = SETTINGS.get(parameter.name)
    if setting and setting.variable and setting.panel == parameter.rich_help_panel:
        about += f" Variable: `{setting.variable}`."
    return about


def _example(example: Example, outputs: Outputs) -> Iterator[str]:
    yield from (f"## Example: {example.about}", "")
    yield from (f"{_FENCE}console", f"$ {example.line}", outputs(example) + _FENCE, "")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in run_examples().items():
        (FOLDER / name).write_text(page, encoding="utf-8")
