"""Every setting of a run: what is asked for, and how it is carried out.

A `Recipe` decides bytes: another recipe makes another run. A `Conduct` decides only how a run is
carried out and may change from one command to the next. `SeedChoice` says which seeds are read;
what was read is held against generation 0 itself. Knows no file but a recipe file.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

from evolinstruct import defaults
from evolinstruct.errors import EvolinstructError, InputError, UsageError

DEFAULT = "default"
AUTO = "auto"
_COMPARISON = "no_information_gain"
_T = TypeVar("_T")


def _no_switch(value: object) -> object:
    """Refuse true and false where a number is meant: they are not 1 and 0 here."""
    if isinstance(value, bool):
        raise ValueError(f"a number is needed, not {str(value).lower()}")  # noqa: TRY004
    return value


def _by_purpose(value: object) -> object:
    """Let one value stand for all purposes; refuse purposes that there are not."""
    if not isinstance(value, Mapping):
        return {DEFAULT: value}
    for purpose in value:
        if purpose not in (DEFAULT, *defaults.PURPOSES):
            raise ValueError(_no_purpose(str(purpose)))
    return dict(value)


def _no_purpose(name: str) -> str:
    return f"no purpose is named {name!r}{_near(name, defaults.PURPOSES)}"


def _near(name: str, known: Collection[str]) -> str:
    """Say which of the known names is meant, if one is near, and list them all."""
    near = get_close_matches(name, known, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{hint}; there are {', '.join(known)}"


def _auto(value: object) -> object:
    return None if value == AUTO else value


def _several(value: object) -> object:
    """Let one value stand for a list of one."""
    return [value] if isinstance(value, str) else value


def _parameters(value: object) -> object:
    """Refuse parameters that have a setting of their own, and purposes that there are not."""
    for key in value if isinstance(value, Mapping) else ():
        purpose, name = _parameter(str(key))
        if purpose is not None and purpose not in defaults.PURPOSES:
            raise ValueError(_no_purpose(purpose))
        if name in _NO_PARAMETERS:
            raise ValueError(f"{name!r} cannot be passed on: {_NO_PARAMETERS[name]}")
    return value


def _parameter(key: str) -> tuple[str | None, str]:
    """Divide ``PURPOSE:NAME``; the purpose is None where none is named."""
    purpose, colon, name = key.rpartition(":")
    return (purpose if colon else None), name


_NO_PARAMETERS = {
    "": "a name is needed",
    "model": "use --model",
    "messages": "the prompts decide what is said",
    "temperature": "use --temperature",
    "top_p": "use --top-p",
    "max_tokens": "use --max-tokens",
    "max_completion_tokens": "use --max-tokens",
    "stream": "a reply comes whole",
    "n": "a call has one reply",
}


def _weights(value: object) -> object:
    """Read names, and names with weights as ``NAME=WEIGHT``, divided by commas or in a list."""
    if isinstance(value, Mapping):
        return value
    names = value if isinstance(value, list | tuple) else [value]
    words = [name for name in names if isinstance(name, str)]
    if len(words) < len(names):
        raise ValueError("names are needed, or a table of names and weights")
    weights: dict[str, float | str] = {}
    for word in ",".join(words).split(","):
        name, equals, weight = word.strip().partition("=")
        if not name:
            raise ValueError("a name is missing")
        weights[name] = weight if equals else 1.0
    return weights


def _fields(value: object) -> object:
    """Read ``PART=FIELD`` words, in a list or divided by commas; refuse unknown parts."""
    if not isinstance(value, Mapping):
        words = value if isinstance(value, list | tuple) else [value]
        pairs = [word.partition("=") for part in words for word in str(part).split(",")]
        value = {part.strip(): field.strip() for part, _, field in pairs}
    for part, field in value.items():
        if part not in defaults.PARTS or not field:
            parts = ", ".join(defaults.PARTS)
            raise ValueError(f"{part}={field} is no PART=FIELD; parts are {parts}")
    return dict(value)


def _rules(value: object) -> object:
    """Refuse what says nothing of rules: each is switched, or given a table of numbers."""
    if not isinstance(value, Mapping):
        raise ValueError("a table of rules is needed")  # noqa: TRY004 - told as the others are
    for name, wish in value.items():
        numbers = wish.values() if isinstance(wish, Mapping) else ()
        if not isinstance(wish, bool | Mapping) or any(
            isinstance(number, bool) or not isinstance(number, int | float) for number in numbers
        ):
            raise ValueError(f"{name} must be true, false or a table of numbers, not {wish!r}")
    return dict(value)


_Whole = Annotated[int, BeforeValidator(_no_switch)]
_Number = Annotated[float, BeforeValidator(_no_switch), Field(allow_inf_nan=False)]
_Dollars = Annotated[Decimal, BeforeValidator(_no_switch), Field(allow_inf_nan=False)]
_Weight = Annotated[_Number, Field(ge=0)]
_Share = Annotated[_Number, Field(ge=0, le=1)]
_Rule = StrictBool | dict[str, _Number]
ByPurpose = Annotated[dict[str, _T], BeforeValidator(_by_purpose)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(_Settings):
    """What is asked for: whatever decides the bytes of a run."""

    client: str = Field(
        default="", description="who answers: a built-in client or package.module:Class"
    )
    model: ByPurpose[str] = Field(default={}, description="the model, by purpose")
    temperature: ByPurpose[Annotated[_Number, Field(ge=0, le=2)]] = Field(
        default={DEFAULT: defaults.TEMPERATURE}, description="sampling temperature, by purpose"
    )
    top_p: ByPurpose[Annotated[_Number, Field(gt=0, le=1)]] = Field(
        default={DEFAULT: defaults.TOP_P}, description="nucleus sampling, by purpose"
    )
    max_tokens: ByPurpose[Annotated[_Whole, Field(ge=1)]] = Field(
        default={DEFAULT: defaults.MAX_TOKENS}, description="longest reply, by purpose"
    )
    param: Annotated[dict[str, Any], BeforeValidator(_parameters)] = Field(
        default={}, description="further parameters of a call, as NAME or PURPOSE:NAME"
    )
    prompts: str = Field(default=defaults.PACK, description="the prompt pack: a name or a folder")
    operations: Annotated[dict[str, _Weight], BeforeValidator(_weights)] = Field(
        default={}, description="operations and their weights; empty: those of the pack"
    )
    compare: StrictBool = Field(
        default=True, description="ask whether a rewrite gained information"
    )
    eliminate: StrictBool = Field(default=True, description="apply the elimination rules")
    rules: Annotated[dict[str, _Rule], BeforeValidator(_rules)] = Field(
        default={}, description="rules that are not as by default: on, off, or their settings"
    )
    answers: StrictBool = Field(default=True, description="answer the evolved instructions")
    answer_seeds: StrictBool = Field(default=False, description="answer seeds that have no answer")
    seed: _Whole = Field(default=defaults.SEED, description="what every draw is made from")
    generations: _Whole = Field(default=defaults.GENERATIONS, ge=1, description="how many")

    def setting(self, name: str, purpose: str) -> Any:
        """Return what holds for a purpose: its own setting, else the one for all, else None."""
        values = getattr(self, name)
        return values.get(purpose, values.get(DEFAULT))

    def purposes(self) -> list[str]:
        """Return what a run of this recipe calls for."""
        in_use = {
            "evolve": True,
            "compare": self.compare,
            "answer": self.answers or self.answer_seeds,
        }
        return [purpose for purpose, used in in_use.items() if used]

    def parameters(self, purpose: str) -> dict[str, object]:
        """Return the further parameters of a purpose's calls; its own win over those for all."""
        named = [(*_parameter(key), value) for key, value in self.param.items()]
        return {
            name: value
            for wanted in (None, purpose)
            for owner, name, value in named
            if owner == wanted
        }

    def differences(self, other: Recipe) -> Iterator[tuple[str, object, object]]:
        """Yield (setting, ours, the other's) wherever the two would make different bytes."""
        for name in type(self).model_fields:
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                yield name, ours, theirs


class SeedChoice(_Settings):
    """Which rows of the seed files become instructions."""

    field: str | None = Field(default=None, description="the key that holds the instruction")
    skip_bad: StrictBool = Field(default=False, description="go on after a bad row")
    map: Annotated[dict[str, str], BeforeValidator(_fields)] = Field(
        default={}, description="the keys of instruction, input and output in seed files"
    )
    limit: Annotated[_Whole, Field(ge=1)] | None = Field(
        default=None, description="at most so many"
    )
    sample: Annotated[_Whole, Field(ge=1)] | None = Field(
        default=None, description="only so many, drawn by the run's seed"
    )


def seed_fields(field: str | None, words: list[str] | None) -> dict[str, str]:
    """Return the field of each part of a seed that the words of a user name.

    Raises:
        UsageError: a part that there is not.
    """
    try:
        choice = SeedChoice.model_validate({"field": field, "map": words or {}})
    except ValidationError as error:
        raise UsageError(
            f"--map: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
        ) from error
    return {**choice.map, **({"instruction": field} if field else {})}


class Conduct(_Settings):
    """How a run is carried out; never a reason to stop it."""

    provider: ByPurpose[str] = Field(default={}, description="a service by name, by purpose")
    base_url: ByPurpose[Annotated[list[str], BeforeValidator(_several)]] = Field(
        default={}, description="the servers, by purpose"
    )
    api_key_env: ByPurpose[str] = Field(
        default={}, description="the variable that holds the key, by purpose"
    )
    concurrency: Annotated[Annotated[_Whole, Field(ge=1)] | None, BeforeValidator(_auto)] = Field(
        default=None, description="calls under way; None: found while it goes"
    )
    max_concurrency: Annotated[_Whole, Field(ge=1)] | None = Field(
        default=None, description="calls under way at most, where their number is found"
    )
    rpm: Annotated[_Whole, Field(ge=1)] | None = Field(
        default=None, description="calls a minute, for each server and model"
    )
    tpm: Annotated[_Whole, Field(ge=1)] | None = Field(
        default=None, description="tokens a minute, in and out, for each server and model"
    )
    timeout: _Number = Field(default=defaults.TIMEOUT, gt=0, description="seconds for one call")
    max_calls: Annotated[_Whole, Field(ge=1)] | None = Field(
        default=None, description="calls ever sent in the run directory"
    )
    max_tokens_total: Annotated[_Whole, Field(ge=1)] | None = Field(
        default=None, description="tokens ever spent in the run directory, in and out"
    )
    max_cost: Annotated[_Dollars, Field(gt=0)] | None = Field(
        default=None, description="dollars ever spent in the run directory"
    )
    price_in: ByPurpose[Annotated[_Dollars, Field(ge=0)]] = Field(
        default={}, description="dollars per million tokens of prompts, by purpose"
    )
    price_out: ByPurpose[Annotated[_Dollars, Field(ge=0)]] = Field(
        default={}, description="dollars per million tokens of replies, by purpose"
    )
    min_kept: _Share | None = Field(default=None, description="stop below this kept share")
    allow_failures: str = Field(
        default="0", pattern=r"^\d+$|^\d+(\.\d+)?%$", description="failures that still exit 0"
    )

    def allows(self, failed: int, asked: int) -> bool:
        """Tell whether so many failures of so many instructions are within what is allowed."""
        if self.allow_failures.endswith("%"):
            return failed * 100 <= float(self.allow_failures[:-1]) * asked
        return failed <= int(self.allow_failures)


@dataclass(frozen=True, slots=True)
class Settings:
    """The three parts of what a user may set."""

    recipe: Recipe
    seeds: SeedChoice
    conduct: Conduct


_PARTS: tuple[type[_Settings], ...] = (Recipe, SeedChoice, Conduct)
_PART_OF = {name: part for part in _PARTS for name in part.model_fields}
NAMES = tuple(_PART_OF)
"""The name of every setting."""


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
            if name not in _PART_OF:
                raise self.error(
                    f"{self.named(name)} is no setting{_near(name, (*sorted(NAMES), 'preset'))}."
                )
        checked: dict[str, object] = {}
        for part in _PARTS:
            own = {name: value for name, value in values.items() if _PART_OF[name] is part}
            try:
                settings = part(**own)
            except ValidationError as error:
                raise self.error(self._sentence(error)) from error
            checked |= {name: getattr(settings, name) for name in own}
        return checked

    def _with_comparison(self) -> Mapping[str, object]:
        """Let the rule that takes a call be spoken of like any other: it is `compare`."""
        rules = self.values.get("rules")
        if not isinstance(rules, Mapping) or not isinstance(rules.get(_COMPARISON), bool):
            return self.values
        others = {name: wish for name, wish in rules.items() if name != _COMPARISON}
        compare = rules[_COMPARISON]
        if self.values.get("compare", compare) != compare:
            raise self.error(
                f"{self.named('compare')} and the rule {_COMPARISON} say the opposite of each"
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
        if self.preset not in defaults.PRESETS:
            near = _near(str(self.preset), defaults.PRESETS)
            raise self.error(f"{self.named('preset')}: there is no preset {self.preset!r}{near}.")
        return defaults.PRESETS[str(self.preset)]

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


def parse_by_purpose(flag: str, words: list[str]) -> dict[str, str]:
    """Read ``VALUE`` and ``PURPOSE=VALUE`` words of a flag into a setting by purpose.

    Raises:
        UsageError: a purpose that there is not.
    """
    return {purpose: values[-1] for purpose, values in parse_lists(flag, words).items()}


def parse_lists(flag: str, words: list[str]) -> dict[str, list[str]]:
    """Read the words of a flag as :func:`parse_by_purpose`, and keep every value of a purpose.

    Raises:
        UsageError: a purpose that there is not.
    """
    settings: dict[str, list[str]] = {}
    for word in words:
        purpose, equals, value = word.partition("=")
        if equals and purpose in defaults.PURPOSES:
            settings.setdefault(purpose, []).append(value)
        elif equals and re.fullmatch(r"[a-z_]+", purpose):
            raise UsageError(f"{flag} {word}: {_no_purpose(purpose)}.")
        else:
            settings.setdefault(DEFAULT, []).append(word)
    return settings


def parse_parameters(flag: str, words: list[str]) -> dict[str, object]:
    """Read ``NAME=VALUE`` words: a value is JSON where it can be read so, else text.

    Raises:
        UsageError: a word without a value.
    """
    parameters: dict[str, object] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{flag} {word}: a value is missing; write it as NAME=VALUE.")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters


def settle(given: Layer, file: Layer | None = None) -> Settings:
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
        part(**{name: value for name, value in values.items() if _PART_OF[name] is part})
        for part in _PARTS
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
        below = _PART_OF[name].model_fields[name].default
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
        isinstance(item, BeforeValidator) and item.func is _by_purpose
        for item in _PART_OF[name].model_fields[name].metadata
    )
