"""Settings from several places, laid over each other and checked, and the way back to flags.

The first place that names a setting wins: what is given (flags, or arguments of a Python call), the
environment, `.env`, a recipe file, a profile, the user's settings file, a preset, the defaults.
"""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evolinstruct import environment
from evolinstruct.errors import EvolinstructError, InputError, UsageError
from evolinstruct.settings.fields import NAMES, PART_OF, PARTS, Settings
from evolinstruct.settings.kinds import COMPARISON, DEFAULT, ByPurpose, nearest
from evolinstruct.settings.presets import PRESETS
from evolinstruct.settings.table import SETTINGS, flag_of, variable_of
from evolinstruct.text import did_you_mean, is_utf8, shorten

_PATHS = ("prompts", "against")
_OTHERS = ("EVOLINSTRUCT_PROFILE", "EVOLINSTRUCT_SETTINGS", "EVOLINSTRUCT_VIEW_PASSWORD")
"""Variables that are no settings of a run."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one place, and how a message names that place.

    Attributes:
        values: settings by name.
        preset: the preset they are to be laid over, if the place names one.
        named: how a setting is named in a message.
        error: what is raised where one is wrong.
        place: what the place is called.
    """

    values: Mapping[str, Any]
    preset: object = None
    named: Callable[[str], str] = str
    error: type[EvolinstructError] = UsageError
    place: str = "Given"

    def checked(self) -> dict[str, Any]:
        """Return the values as settings take them.

        Raises:
            EvolinstructError: of the layer's kind: an unknown name, a wrong type or range.
        """
        values = self._in_one_form()
        for name in values:
            if name not in PART_OF:
                raise self.error(
                    f"{self.named(name)}: unknown setting"
                    f"{nearest(name, (*sorted(NAMES), 'preset'))}."
                )
            if (wrong := _unfit(values[name], is_path=name in _PATHS)) is not None:
                raise self.error(
                    f"{self.named(name)} must be UTF-8 text without null characters"
                    f" (given: {_given(wrong)})."
                )
        checked: dict[str, Any] = {}
        for part in PARTS:
            own = {name: value for name, value in values.items() if PART_OF[name] is part}
            try:
                settings = part(**own)
            except ValidationError as error:
                raise self.error(self._sentence(error)) from error
            checked |= {name: getattr(settings, name) for name in own}
        return checked

    def _in_one_form(self) -> dict[str, Any]:
        """Return the values, each said in the one way that the rest of the program knows."""
        values = dict(self.values)
        rules = values.get("rules")
        if isinstance(rules, Mapping) and isinstance(rules.get(COMPARISON), bool):
            values["rules"] = {name: rules[name] for name in rules if name != COMPARISON}
            if values.setdefault("compare", rules[COMPARISON]) != rules[COMPARISON]:
                raise self.error(
                    f"{self.named('compare')} and the rule {COMPARISON} say the opposite of each"
                    " other; leave out one of the two."
                )
        if "field" in values:
            self._name_field(values, values.pop("field"))
        return values

    def _name_field(self, values: dict[str, Any], key: object) -> None:
        """Turn `field`, the older word, into the part `instruction` of `map`; None is none."""
        if key is not None and not isinstance(key, str):
            raise self.error(f"{self.named('field')} must be text (given: {key!r}).")
        if key:
            mapping = Layer({"map": values.get("map", {})}, named=self.named, error=self.error)
            values["map"] = {**mapping.checked()["map"], "instruction": key}

    def below(self) -> Mapping[str, object]:
        """Return the settings of the preset that is named.

        Raises:
            EvolinstructError: of the layer's kind: the preset is unknown.
        """
        if not isinstance(self.preset, str) or self.preset not in PRESETS:
            near = nearest(str(self.preset), PRESETS)
            raise self.error(f"{self.named('preset')}: unknown preset {self.preset!r}{near}.")
        return PRESETS[self.preset]()

    def _sentence(self, error: ValidationError) -> str:
        first = error.errors(include_url=False)[0]
        name, *within = first["loc"]
        key = f" ({within[0]})" if within and within[0] != DEFAULT else ""
        place = f"{self.named(str(name))}{key}"
        if first["type"] == "value_error":
            return f"{place}: {first['ctx']['error']}."
        need = _needs(first["type"], first.get("ctx", {}))
        return f"{place} must be {need} (given: {_given(first['input'])})."


def _needs(kind: str, bounds: Mapping[str, Any]) -> str:
    """Say in plain words what a value must be that pydantic refuses."""
    match kind:
        case "greater_than_equal":
            return f"{bounds['ge']:g} or more"
        case "greater_than":
            return f"more than {bounds['gt']:g}"
        case "less_than_equal":
            return f"{bounds['le']:,.15g} or less"
        case "string_pattern_mismatch":
            return "a count or a percentage, such as 3 or 0.5%"
        case _:
            return next((need for start, need in _NEEDS.items() if kind.startswith(start)), "valid")


_LONGEST_GIVEN = 200
_NEEDS = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "finite": "a finite number",
    "string": "text",
    "bool": "true or false",
}
"""By how the name of pydantic's complaint begins."""


def _given(value: object) -> str:
    """Show a value as a user wrote it: numbers plain, also those that came as words."""
    try:
        float(str(value))
    except ValueError:
        return shorten(repr(value), _LONGEST_GIVEN)
    return shorten(str(value), _LONGEST_GIVEN)


def _unfit(value: object, *, is_path: bool) -> str | None:
    """Return a text in a value that no file can hold; the name of a file may be any bytes."""
    if isinstance(value, str):
        return None if (is_path or is_utf8(value)) and "\0" not in value else value
    if isinstance(value, Mapping):
        value = [part for item in value.items() for part in item]
    parts = value if isinstance(value, list | tuple) else ()
    found = (_unfit(part, is_path=is_path) for part in parts)
    return next((text for text in found if text is not None), None)


# Where layers come from


def read_words(words: Mapping[str, Any], layer: Layer) -> Layer:
    """Add to a layer what the words of flags say, by the names of settings.

    Raises:
        EvolinstructError: of the layer's kind: a word has not the form that its setting takes.
    """
    values = dict(layer.values)
    for name, given in words.items():
        try:
            values[name] = SETTINGS[name].kind.read(given)
        except ValueError as error:
            raise layer.error(f"{layer.named(name)} {error}.") from error
    return replace(layer, values=values)


def read_environment() -> list[Layer]:
    """Read the variables that may say who answers and how a run is carried out.

    Those of the environment come first, then those of `.env`. What may be given several times is
    divided at blanks, as on the command line. An empty variable counts as none.

    Raises:
        InputError: a variable is wrong, or `.env` cannot be read.
    """
    dotenv = str(environment.DOTENV)
    return [
        _read_variables(os.environ, variable_of, "Variables of the environment"),
        _read_variables(
            environment.in_file(),
            lambda name: f"{dotenv}: {variable_of(name)}",
            f"{dotenv} in this folder",
        ),
    ]


def _read_variables(variables: Mapping[str, str], named: Callable[[str], str], place: str) -> Layer:
    words: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        text = variables.get(setting.variable or "", "").strip()
        if text:
            words[name] = _divided(named(name), text) if setting.kind.repeats else text
    return read_words(words, Layer({}, named=named, error=InputError, place=place))


def ignored_variables() -> list[str]:
    """Return the variables that are set as if they could decide bytes, which none can."""
    deciding = [name for name, setting in SETTINGS.items() if not setting.is_personal]
    names = [*deciding, "rule", "no_rule", "strict", "preset", "recipe"]
    variables = [f"EVOLINSTRUCT_{name.upper()}" for name in names]
    return [name for name in variables if environment.variable(name).strip()]


def misspelt_variables() -> list[str]:
    """Return the variables that are nearly named as one that is read, each with that one."""
    known = [setting.variable for setting in SETTINGS.values() if setting.variable]
    others = {name for name in environment.variables() if name.startswith("EVOLINSTRUCT_")}
    near = {name: did_you_mean(name, known) for name in sorted(others - {*known, *_OTHERS})}
    deciding = ignored_variables()
    return [f"{name}{said}" for name, said in near.items() if said and name not in deciding]


def _divided(variable: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InputError(f"{variable}: a quotation mark has no end; correct it.") from error


def read_file(path: Path) -> Layer:
    """Read a recipe file (TOML): any setting by its name, and ``preset``.

    Raises:
        InputError: it cannot be read, or is not TOML.
    """
    place = f"The recipe {path}"
    values = read_toml(path, place, "correct --recipe")
    preset = values.pop("preset", None)
    return Layer(values, preset, lambda name: f"{place}: {name}", InputError, place)


def read_toml(path: Path, place: str, advice: str) -> dict[str, Any]:
    """Return what a TOML file holds.

    Args:
        path: of the file.
        place: how a message names it.
        advice: what to do where it cannot be read.

    Raises:
        InputError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{place} cannot be read: {error.strerror}; {advice}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{place} is not UTF-8 text; save it so.") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits too
        hint = "; texts stand in quotes" if "Invalid value (at line" in str(error) else ""
        raise InputError(f"{place} is not TOML: {error}{hint}.") from error


def read_map(words: Mapping[str, Any]) -> dict[str, str]:
    """Return the key of each part of a seed that the words of `--map` (and `--field`) name.

    Raises:
        UsageError: a part is unknown.
    """
    layer = read_words(words, Layer({}, named=flag_of))
    return resolve(layer).seeds.map


# Laying over each other


def resolve(*layers: Layer) -> Settings:
    """Lay settings over each other, and all over the preset that one names; the first wins.

    A setting by purpose is laid purpose by purpose; one for all purposes replaces what lies below.

    Raises:
        EvolinstructError: of a layer's kind: an unknown preset or setting, or a value out of range.
    """
    naming = next((layer for layer in layers if layer.preset is not None), None)
    preset = Layer({} if naming is None else naming.below())
    values: dict[str, Any] = {}
    for layer in (preset, *reversed(layers)):
        checked = layer.checked()
        if checked.get("eliminate") is False:
            values.pop("rules", None)  # what switches all off, does so with what lies below it
        _forget_servers(values, checked)
        for name, value in checked.items():
            values[name] = _overlay(values.get(name), value, name)
    parts = [
        part(**{name: value for name, value in values.items() if PART_OF[name] is part})
        for part in PARTS
    ]
    return Settings(*parts)  # type: ignore[arg-type]


def _forget_servers(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    """Drop the server of every purpose that another layer names one for, in either way.

    Otherwise a base URL from the environment would win over a provider's flag, and get its key. A
    key that is named beside a server below is for that one; one that is named alone is for any.
    """
    has_server = bool(below.get("provider") or below.get("base_url"))
    for name, forgotten in _SERVERS.items():
        named = above.get(name, {})
        for other in forgotten if name == "provider" or has_server else ():
            kept = {} if DEFAULT in named else below.get(other, {})
            if other in below and named:
                below[other] = {purpose: kept[purpose] for purpose in kept if purpose not in named}


_SERVERS = {"provider": ("base_url", "api_key_env"), "base_url": ("provider", "api_key_env")}
"""What else of a layer below is about another server than the one that is named."""


def _overlay(below: Any, above: Any, name: str) -> object:
    if name == "rules":
        return _overlaid_rules(below or {}, above)
    if name == "param":
        return {**(below or {}), **above}
    if not isinstance(SETTINGS[name].kind, ByPurpose) or DEFAULT in above:
        return above
    return {**(SETTINGS[name].default if below is None else below), **above}


def _overlaid_rules(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, object]:
    """Lay rule by rule: a switch keeps the settings that lie below it, as far as it is on."""
    laid = dict(below)
    for name, wish in above.items():
        lower = laid.get(name)
        if isinstance(lower, Mapping) and wish is not False:
            laid[name] = {**lower, **({} if wish is True else wish)}
        else:
            laid[name] = wish
    return laid


# The way back


def to_command_line(settings: Settings) -> list[str]:
    """Return the flags that make these settings where nothing else is set: words, not quoted."""
    words: list[str] = []
    for name, setting in SETTINGS.items():
        if name not in PART_OF:
            continue
        value = getattr(_part(settings, name), name)
        if value == setting.default:
            continue
        if isinstance(setting.kind, ByPurpose):
            value = {key: each for key, each in value.items() if each != setting.default.get(key)}
        words += setting.kind.write(flag_of(name), value)
    return words


def _part(settings: Settings, name: str) -> object:
    parts = (settings.recipe, settings.seeds, settings.execution)
    return next(part for part in parts if isinstance(part, PART_OF[name]))
