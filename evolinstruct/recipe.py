"""Every setting of a run: what is asked for, and how it is carried out.

A `Recipe` decides bytes: another recipe makes another run. A `Conduct` decides only how a run is
carried out and may change from one command to the next. `SeedChoice` says which seeds are read;
what was read is held against generation 0 itself. Knows no file but a recipe file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from evolinstruct import defaults
from evolinstruct.errors import InputError, UsageError

DEFAULT = "default"
_T = TypeVar("_T")


def _by_purpose(value: object) -> object:
    """Let one value stand for all purposes; refuse purposes that there are not."""
    if not isinstance(value, Mapping):
        return {DEFAULT: value}
    unknown = sorted(set(value) - {DEFAULT, *defaults.PURPOSES})
    if unknown:
        raise ValueError(f"no purpose is named {unknown[0]!r}; there are {_listed_purposes()}")
    return dict(value)


def _listed_purposes() -> str:
    return ", ".join(defaults.PURPOSES)


def _weights(value: object) -> object:
    """Let a list of names stand for equal weights."""
    if isinstance(value, list | tuple):
        return dict.fromkeys(value, 1.0)
    return value


_Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
ByPurpose = Annotated[dict[str, _T], BeforeValidator(_by_purpose)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(_Settings):
    """What is asked for: whatever decides the bytes of a run."""

    client: str = Field(
        default="", description="who answers: a built-in client or package.module:Class"
    )
    model: ByPurpose[str] = Field(default={}, description="the model, by purpose")
    temperature: ByPurpose[Annotated[float, Field(ge=0, le=2)]] = Field(
        default={DEFAULT: defaults.TEMPERATURE}, description="sampling temperature, by purpose"
    )
    top_p: ByPurpose[Annotated[float, Field(gt=0, le=1)]] = Field(
        default={DEFAULT: defaults.TOP_P}, description="nucleus sampling, by purpose"
    )
    max_tokens: ByPurpose[Annotated[int, Field(ge=1)]] = Field(
        default={DEFAULT: defaults.MAX_TOKENS}, description="longest reply, by purpose"
    )
    prompts: str = Field(default=defaults.PACK, description="the prompt pack: a name or a folder")
    operations: Annotated[dict[str, _Weight], BeforeValidator(_weights)] = Field(
        default={}, description="operations and their weights; empty: those of the pack"
    )
    compare: bool = Field(default=True, description="ask whether a rewrite gained information")
    eliminate: bool = Field(default=True, description="apply the elimination rules")
    answers: bool = Field(default=True, description="answer the evolved instructions")
    answer_seeds: bool = Field(default=False, description="answer seeds that have no answer")
    seed: int = Field(default=defaults.SEED, description="what every draw is made from")
    generations: int = Field(default=defaults.GENERATIONS, ge=1, description="how many")

    def setting(self, name: str, purpose: str) -> Any:
        """Return what holds for a purpose: its own setting, else the one for all, else None."""
        values = getattr(self, name)
        return values.get(purpose, values.get(DEFAULT))

    def differences(self, other: Recipe) -> Iterator[tuple[str, object, object]]:
        """Yield (setting, ours, the other's) wherever the two would make different bytes."""
        for name in type(self).model_fields:
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                yield name, ours, theirs


class SeedChoice(_Settings):
    """Which rows of the seed files become instructions."""

    field: str | None = Field(default=None, description="the key that holds the instruction")
    skip_bad: bool = Field(default=False, description="go on after a bad row")
    limit: Annotated[int, Field(ge=1)] | None = Field(default=None, description="at most so many")


class Conduct(_Settings):
    """How a run is carried out; never a reason to stop it."""

    base_url: ByPurpose[str] = Field(default={}, description="the server, by purpose")
    concurrency: int = Field(default=defaults.CONCURRENCY, ge=1, description="calls under way")
    timeout: float = Field(default=defaults.TIMEOUT, gt=0, description="seconds for one call")
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
_NAMES = {name: part for part in _PARTS for name in part.model_fields}


def read_file(path: Path) -> dict[str, object]:
    """Read a recipe file (TOML): any setting by its name, and ``preset``.

    Raises:
        InputError: it cannot be read, is no TOML, or names a setting that there is not.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"Cannot read the recipe {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The recipe {path} is not TOML: {error}.") from error
    unknown = sorted(set(values) - {*_NAMES, "preset"})
    if unknown:
        raise InputError(
            f"The recipe {path} sets {unknown[0]!r}, which is no setting;"
            f" there are {', '.join(sorted(_NAMES))} and preset."
        )
    return values


def parse_by_purpose(values: list[str]) -> dict[str, str]:
    """Read ``NAME`` and ``purpose=NAME`` words into a setting by purpose.

    Raises:
        UsageError: a purpose that there is not.
    """
    settings: dict[str, str] = {}
    for value in values:
        purpose, equals, rest = value.partition("=")
        if equals and purpose in defaults.PURPOSES:
            settings[purpose] = rest
        elif equals and re.fullmatch(r"[a-z_]+", purpose):
            raise UsageError(
                f"{value!r} names no purpose of a call; there are {_listed_purposes()}."
            )
        else:
            settings[DEFAULT] = value
    return settings


def parse_weights(values: list[str]) -> dict[str, float]:
    """Read ``NAME`` and ``NAME=WEIGHT`` words, several in one divided by commas.

    Raises:
        UsageError: a weight that is no number.
    """
    weights: dict[str, float] = {}
    for word in ",".join(values).split(","):
        name, equals, weight = word.strip().partition("=")
        try:
            weights[name] = float(weight) if equals else 1.0
        except ValueError as error:
            raise UsageError(f"--operations: {weight!r} is no weight for {name}.") from error
    return weights


def settle(
    flags: Mapping[str, object],
    preset: str | None = None,
    file: Mapping[str, object] | None = None,
) -> Settings:
    """Lay the flags over the recipe file, that over the preset, and check the whole.

    A setting by purpose is laid purpose by purpose; one for all purposes replaces what lies below.

    Raises:
        UsageError: a preset that there is not, or a value out of range.
    """
    from_file = dict(file or {})
    chosen = preset or from_file.pop("preset", None)
    from_file.pop("preset", None)
    values: dict[str, object] = {}
    for layer in (_preset(chosen), from_file, flags):
        for name, value in layer.items():
            values[name] = _overlay(values.get(name), value, name)
    parts = [_validated(part, values) for part in _PARTS]
    return Settings(*parts)  # type: ignore[arg-type]


def _preset(name: object) -> Mapping[str, object]:
    if name is None:
        return {}
    if name not in defaults.PRESETS:
        raise UsageError(f"No preset is named {name!r}; there are {', '.join(defaults.PRESETS)}.")
    return defaults.PRESETS[str(name)]


def _is_by_purpose(name: str) -> bool:
    part = _NAMES.get(name)
    return part is not None and any(
        isinstance(item, BeforeValidator) and item.func is _by_purpose
        for item in part.model_fields[name].metadata
    )


def _overlay(below: object, value: object, name: str) -> object:
    if not _is_by_purpose(name):
        return value
    above = _by_purpose(value)
    assert isinstance(above, dict)  # noqa: S101 - _by_purpose makes nothing else
    if below is None:
        field = _NAMES[name].model_fields[name]
        below = field.default
    if DEFAULT in above:
        return above
    return {**(below if isinstance(below, dict) else {}), **above}


def _validated(part: type[_Settings], values: Mapping[str, object]) -> _Settings:
    own = {name: value for name, value in values.items() if name in part.model_fields}
    try:
        return part(**own)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "--" + str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"{where}: {first['msg']} (given: {first['input']!r}).") from error
