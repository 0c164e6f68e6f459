"""Settings from several places, laid over each other and checked: flags, a file, a preset."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BeforeValidator, ValidationError

from evolinstruct.errors import EvolinstructError, InputError, UsageError
from evolinstruct.settings.fields import NAMES, PART_OF, PARTS, Settings
from evolinstruct.settings.kinds import COMPARISON, DEFAULT, by_purpose, nearest
from evolinstruct.settings.presets import PRESETS


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one place, and how a message names that place.

    Attributes:
        values: settings by name.
        preset: the preset they are to be laid over, if the place names one.
        named: how a setting is named in a message.
        error: what is raised where one is wrong.
    """

    values: Mapping[str, object]
    preset: object = None
    named: Callable[[str], str] = str
    error: type[EvolinstructError] = UsageError

    def checked(self) -> dict[str, object]:
        """Return the values as settings take them.

        Raises:
            EvolinstructError: of the layer's kind: an unknown name, a wrong type or range.
        """
        values = self._with_comparison()
        for name in values:
            if name not in PART_OF:
                raise self.error(
                    f"{self.named(name)} is no setting{nearest(name, (*sorted(NAMES), 'preset'))}."
                )
        checked: dict[str, object] = {}
        for part in PARTS:
            own = {name: value for name, value in values.items() if PART_OF[name] is part}
            try:
                settings = part(**own)
            except ValidationError as error:
                raise self.error(self._sentence(error)) from error
            checked |= {name: getattr(settings, name) for name in own}
        return checked

    def _with_comparison(self) -> Mapping[str, object]:
        """Let the rule that takes a call be spoken of like any other: it is `compare`."""
        rules = self.values.get("rules")
        if not isinstance(rules, Mapping) or not isinstance(rules.get(COMPARISON), bool):
            return self.values
        others = {name: wish for name, wish in rules.items() if name != COMPARISON}
        compare = rules[COMPARISON]
        if self.values.get("compare", compare) != compare:
            raise self.error(
                f"{self.named('compare')} and the rule {COMPARISON} say the opposite of each"
                " other; leave out one of the two."
            )
        return {**self.values, "rules": others, "compare": compare}

    def below(self) -> Mapping[str, object]:
        """Return the settings of the preset, none where there is none.

        Raises:
            EvolinstructError: of the layer's kind: there is no such preset.
        """
        if self.preset is None:
            return {}
        if self.preset not in PRESETS:
            near = nearest(str(self.preset), PRESETS)
            raise self.error(f"{self.named('preset')}: there is no preset {self.preset!r}{near}.")
        return PRESETS[str(self.preset)]()

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
            return f"{bounds['le']:g} or less"
        case "string_pattern_mismatch":
            return "a count or a percentage, such as 3 or 0.5%"
        case _:
            return next((need for start, need in _NEEDS.items() if kind.startswith(start)), "valid")


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
        return repr(value)
    return str(value)


def read_file(path: Path) -> Layer:
    """Read a recipe file (TOML): any setting by its name, and ``preset``.

    Raises:
        InputError: it cannot be read, or is no TOML.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"The recipe {path} cannot be read: {error.strerror}; correct --recipe."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"The recipe {path} is not UTF-8 text; save it so.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The recipe {path} is not TOML: {error}.") from error
    preset = values.pop("preset", None)
    return Layer(values, preset, lambda name: f"The recipe {path}: {name}", InputError)


def resolve(given: Layer, file: Layer | None = None) -> Settings:
    """Lay what is given over the recipe file, and that over the preset that either names.

    A setting by purpose is laid purpose by purpose; one for all purposes replaces what lies below.

    Raises:
        UsageError: a preset or a setting that there is not, or a value out of range.
        InputError: the same, in the file.
    """
    layers = [given] if file is None else [file, given]
    named = [layer for layer in layers if layer.preset is not None]
    preset = Layer(named[-1].below()) if named else Layer({})
    values: dict[str, object] = {}
    for layer in (preset, *layers):
        checked = layer.checked()
        if checked.get("eliminate") is False:
            values.pop("rules", None)  # what switches all off, does so with what lies below it
        for name, value in checked.items():
            values[name] = _overlay(values.get(name), value, name)
    parts = [
        part(**{name: value for name, value in values.items() if PART_OF[name] is part})
        for part in PARTS
    ]
    return Settings(*parts)  # type: ignore[arg-type]


def _overlay(below: object, above: object, name: str) -> object:
    if name == "rules":
        return _overlaid_rules(below or {}, above)
    if name == "param" and isinstance(below, dict) and isinstance(above, dict):
        return {**below, **above}
    if not _is_by_purpose(name):
        return above
    assert isinstance(above, dict)  # noqa: S101 - as every setting by purpose
    if DEFAULT in above:
        return above
    if below is None:
        below = PART_OF[name].model_fields[name].default
    assert isinstance(below, dict)  # noqa: S101 - as above
    return {**below, **above}


def _overlaid_rules(below: Any, above: Any) -> dict[str, object]:
    """Lay rule by rule: a switch keeps the settings that lie below it, as far as it is on."""
    laid = dict(below)
    for name, wish in above.items():
        lower = laid.get(name)
        if isinstance(lower, Mapping) and wish is not False:
            laid[name] = {**lower, **({} if wish is True else wish)}
        else:
            laid[name] = wish
    return laid


def _is_by_purpose(name: str) -> bool:
    return any(
        isinstance(item, BeforeValidator) and item.func is by_purpose
        for item in PART_OF[name].model_fields[name].metadata
    )
