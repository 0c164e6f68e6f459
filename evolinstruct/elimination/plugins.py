"""Rules that users bring: a function becomes a rule.

The function's first parameter is called ``rewrite`` or ``answer``, which says what the rule looks
at. Further parameters, with numbers as defaults, are the rule's parameters. The first line of its
docstring is the rule's meaning.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from evolinstruct.elimination.rule import Parameter, Rule
from evolinstruct.errors import UsageError
from evolinstruct.plugins import Plugins

PLUGINS = Plugins(
    "evolinstruct.rules", "rule", "package.module:function", lists="evolinstruct rules"
)
names = PLUGINS.names


@cache
def find(name: str, built_in: tuple[str, ...]) -> Rule[Any]:
    """Return the rule of an entry point's name, or of ``package.module:function``.

    Raises:
        UsageError: it cannot be found, or what is found is not a rule.
    """
    plugin = PLUGINS.load(name, built_in)
    found, title = plugin.value, plugin.title
    if isinstance(found, Rule):
        digest = _digest(found.check)
        return replace(found, name=name, structural=False, digest=digest, title=title)
    if not inspect.isroutine(found) or inspect.isbuiltin(found):
        raise UsageError(f"{title} is {found!r}, not a function; name a function.")
    parameters = list(inspect.signature(found).parameters.values())
    stage = parameters[0].name if parameters else ""
    if stage not in ("rewrite", "answer"):
        raise UsageError(
            f"{title} must call its first parameter rewrite or answer, for what it looks at."
        )
    return Rule(
        name=name,
        meaning=(inspect.getdoc(found) or "A rule of your own.").partition("\n")[0],
        cause="it is a rule of your own: read some of the lines it drops",
        stage="rewrite" if stage == "rewrite" else "answer",
        parameters=tuple([_parameter(title, each) for each in parameters[1:]]),
        check=found,
        digest=_digest(found),
        title=title,
    )


def _parameter(title: str, parameter: inspect.Parameter) -> Parameter:
    value = parameter.default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(
            f"{title} needs a number as the default of its parameter {parameter.name!r}."
        )
    return Parameter(parameter.name, value, -math.inf, math.inf, f"a number (default {value:g})")


def _digest(function: Callable[..., Any]) -> str:
    """Return a digest of the file that holds the function: other code may drop other texts."""
    path = inspect.getsourcefile(inspect.unwrap(function))
    code = Path(path).read_bytes() if path else b""
    return blake2b(code, digest_size=8).hexdigest()
