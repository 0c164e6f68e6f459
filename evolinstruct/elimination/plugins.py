"""Rules of the user's own: found by the name of an entry point, or as ``module:function``.

A rule is a function of a pair of texts. Its first parameter is ``rewrite`` or ``answer``, which
says when it is asked; further ones, with numbers as defaults, are its settings; the first line of
its docstring is its meaning. Knows no rule by name.
"""

from __future__ import annotations

import inspect
import math
import os
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from evolinstruct.elimination.rule import Rule, Setting
from evolinstruct.errors import UsageError
from evolinstruct.text import did_you_mean

GROUP = "evolinstruct.rules"


def names() -> list[str]:
    """Return the names of the rules that installed packages offer, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def find(name: str, built_in: Collection[str]) -> Rule[Any]:
    """Return the rule of an entry point's name, or of ``module:function``.

    Raises:
        UsageError: nothing goes by that name, or what does is no rule.
    """
    if ":" in name:
        return _loaded(name, name)
    found = {point.value for point in entry_points(group=GROUP, name=name)}
    if not found:
        hint = did_you_mean(name, [*built_in, *names()])
        raise UsageError(
            f"There is no rule {name!r}{hint}; `evolinstruct rules` lists them, and one of your own"
            " is named as module:function."
        )
    if len(found) > 1:
        raise UsageError(
            f"The rule {name!r} is offered more than once ({', '.join(sorted(found))});"
            " name the one you mean in this form."
        )
    return _loaded(name, found.pop())


@cache
def _loaded(name: str, place: str) -> Rule[Any]:
    target = _imported(name, place)
    if isinstance(target, Rule):
        return replace(target, name=name, structural=False, digest=_digest(target.check))
    if not callable(target):
        raise UsageError(f"The rule {name!r} is {target!r}, which is no function; name one.")
    return _from_function(name, target)


def _imported(name: str, place: str) -> Any:
    if os.getcwd() not in sys.path:  # noqa: PTH109 - as the import system spells it
        # a console script does not look in the current directory; last, to shadow nothing
        sys.path.append(os.getcwd())  # noqa: PTH109
    try:
        return EntryPoint(name, place, GROUP).load()
    except Exception as error:
        raise UsageError(
            f"The rule {name!r} cannot be loaded from {place}"
            f" ({type(error).__name__}: {error}); correct its name, or mend it."
        ) from error


def _from_function(name: str, function: Callable[..., Any]) -> Rule[Any]:
    parameters = list(inspect.signature(function).parameters.values())
    stage = parameters[0].name if parameters else ""
    if stage not in ("rewrite", "answer"):
        raise UsageError(
            f"The rule {name!r}: its first parameter must be called rewrite or answer, for what it"
            " looks at."
        )
    meaning = (inspect.getdoc(function) or "A rule of your own.").partition("\n")[0]
    return Rule(
        name=name,
        meaning=meaning,
        cause="it is a rule of your own: read some of the lines it drops",
        stage="rewrite" if stage == "rewrite" else "answer",
        settings=tuple([_setting(name, parameter) for parameter in parameters[1:]]),
        check=function,
        digest=_digest(function),
    )


def _setting(name: str, parameter: inspect.Parameter) -> Setting:
    value = parameter.default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(
            f"The rule {name!r}: its setting {parameter.name!r} needs a number as its default."
        )
    return Setting(parameter.name, value, -math.inf, math.inf, f"a number (default {value:g})")


def _digest(function: Callable[..., Any]) -> str:
    """Return a digest of the file that the function stands in: another one may judge otherwise."""
    path = inspect.getsourcefile(inspect.unwrap(function))
    code = Path(path).read_bytes() if path else b""
    return blake2b(code, digest_size=8).hexdigest()
