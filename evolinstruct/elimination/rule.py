"""What a rule is: which texts it looks at, what it says of them, and what a user may set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from functools import cached_property
from typing import Generic, Literal, TypeVar

from evolinstruct.records import Kept, Rejected
from evolinstruct.words import lowered

Checked = TypeVar("Checked")
Stage = Literal["service", "rewrite", "comparison", "review", "pool", "answer"]
"""When a rule looks: at every call, at a rewrite, by a call that compares a rewrite with its
parent, by the eyes of people, at a rewrite beside all texts that passed before it, at an answer."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a text is dropped.

    Attributes:
        rule: the name of the rule.
        evidence: what it saw, such as the words that matched.
    """

    rule: str
    evidence: str


@dataclass(frozen=True)
class Rewrite:
    """What the rules for rewrites look at.

    Attributes:
        parent: the instruction to evolve.
        child: what the model made of it, as read from its reply.
        phrases: the prompt pack's markers, lower-case, with or without their # signs.
        operation: the operation that was asked for.
        kind: the operation's kind, such as ``in-depth``; None where it is unknown.
        format: the data format drawn for the operation, or None.
        input: the parent's own input, where the parent is a seed that has one.
        output: the parent's answer, where it is known.
        prompt: the prompt pack's own texts, from which the prompt was made.
    """

    parent: str
    child: str
    phrases: tuple[str, ...]
    operation: str | None = None
    kind: str | None = None
    format: str | None = None
    input: str | None = None
    output: str | None = None
    prompt: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        parent: Kept,
        child: Kept | Rejected,
        kind: str | None,
        phrases: tuple[str, ...],
        prompt: tuple[str, ...] = (),
    ) -> Rewrite:
        """Return what the rules see of two lines: an instruction, and what became of it."""
        return cls(
            parent.instruction,
            child.instruction,
            phrases,
            child.operation,
            kind,
            child.format,
            parent.input,
            parent.output,
            prompt,
        )

    @cached_property
    def lower(self) -> str:
        """The child in lower case, each character at its place."""
        return lowered(self.child)

    @property
    def in_depth(self) -> bool:
        """Whether the child should be the same task, made harder."""
        return self.kind == "in-depth"

    @property
    def plain_in_depth(self) -> bool:
        """Whether the child should be the same task, made harder without adding data."""
        return self.kind == "in-depth" and self.format is None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules for answers look at.

    Attributes:
        instruction: what was asked.
        response: what the model answered, without its reasoning.
        checks: what it is verified by, as a line has it.
    """

    instruction: str
    response: str
    checks: str | None = None

    @classmethod
    def of(cls, line: Kept | Rejected) -> Answer:
        """Return what the rules see of a line that has an answer."""
        return cls(line.instruction, line.output or "", line.checks)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a user may set for a rule.

    Attributes:
        name: its name in a recipe.
        default: its value unless set.
        least: the smallest value allowed.
        most: the largest value allowed.
        meaning: what it is, in a few words, with its unit.
    """

    name: str
    default: float
    least: float
    most: float
    meaning: str


Setting = Parameter
"""The name that `Parameter` had until 0.2; it goes with 0.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """What a user may know of a rule.

    Attributes:
        name: its name in the run's files.
        meaning: what it drops, in one sentence.
        cause: why many evolutions may fall to it, and what to look at.
        stage: when it looks.
        structural: it is always on, because the run could not go on sensibly without it.
        on: whether it is on unless the settings say otherwise.
        paper: its number in the paper that the method comes from (WizardLM, section 3.2), if any.
        looks_for_test_items: it looks for test items, so it is never on where none are given.
        embeds: it compares texts by their meaning, which takes the extra `diversity`.
        cost: what it costs.
        parameters: what can be set; the first is what ``--rule NAME=VALUE`` sets.
        digest: of whatever else decides what it drops, such as the code of a user's own rule.
    """

    name: str
    meaning: str
    cause: str
    stage: Stage
    structural: bool = False
    on: bool = True
    paper: int | None = None
    looks_for_test_items: bool = False
    embeds: bool = False
    cost: str = "free"
    parameters: tuple[Parameter, ...] = ()
    digest: str = ""

    @property
    def default(self) -> str:
        """When it is on unless the settings say otherwise, in a word."""
        if self.structural:
            return "always"
        if self.stage == "review":
            return "--reviews"
        if not self.on:
            return "off"
        return "--against" if self.looks_for_test_items else "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(RuleInfo, Generic[Checked]):
    """A rule that needs no call.

    Attributes:
        check: a function of the text it looks at, and of its parameters by name; returns the
            evidence, or None where the rule does not object.
        title: what messages call a user's own rule.
    """

    check: Callable[..., str | None]
    title: str = ""
    settings: InitVar[tuple[Parameter, ...]] = ()  # what `parameters` was called until 0.1

    def __post_init__(self, settings: tuple[Parameter, ...]) -> None:
        if settings:
            object.__setattr__(self, "parameters", settings)
