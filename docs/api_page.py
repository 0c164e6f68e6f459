"""Writes docs/api.md: every name of the package, from its docstring.

python -m docs.api_page
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import evolinstruct

PAGE = Path(__file__).parent / "api.md"
GROUPS = {
    "Make": ("evolve", "prepare", "Job", "Forecast", "tune"),
    "Measure and select": (
        *("score", "judge", "recount_verdicts", "measure_diversity", "select", "verify"),
    ),
    "How it ended": (
        *("Summary", "Counts", "ScoreSummary", "JudgeSummary", "Results", "Survey", "Selection"),
        *("TuneSummary", "Trial"),
    ),
    "Read a run": (
        *("Run", "State", "Kept", "Rejected", "Failed", "Family", "FamilyStep", "Score"),
    ),
    "Events": (
        *("Event", "Notice", "GenerationStarted", "LineWritten", "LowYield", "GenerationEnded"),
        *("Finished", "Scored", "Judged", "Embedding", "Tuned"),
    ),
    "Errors": (
        *("EvolinstructError", "UsageError", "InputError", "StopRun", "ServiceRefused"),
        *("ClientBroken", "BudgetReached", "ServiceSilent", "TooLittleKept", "FilesGone"),
        *("Interrupted",),
    ),
    "A client of your own": (
        *("Client", "ClientOptions", "Request", "Reply", "Usage"),
        *("CallError", "TryAgain", "CallRejected", "CallFailed"),
    ),
    "A rule of your own": ("Rewrite", "Answer"),
}
_ASYNC = "_async"
_WIDTH = 90
_SECTION = re.compile(
    r"^(Args|Attributes|Returns|Raises|Yields):\n((?: {4}.*\n?|\n)*)", re.MULTILINE
)
_ITEM = re.compile(r"^ {4}(\w+): ((?:.*\n?)(?: {5,}.*\n?|\n)*)", re.MULTILINE)
_HEAD = """# Python reference

Written by `make docs` from the program; not by hand. How to use it: [From Python](python.md).

Every name is imported from `evolinstruct`. Tokens are as the service reports them, money is in
dollars, times are in seconds, shares run from 0 to 1. `**settings` are the options of
[`evolve`](commands/evolve.md) by their names, with `_` for `-`; those by purpose take a dict.
Classes with a signature may be made; all have what their table and the lines below it name.
"""


def page() -> str:
    """Return the text of the page."""
    parts = [_HEAD]
    for title, names in GROUPS.items():
        parts += [f"## {title}\n", *("\n".join(_entry(name)) for name in names)]
    return "\n".join(parts)


def _entry(name: str) -> Iterator[str]:
    """Yield what is told of a name: how it is called, its docstring, and what a class has."""
    known = getattr(evolinstruct, name)
    yield from (f"### {name}", "")
    if not inspect.isclass(known) and not callable(known):
        yield from (f"One of {_alternatives(known)}.", "")
        return
    if _is_called(known):
        yield from _block(_signature(name, known))
    yield from _told(inspect.getdoc(known) or "")
    if f"{name}{_ASYNC}" in evolinstruct.__all__:
        yield from (f"`{name}{_ASYNC}` is the same, to be awaited in a running event loop.", "")
    if inspect.isclass(known):
        yield from _inherited(known)
        yield from _members(known)


def _is_called(known: Any) -> bool:
    """Tell whether a user calls it: a function, or a class that is not only handed out."""
    if not inspect.isclass(known) or is_dataclass(known):
        return True
    return "__init__" in vars(known) and known not in (evolinstruct.Job, evolinstruct.Client)


def _inherited(known: type) -> Iterator[str]:
    """Yield what a class has from others: attributes of one without a name here, its exit code."""
    for base in known.__mro__[1:-1]:
        if is_dataclass(base) and base.__name__ not in evolinstruct.__all__:
            yield from _told(inspect.getdoc(base) or "", only="Attributes")
    if issubclass(known, evolinstruct.EvolinstructError):
        yield from (f"The command ends with exit code {known.exit_code}.", "")


def _alternatives(union: Any) -> str:
    return ", ".join(f"`{each.__name__}`" for each in union.__args__)


def _block(code: str) -> Iterator[str]:
    yield from ("```py", code, "```", "")


def _signature(name: str, function: Any) -> str:
    """Return how something is called, with its types; a parameter a line where they are many."""
    function = inspect.unwrap(function)
    signature = inspect.signature(function)
    known = [each for each in signature.parameters.values() if each.name != "self"]
    words = [_parameter(each, function) for each in known]
    kinds = [each.kind for each in known]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        words.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    returns = signature.return_annotation
    end = "" if returns is signature.empty or inspect.isclass(function) else f" -> {returns}"
    line = f"{name}({', '.join(words)}){end}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {word}," for word in words), f"){end}"])


def _parameter(parameter: inspect.Parameter, function: Any) -> str:
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{parameter.name}"
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    kind = _type(str(parameter.annotation), function)
    if parameter.default is parameter.empty:
        return f"{star}{parameter.name}: {kind}"
    default = parameter.default
    plain = default is None or isinstance(default, str | int | float | tuple)
    told = repr(default) if plain else "..."
    return f"{parameter.name}: {kind} = {told}"


def _type(annotation: str, function: Any) -> str:
    """Return an annotation; a name that stands for several types in its module is written out."""
    known = vars(sys.modules[function.__module__])

    def written_out(name: re.Match[str]) -> str:
        alias = known.get(name[0])
        plain = re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(alias))
        return plain if get_args(alias) else name[0]

    return re.sub(r"\b\w+\b", written_out, annotation)


def _told(docstring: str, only: str = "") -> Iterator[str]:
    """Yield a docstring in the style of Google as paragraphs and tables; or one section of it."""
    text = _SECTION.split(docstring.replace("``", "`") + "\n")
    for paragraph in filter(str.strip, "" if only else text[0].split("\n\n")):
        yield from (_paragraph(paragraph), "")
    for title, body in zip(text[1::3], text[2::3], strict=True):
        if only not in ("", title):
            continue
        items = _ITEM.findall(body)
        if title == "Returns" or not items:
            yield from (f"{title}: {' '.join(body.split())}", "")
        else:
            head = {"Args": "argument", "Attributes": "attribute", "Raises": "error"}[title]
            yield from (f"| {head} | meaning |", "|---|---|")
            yield from (f"| `{name}` | {_cell(told)} |" for name, told in items)
            yield ""


def _paragraph(text: str) -> str:
    """Return a paragraph on one line; an example stays as it is."""
    return text.rstrip() if text.startswith("    ") else " ".join(text.split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _members(known: type) -> Iterator[str]:
    """Yield the methods and properties of a class that are its own and here to stay."""
    for name, member in vars(known).items():
        doc = inspect.getdoc(member) or ""
        if name.startswith("_") or not doc or doc.startswith("The name that"):
            continue
        if inspect.isfunction(member):
            mark = "async " if inspect.iscoroutinefunction(member) else ""
            yield from _block(f"{mark}{_signature(f'.{name}', member)}")
            yield from _told(doc)
        elif isinstance(member, property | cached_property):
            yield from _told(f"`.{name}`: {doc}")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
