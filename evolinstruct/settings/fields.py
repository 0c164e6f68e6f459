"""The settings of a run as values that are checked, in three parts.

A `Recipe` decides bytes: another recipe makes another run. An `Execution` decides only how a run is
carried out and may change from one command to the next. `SeedSettings` says which seeds are read;
what was read is held against generation 0 itself. What a setting means and its default stand in
`evolinstruct.settings.table`; here stands what a value may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from evolinstruct.llm.base import BATCH
from evolinstruct.purposes import asks_sandbox
from evolinstruct.settings.kinds import (
    DEFAULT,
    JUDGED,
    auto,
    by_parameter,
    by_part,
    by_purpose,
    by_rule,
    by_weight,
    count,
    no_switch,
    parameter,
    sandbox_name,
    several,
    tier_names,
    utf8,
    way_to_compare,
    way_to_pick,
)
from evolinstruct.settings.presets import PRESETS
from evolinstruct.settings.table import SETTINGS

_T = TypeVar("_T")
# The bounds are far beyond what anyone needs, and within what files and databases can hold.
Whole = Annotated[int, BeforeValidator(no_switch), Field(ge=-(10**100), le=10**100)]
Count = Annotated[Whole, Field(ge=1, le=10**9)]  # sums of what is counted fit into 64 bits
Calls = Annotated[Whole, Field(ge=1, le=100_000)]
Number = Annotated[float, BeforeValidator(no_switch), Field(allow_inf_nan=False)]
Dollars = Annotated[Decimal, BeforeValidator(no_switch), Field(allow_inf_nan=False, le=10**9)]
Price = Annotated[Dollars, Field(ge=0, le=10**6)]
Weight = Annotated[Number, Field(ge=0, le=10**6)]
Share = Annotated[Number, Field(ge=0, le=1)]
RuleSetting = StrictBool | dict[str, Number]
ByPurpose = Annotated[dict[str, _T], BeforeValidator(by_purpose)]


def _stated(name: str) -> Any:
    """Return a field with the default and the meaning that the table states."""
    return Field(default=SETTINGS[name].default, description=SETTINGS[name].help)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of_run(cls, said: Mapping[str, Any]) -> Self:
        """Return the settings that a run.json states, also one of an older version.

        A setting that a run does not have is the one it was made with; one that is gone decides
        nothing any more.
        """
        return cls(**{name: said[name] for name in cls.model_fields if name in said})


class Recipe(_Settings):
    """What is asked for: whatever decides the bytes of a run."""

    # Their order is part of the digest of a generation (`Job._decided_by`): a new one goes last.
    client: str = _stated("client")
    model: ByPurpose[Annotated[str, AfterValidator(utf8)]] = _stated("model")
    temperature: ByPurpose[Annotated[Number, Field(ge=0, le=2)]] = _stated("temperature")
    top_p: ByPurpose[Annotated[Number, Field(gt=0, le=1)]] = _stated("top_p")
    max_tokens: ByPurpose[Count] = _stated("max_tokens")
    param: Annotated[dict[str, Any], BeforeValidator(by_parameter)] = _stated("param")
    prompts: str = _stated("prompts")
    operations: Annotated[dict[str, Weight], BeforeValidator(by_weight)] = _stated("operations")
    compare: StrictBool = _stated("compare")
    eliminate: StrictBool = _stated("eliminate")
    rules: Annotated[dict[str, RuleSetting], BeforeValidator(by_rule)] = _stated("rules")
    against: Annotated[list[str], BeforeValidator(several)] = _stated("against")
    answers: Annotated[int, BeforeValidator(count), Field(ge=0, le=20)] = _stated("answers")
    answer_seeds: StrictBool = _stated("answer_seeds")
    seed: Whole = _stated("seed")
    generations: Annotated[Whole, Field(ge=1, le=1_000)] = _stated("generations")
    plain_draws: StrictBool = _stated("plain_draws")
    compare_in_breadth: StrictBool = _stated("compare_in_breadth")
    reviews: StrictBool = _stated("reviews")
    pick: Annotated[str, AfterValidator(way_to_pick)] = _stated("pick")
    evolve_answers: Annotated[Whole, Field(ge=0, le=10)] = _stated("evolve_answers")
    equality: Annotated[str, AfterValidator(way_to_compare)] = _stated("equality")
    sandbox: Annotated[str, AfterValidator(sandbox_name)] = _stated("sandbox")

    @classmethod
    def of_run(cls, said: Mapping[str, Any]) -> Self:
        """Return what a run.json states; the first version had no rules but the paper's."""
        before = {"rules": PRESETS["paper"]()["rules"], "plain_draws": True}
        return super().of_run({**before, **said})

    def setting(self, name: str, purpose: str) -> Any:
        """Return what holds for a purpose: its own setting, else the one for all, else None."""
        values = getattr(self, name)
        return values.get(purpose, values.get(DEFAULT))

    def sampling(self, purpose: str) -> dict[str, Any]:
        """Return what all calls of a purpose are asked with, by the names of a request's fields."""
        if asks_sandbox(purpose):
            return {"model": self.sandbox}
        return {
            "model": self.setting("model", purpose) or "",
            "temperature": self.setting("temperature", purpose),
            "top_p": self.setting("top_p", purpose),
            "max_tokens": self.setting("max_tokens", purpose),
            "extra": self.parameters(purpose),
        }

    @property
    def judges(self) -> bool:
        """Whether a judge compares answers."""
        return self.pick == JUDGED or self.evolve_answers > 0

    @property
    def judges_seeds(self) -> bool:
        """Whether it compares those to seeds too."""
        return self.judges and self.answer_seeds

    @property
    def evolves_answers_of_seeds(self) -> bool:
        """Whether answers to seeds are rewritten too."""
        return self.evolve_answers > 0 and self.answer_seeds

    def may_vary(self, purpose: str) -> bool:
        """Tell whether a call of a purpose, asked again, may get another reply."""
        temperature: float | None = self.setting("temperature", purpose)
        return temperature != 0

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

    skip_bad: StrictBool = _stated("skip_bad")
    map: Annotated[dict[str, str], BeforeValidator(by_part)] = _stated("map")
    limit: Count | None = _stated("limit")
    sample: Count | None = _stated("sample")

    @classmethod
    def of_run(cls, said: Mapping[str, Any]) -> Self:
        """Return what a run.json states; older ones have the instruction's key as `field`."""
        key = said.get("field")
        named = {"instruction": key} if key else {}
        return super().of_run({**said, "map": {**said.get("map", {}), **named}})


class Execution(_Settings):
    """How a run is carried out; never a reason to stop it."""

    provider: ByPurpose[str] = _stated("provider")
    base_url: ByPurpose[Annotated[list[str], BeforeValidator(several)]] = _stated("base_url")
    api_key_env: ByPurpose[str] = _stated("api_key_env")
    concurrency: Annotated[Calls | None, BeforeValidator(auto)] = _stated("concurrency")
    max_concurrency: Calls | None = _stated("max_concurrency")
    prefetch: StrictBool = _stated("prefetch")
    rpm: Count | None = _stated("rpm")
    tpm: Count | None = _stated("tpm")
    timeout: Annotated[Number, Field(gt=0, le=10**6)] = _stated("timeout")
    max_reply_mb: Annotated[Number, Field(gt=0, le=1_000)] = _stated("max_reply_mb")
    max_wait: Annotated[Number, Field(gt=0, le=10**7)] = _stated("max_wait")
    max_calls: Count | None = _stated("max_calls")
    max_tokens_total: Annotated[Whole, Field(ge=1, le=10**15)] | None = _stated("max_tokens_total")
    max_cost: Annotated[Dollars, Field(gt=0, le=10**9)] | None = _stated("max_cost")
    price_in: ByPurpose[Price] = _stated("price_in")
    price_out: ByPurpose[Price] = _stated("price_out")
    prices: str = _stated("prices")
    service_tier: ByPurpose[Annotated[str, AfterValidator(tier_names)]] = _stated("service_tier")
    batch: StrictBool = _stated("batch")
    submit: StrictBool = _stated("submit")
    batch_files: str = _stated("batch_files")
    min_kept: Share | None = _stated("min_kept")
    allow_failures: Annotated[str, Field(pattern=r"^\d{1,15}$|^\d{1,15}(\.\d{1,15})?%$")] = _stated(
        "allow_failures"
    )
    events: StrictBool = _stated("events")
    otel: StrictBool = _stated("otel")

    @property
    def in_batches(self) -> bool:
        """Whether calls go in batches, to the service or as files."""
        return self.batch or bool(self.batch_files)

    def tiers(self, purpose: str) -> list[str]:
        """Return the service tiers that calls of a purpose are asked in, the first one first."""
        if self.in_batches:
            return [BATCH]
        named = self.service_tier.get(purpose, self.service_tier.get(DEFAULT))
        return named.split(",") if named else []

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
