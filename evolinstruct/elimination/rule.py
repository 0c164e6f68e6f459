"""What a rule is: what it looks at, what it says, and what a user may know and set of it.

Knows no rule by name, no call, no file and no setting of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from evolinstruct.records import Kept, Rejected

Judged = TypeVar("Judged")
Stage = Literal["service", "rewrite", "comparison", "pool", "answer"]
"""When a rule is asked: with every call, of a rewrite, by a call of its own, of a rewrite beside
all that came before it, of an answer."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a text is dropped.

    Attributes:
        rule: the name of the rule.
        evidence: what it saw, such as the words that matched.
    """

    rule: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What the rules for rewrites look at.

    Attributes:
        parent: the instruction that was to be evolved.
        child: what the model made of it, as read from its reply.
        phrases: the prompt pack's markers, lower-case, with or without their # signs.
        operation: the operation that was asked for.
        kind: ``in-depth`` or ``in-breadth``; None where it is not known.
        format: the data format that the operation drew, or None.
        input: the parent's own input, where it is a seed that has one.
    """

    parent: str
    child: str
    phrases: tuple[str, ...]
    operation: str | None = None
    kind: str | None = None
    format: str | None = None
    input: str | None = None

    @classmethod
    def of(
        cls, parent: Kept, child: Kept | Rejected, kind: str | None, phrases: tuple[str, ...]
    ) -> Rewrite:
        """Return what two lines, an instruction and what became of it, show to the rules."""
        return cls(
            parent.instruction,
            child.instruction,
            phrases,
            child.operation,
            kind,
            child.format,
            parent.input,
        )

    @property
    def in_depth(self) -> bool:
        """Whether the child was to be the same task, harder."""
        return self.kind == "in-depth"

    @property
    def plain_in_depth(self) -> bool:
        """Whether the child was to be the same task, harder, with no data added to it."""
        return self.kind == "in-depth" and self.format is None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules for answers look at.

    Attributes:
        instruction: what was asked.
        response: what the model answered, reasoning left out.
    """

    instruction: str
    response: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that a user may set for a rule.

    Attributes:
        name: as it stands in a recipe.
        default: its value unless set.
        least: the least value that makes sense.
        most: the greatest.
        meaning: what it is, in a few words, with its unit.
    """

    name: str
    default: float
    least: float
    most: float
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """What a user may know of a rule.

    Attributes:
        name: as it stands in the files.
        meaning: what it drops, in one sentence.
        cause: where many evolutions fall to it: the usual cause, and what to look at.
        stage: when it is asked.
        structural: it is on whatever the settings say, as nothing sensible could follow.
        on: whether it is on unless the settings say otherwise.
        paper: its number in the paper that the method comes from (WizardLM, section 3.2), if any.
        against: it looks for test items, and is never on where none are given.
        cost: what it costs.
        settings: what can be set; the first is what ``--rule NAME=VALUE`` sets.
        digest: of what decides beside the settings: the code of a rule of the user's own, say.
    """

    name: str
    meaning: str
    cause: str
    stage: Stage
    structural: bool = False
    on: bool = True
    paper: int | None = None
    against: bool = False
    cost: str = "free"
    settings: tuple[Setting, ...] = ()
    digest: str = ""

    @property
    def default(self) -> str:
        """When it is on unless the settings say otherwise."""
        if self.structural:
            return "always"
        if not self.on:
            return "off"
        return "--against" if self.against else "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(RuleInfo, Generic[Judged]):
    """A rule that needs no call.

    Attributes:
        check: is called with what it looks at, and its settings by name; returns the evidence, or
            None where the rule has no objection.
        needs: the package that it needs beside those of the program, if any.
    """

    check: Callable[..., str | None]
    needs: str | None = None
