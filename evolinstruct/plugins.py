"""Plugins: finds a client, a rule or anything else that users may bring, by its name.

Built-in things and those of installed packages are entry points of a group. A user's own is named
as ``package.module:attribute``, and may lie in the current directory.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from evolinstruct.errors import InputError, UsageError
from evolinstruct.text import did_you_mean

_OURS = "evolinstruct"


@dataclass(frozen=True, slots=True)
class Plugin:
    """Something that goes by a name.

    Attributes:
        value: the thing itself.
        title: what messages call it; they name whose it is, unless it is built in.
        is_built_in: whether it comes with this program.
    """

    value: object
    title: str
    is_built_in: bool


@dataclass(frozen=True, slots=True)
class Plugins:
    """One kind of thing that users may bring.

    Attributes:
        group: the entry-point group.
        noun: what messages call one of them.
        form: how a user's own is named.
        lists: a command that lists all of them; empty where a message should list them itself.
    """

    group: str
    noun: str
    form: str = "package.module:attribute"
    lists: str = ""

    def names(self) -> list[str]:
        """Return the names of all entry points, sorted."""
        return sorted({point.name for point in entry_points(group=self.group)})

    def load(self, name: str, others: Iterable[str] = ()) -> Plugin:
        """Return what goes by a name.

        Args:
            name: an entry point's name, or ``package.module:attribute``.
            others: names that are known without being entry points; a message offers them too.

        Raises:
            UsageError: the name is unknown or offered twice, its module is not installed or cannot
                be imported, or the module has no such attribute.
            InputError: its module cannot open a file that a variable of the environment names.
        """
        if ":" not in name:
            return self._imported(self._entry_point(name, others), name)
        if os.getcwd() not in sys.path:  # noqa: PTH109 - spelled as the import system does
            # A console script does not look there. Last, so that it shadows nothing.
            sys.path.append(os.getcwd())  # noqa: PTH109
        return self._imported(EntryPoint(self.noun, name, self.group), name)

    def _title(self, name: str, package: str) -> str:
        """Return what messages call the thing of that name, which a package offers."""
        if ":" in name:
            return f"Your {self.noun} {name!r}"
        return f"The {self.noun} {name!r}" + f" of the package {package}" * (package != _OURS)

    def _entry_point(self, name: str, others: Iterable[str]) -> EntryPoint:
        found = {point.value: point for point in entry_points(group=self.group, name=name)}
        if not found:
            known = [*others, *self.names()]
            lists = f"`{self.lists}` lists all" if self.lists else f"known are {', '.join(known)}"
            raise UsageError(
                f"Unknown {self.noun} {name!r}{did_you_mean(name, known)}; {lists}, and one of"
                f" your own is named as {self.form}."
            )
        if len(found) > 1:
            raise UsageError(
                f"The {self.noun} {name!r} is offered more than once ({', '.join(sorted(found))});"
                " name the one you mean in this form."
            )
        return found.popitem()[1]

    def _imported(self, point: EntryPoint, name: str) -> Plugin:
        module_name, _, attribute = point.value.partition(":")
        if not module_name or not attribute.isidentifier():
            raise UsageError(
                f"The {self.noun} {name!r} is not written as {self.form}; write it in this form."
            )
        is_own = ":" in name
        package = _OURS if is_own or point.dist is None else point.dist.name
        title = self._title(name, package)
        remedy = "correct the name" if is_own else f"install the package {package} anew"
        try:
            module = importlib.import_module(module_name)
        except (Exception, SystemExit) as error:  # a script may end the process when imported
            if isinstance(error, OSError) and (variable := _names(error.filename)):
                # aiohttp opens what SSLKEYLOGFILE names as soon as it is imported
                raise InputError(
                    f"{error.filename}, which the variable {variable} names, cannot be opened"
                    f" ({error.strerror}); correct the variable, or unset it."
                ) from error
            if (missing := _missing(module_name, error)) is not None:
                raise UsageError(
                    f"{title}: the module {missing!r} is not installed;"
                    f" {'install it, or ' if is_own else ''}{remedy}."
                ) from error
            found = f"{type(error).__name__}: {error}"
            raise UsageError(
                f"{title}: the module {module_name!r} cannot be imported ({found});"
                f" {'mend it' if is_own else remedy}."
            ) from error
        try:
            value = getattr(module, attribute)
        except Exception as error:  # a module may look attributes up by code of its own
            near = did_you_mean(attribute, dir(module))
            raise UsageError(
                f"{title}: the module {module_name!r} has no {attribute!r}{near}; {remedy}."
            ) from error
        return Plugin(value, title, not is_own and package == _OURS)


def _names(file: object) -> str | None:
    """Return the variable of the environment whose value a file's name is, None if none is."""
    return next((name for name, value in os.environ.items() if file and value == file), None)


def _missing(module: str, error: BaseException) -> str | None:
    """Return which part of a module's own name is not installed, None if all of it is."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return missing if missing and f"{module}.".startswith(f"{missing}.") else None
