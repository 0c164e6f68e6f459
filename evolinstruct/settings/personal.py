"""The user's settings file: what holds unless something nearer says otherwise, and named profiles.

One TOML file for each user, which may say who answers, how a run is carried out and what it may
cost. It holds the names of variables with keys, and never a key.

    model = "gpt-5-mini"
    provider = "openai"

    [profiles.local]                     # --profile local
    base_url = "http://localhost:8000/v1"
    model = "qwen3"
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolinstruct import environment
from evolinstruct.errors import InputError, UsageError
from evolinstruct.settings.fields import Execution, Settings
from evolinstruct.settings.kinds import nearest
from evolinstruct.settings.layers import Layer, read_environment, read_file, read_toml, resolve
from evolinstruct.settings.table import SETTINGS

VARIABLE = "EVOLINSTRUCT_SETTINGS"
"""The variable that names another file; /dev/null for none."""
PROFILE_VARIABLE = "EVOLINSTRUCT_PROFILE"
_TWICE = re.compile(r"Cannot declare \('profiles', '(.*)'\) twice \((at line \d+).*")
_KEY = re.compile(r"key|token|secret|password", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PersonalSettings:
    """What the user's file says.

    Attributes:
        path: of the file.
        values: the settings that hold for every command.
        profiles: those that hold where a profile is named, by its name.
        profile: the profile that is used where none is named.
    """

    path: Path
    values: Mapping[str, Any]
    profiles: Mapping[str, Mapping[str, Any]]
    profile: str | None

    @property
    def place(self) -> str:
        """How a message names the file."""
        return f"The settings file {self.path}"

    def chosen(self, named: str | None) -> str | None:
        """Return the profile in use: the one that is named, by EVOLINSTRUCT_PROFILE, or the file's.

        Raises:
            UsageError: there is no profile of the name that is given.
            InputError: the same, where a variable or the file names it.
        """
        variable = environment.variable(PROFILE_VARIABLE).strip()
        wanted = named if named is not None else variable or self.profile
        if wanted is None or wanted in self.profiles:
            return wanted
        near = nearest(wanted, self.profiles) if self.profiles else "; there are none"
        said = f"unknown profile {wanted!r} in {self.path}{near}."
        if named is not None:
            raise UsageError(f"--profile: {said}")
        raise InputError(f"{PROFILE_VARIABLE if variable else self.place}: {said}")

    def layers(self, named: str | None) -> list[Layer]:
        """Return the profile's settings, and below them those of the file.

        Raises:
            UsageError: there is no such profile.
            InputError: the same, or a setting is wrong.
        """
        name = self.chosen(named)
        profile = [] if name is None else [(f"{self.place}, profile {name!r}", self.profiles[name])]
        return [_layer(place, values) for place, values in (*profile, (self.place, self.values))]


def path() -> Path:
    """Return where the user's file is, or would be.

    The program runs on POSIX systems alone, so one rule for configuration files is enough.
    """
    if named := environment.variable(VARIABLE):
        return Path(os.path.expanduser(named))  # noqa: PTH111 - where nobody has a home, it stays
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(os.path.expanduser(folder), "evolinstruct", "settings.toml")  # noqa: PTH111


def read_personal() -> PersonalSettings:
    """Read the user's file, if there is one.

    Raises:
        InputError: it cannot be read, is not TOML, or holds a key.
    """
    file = path()
    # A folder that may not be looked into has no file for us: that raises nothing here.
    is_there = os.path.exists(file)  # noqa: PTH110
    if not is_there and not environment.variable(VARIABLE):
        return PersonalSettings(file, {}, {}, None)
    place = f"The settings file {file}"
    try:
        values = read_toml(file, place, f"allow it, or correct {VARIABLE}")
    except InputError as error:
        if twice := _TWICE.search(str(error)):
            name, where = twice.groups()
            raise InputError(f"{place} has two profiles {name!r} ({where}); rename one.") from error
        raise
    profiles, profile = values.pop("profiles", {}), values.pop("profile", None)
    if not isinstance(profiles, Mapping) or not all(
        isinstance(each, Mapping) for each in profiles.values()
    ):
        raise InputError(f"{place}: profiles must be tables; write each as [profiles.NAME].")
    if not isinstance(profile, str | None):
        raise InputError(f"{place}: profile must be the name of one (given: {profile!r}).")
    return PersonalSettings(file, values, profiles, profile)


def _layer(place: str, values: Mapping[str, Any]) -> Layer:
    """Return settings of the file that are allowed there."""
    for name, value in values.items():
        if _holds_key(name, value):
            raise InputError(
                f"{place}: {name}: a key has no place in a file; put it into a variable, and name"
                ' that, as in api_key_env = "MY_KEY".'
            )
        if name in ("preset", *SETTINGS) and not (name in SETTINGS and SETTINGS[name].is_personal):
            raise InputError(
                f"{place}: {name} decides what a run makes; give it as a flag or in a recipe."
            )
        if name not in SETTINGS:
            known = [each for each, setting in SETTINGS.items() if setting.is_personal]
            raise InputError(f"{place}: {name}: unknown setting{nearest(name, known)}.")
    return Layer(values, named=lambda name: f"{place}: {name}", error=InputError, place=place)


def _holds_key(name: str, value: object) -> bool:
    """Tell whether a key stands where the name of its variable is meant, or under a name of one."""
    if name == "api_key_env":
        named = value.values() if isinstance(value, Mapping) else [value]
        return not all(isinstance(each, str) and environment.is_name(each) for each in named)
    return name not in SETTINGS and _KEY.search(name) is not None


# All places together


def layers_of(
    given: Layer, recipe: str | Path | None = None, profile: str | None = None
) -> list[Layer]:
    """Return what is given and all that lies below it, the nearest first.

    Raises:
        UsageError: the profile that is given is unknown.
        InputError: a variable or a file is wrong.
    """
    recipes = [] if recipe is None else [read_file(Path(recipe))]
    return [given, *read_environment(), *recipes, *read_personal().layers(profile)]


def gather(given: Layer, recipe: str | Path | None = None, profile: str | None = None) -> Settings:
    """Return the settings that hold: what is given, laid over every other place.

    Raises:
        UsageError: an unknown preset, profile or setting is given, or a value out of range.
        InputError: the same, in a variable or a file; or a file cannot be read.
    """
    return resolve(*layers_of(given, recipe, profile))


def gather_execution(given: Layer, conduct: Mapping[str, Any], where: Path) -> Execution:
    """Return how something is carried out: what is given over the variables, over a run's own.

    Args:
        given: what is given.
        conduct: how the run was carried out, as its run.json has it.
        where: that file.

    Raises:
        UsageError: something given is wrong.
        InputError: a variable or the file is.
    """
    known = {name: conduct[name] for name in Execution.model_fields if name in conduct}
    own = Layer(known, named=lambda name: f"{where}: {name}", error=InputError)
    return resolve(given, *read_environment(), own).execution
