"""The settings of a run, in three parts.

A `Recipe` decides bytes: another recipe makes another run. A `Execution` decides only how a run is
carried out and may change from one command to the next. `SeedSettings` says which seeds are read;
what was read is held against generation 0 itself. Knows no file and no flag.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

from evolinstruct import defaults
from evolinstruct.errors import UsageError
from evolinstruct.settings.kinds import (
    DEFAULT,
    ByPurpose,
    Dollars,
    Number,
    RuleSetting,
    Share,
    Weight,
    Whole,
    auto,
    by_field,
    by_parameter,
    by_rule,
    by_weight,
    parameter,
    several,
)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(_Settings):
    """What is asked for: whatever decides the bytes of a run."""

    client: str = Field(
        default="", description="who answers: a built-in client or package.module:Class"
    )
    model: ByPurpose[str] = Field(default={}, description="the model, by purpose")
    temperature: ByPurpose[Annotated[Number, Field(ge=0, le=2)]] = Field(
        default={DEFAULT: defaults.TEMPERATURE}, description="sampling temperature, by purpose"
    )
    top_p: ByPurpose[Annotated[Number, Field(gt=0, le=1)]] = Field(
        default={DEFAULT: defaults.TOP_P}, description="nucleus sampling, by purpose"
    )
    max_tokens: ByPurpose[Annotated[Whole, Field(ge=1)]] = Field(
        default={DEFAULT: defaults.MAX_TOKENS}, description="longest reply, by purpose"
    )
    param: Annotated[dict[str, Any], BeforeValidator(by_parameter)] = Field(
        default={}, description="further parameters of a call, as NAME or PURPOSE:NAME"
    )
    prompts: str = Field(default=defaults.PACK, description="the prompt pack: a name or a folder")
    operations: Annotated[dict[str, Weight], BeforeValidator(by_weight)] = Field(
        default={}, description="operations and their weights; empty: those of the pack"
    )
    compare: StrictBool = Field(
        default=True, description="ask whether a rewrite gained information"
    )
    eliminate: StrictBool = Field(default=True, description="apply the elimination rules")
    rules: Annotated[dict[str, RuleSetting], BeforeValidator(by_rule)] = Field(
        default={}, description="rules that are not as by default: on, off, or their settings"
    )
    against: Annotated[list[str], BeforeValidator(several)] = Field(
        default=[], description="test sets that are not to surface; known by what they hold"
    )
    answers: StrictBool = Field(default=True, description="answer the evolved instructions")
    answer_seeds: StrictBool = Field(default=False, description="answer seeds that have no answer")
    seed: Whole = Field(default=defaults.SEED, description="what every draw is made from")
    generations: Whole = Field(default=defaults.GENERATIONS, ge=1, description="how many")

    def setting(self, name: str, purpose: str) -> Any:
        """Return what holds for a purpose: its own setting, else the one for all, else None."""
        values = getattr(self, name)
        return values.get(purpose, values.get(DEFAULT))

    def parameters(self, purpose: str) -> dict[str, object]:
        """Return the further parameters of a purpose's calls; its own win over those for all."""
        named = [(*parameter(key), value) for key, value in self.param.items()]
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


class SeedSettings(_Settings):
    """Which rows of the seed files become instructions."""

    field: str | None = Field(default=None, description="the key that holds the instruction")
    skip_bad: StrictBool = Field(default=False, description="go on after a bad row")
    map: Annotated[dict[str, str], BeforeValidator(by_field)] = Field(
        default={}, description="the keys of instruction, input and output in seed files"
    )
    limit: Annotated[Whole, Field(ge=1)] | None = Field(default=None, description="at most so many")
    sample: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="only so many, drawn by the run's seed"
    )


def seed_fields(field: str | None, words: list[str] | None) -> dict[str, str]:
    """Return the field of each part of a seed that the words of a user name.

    Raises:
        UsageError: a part that there is not.
    """
    try:
        choice = SeedSettings.model_validate({"field": field, "map": words or {}})
    except ValidationError as error:
        raise UsageError(
            f"--map: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
        ) from error
    return {**choice.map, **({"instruction": field} if field else {})}


class Execution(_Settings):
    """How a run is carried out; never a reason to stop it."""

    provider: ByPurpose[str] = Field(default={}, description="a service by name, by purpose")
    base_url: ByPurpose[Annotated[list[str], BeforeValidator(several)]] = Field(
        default={}, description="the servers, by purpose"
    )
    api_key_env: ByPurpose[str] = Field(
        default={}, description="the variable that holds the key, by purpose"
    )
    concurrency: Annotated[Annotated[Whole, Field(ge=1)] | None, BeforeValidator(auto)] = Field(
        default=None, description="calls under way; None: found while it goes"
    )
    max_concurrency: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="calls under way at most, where their number is found"
    )
    rpm: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="calls a minute, for each server and model"
    )
    tpm: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="tokens a minute, in and out, for each server and model"
    )
    timeout: Number = Field(default=defaults.TIMEOUT, gt=0, description="seconds for one call")
    max_calls: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="calls ever sent in the run directory"
    )
    max_tokens_total: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="tokens ever spent in the run directory, in and out"
    )
    max_cost: Annotated[Dollars, Field(gt=0)] | None = Field(
        default=None, description="dollars ever spent in the run directory"
    )
    price_in: ByPurpose[Annotated[Dollars, Field(ge=0)]] = Field(
        default={}, description="dollars per million tokens of prompts, by purpose"
    )
    price_out: ByPurpose[Annotated[Dollars, Field(ge=0)]] = Field(
        default={}, description="dollars per million tokens of replies, by purpose"
    )
    min_kept: Share | None = Field(default=None, description="stop below this kept share")
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
    seeds: SeedSettings
    execution: Execution


PARTS: tuple[type[_Settings], ...] = (Recipe, SeedSettings, Execution)
PART_OF = {name: part for part in PARTS for name in part.model_fields}
NAMES = tuple(PART_OF)
"""The name of every setting."""
