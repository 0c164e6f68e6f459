"""From a client's name to what makes it.

Built-in clients and anyone's enter by one door: the entry-point group ``evolinstruct.clients``, or
``package.module:Class``. Knows no client by name.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from evolinstruct.errors import UsageError
from evolinstruct.llm.base import Client, ClientOptions
from evolinstruct.text import did_you_mean

GROUP = "evolinstruct.clients"
_METHODS = ("complete", "aclose")

Factory = Callable[[ClientOptions], Client]


def load(name: str) -> Factory:
    """Return what makes the client of that name, a class or a function.

    Args:
        name: of an entry point, or ``package.module:Class``.

    Raises:
        UsageError: nothing goes by that name, or what does makes no client.
    """
    factory = _target(name) if ":" in name else _plugin(name)
    if not callable(factory):
        raise UsageError(
            f"The client {name!r} is {factory!r}, which makes no client; name a class."
        )
    if isinstance(factory, type):
        _check(factory, name)
        return cast("Factory", factory)

    def checked(options: ClientOptions) -> Client:
        client = factory(options)
        _check(client, name)
        return cast("Client", client)

    return checked


def names() -> list[str]:
    """Return the names that clients are known by, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def _plugin(name: str) -> object:
    found = {point.value: point for point in entry_points(group=GROUP, name=name)}
    if len(found) > 1:
        raise UsageError(
            f"The client {name!r} is offered more than once ({', '.join(sorted(found))}); "
            "name the one you mean in this form."
        )
    if not found:
        raise UsageError(_unknown(name))
    (point,) = found.values()
    return _imported(point, name)


def _target(name: str) -> object:
    if os.getcwd() not in sys.path:  # noqa: PTH109 - as the import system spells it
        # a console script does not look in the current directory; last, to shadow nothing
        sys.path.append(os.getcwd())  # noqa: PTH109
    return _imported(EntryPoint("client", name, GROUP), name)


def _imported(point: EntryPoint, name: str) -> object:
    """Return what an entry point leads to.

    Raises:
        UsageError: says which part of it is wrong.
    """
    module_name, _, attribute = point.value.partition(":")
    if not module_name or not attribute.isidentifier():
        raise UsageError(f"The client {name!r} is no package.module:Class; write it in this form.")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(_not_imported(name, module_name, error)) from error
    if not hasattr(module, attribute):
        near = did_you_mean(attribute, dir(module))
        raise UsageError(f"The client {name!r}: module {module_name!r} has no {attribute!r}{near}.")
    return getattr(module, attribute)


def _not_imported(name: str, module: str, error: Exception) -> str:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and f"{module}.".startswith(f"{missing}."):
        return (
            f"The client {name!r}: there is no module {missing!r}; install it, or correct the name."
        )
    found = f"{type(error).__name__}: {error}"
    return f"The client {name!r}: module {module!r} cannot be imported ({found}); mend it."


def _unknown(name: str) -> str:
    known = names()
    hint = did_you_mean(name, known)
    return (
        f"There is no client {name!r}{hint}; known are {', '.join(known) or 'none'}, "
        "and any class as package.module:Class."
    )


def _check(client: object, name: str) -> None:
    lacking = [method for method in _METHODS if not callable(getattr(client, method, None))]
    if lacking:
        raise UsageError(
            f"The client {name!r} has no {' and no '.join(lacking)}; "
            "a client has the two methods complete and aclose."
        )
