"""Purposes: what calls are made for, one row each.

Settings, prompt packs, forecast, estimate, retries and the offline client read this table. A new
purpose is a row here and a file ``NAME.txt`` in the prompt pack.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

ALWAYS, NEVER = "always", "never"
"""What a row says in place of the setting that switches its calls."""
BEFORE_ANSWER = ("evolve", "compare")
"""The purposes that an instruction meets before it is answered."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is known of the calls of one purpose.

    Attributes:
        name: as settings, the journal and the run's files have it.
        prompt: the places of its prompt, and which text fills each: in a run, the instruction
            before the step (``parent``) or after it (``child``), or an ``answer`` to that.
        worded_by: where its prompts stand in a pack: a ``file`` of its name, the ``operations`` or
            the ``measures``; nowhere where what is sent is ``code``.
        of_rewrites: the setting that has it asked of each evolved instruction.
        done: what an instruction is that has been through it.
        of_seeds: the setting that has it asked of each seed that lacks an answer.
        reply: what kind of text comes back, which says how it is read: an ``instruction`` is taken
            out of its wrappers, a ``verdict`` is yes, no or unclear, a ``text`` is data as it is, a
            ``judgement`` is an order, a number or tags, a ``preference`` the better one of two,
            ``tests`` are asserts in a block of code, ``results`` what came of them, ``feedback`` is
            prose, a ``method`` stands between marks.
        tokens: how long a reply usually is; None: as long as the evolved instruction.
        passes: the share of instructions that usually goes on to the next purpose.
        judged_if: the setting without which all of them go on.
        again: the share of calls that is usually made once more, because the reply was cut off or
            unclear. No call is made more than twice for that.
        retried_for: the stages of rules whose rejections another reply to this call may avert.
        for_check: the check that it works for: only runs whose pack names it ask it. None: any.
        asks: who replies: a model, or the sandbox that runs what models wrote.
        borrowed: whether a pack that has no file of its name has that of general.
    """

    name: str
    prompt: Mapping[str, str]
    of_rewrites: str
    done: str
    reply: Literal[
        "instruction",
        "verdict",
        "text",
        "tests",
        "results",
        "judgement",
        "preference",
        "feedback",
        "method",
    ]
    of_seeds: str = NEVER
    worded_by: Literal["file", "operations", "measures", "code"] = "file"
    tokens: int | None = None
    passes: float = 1.0
    judged_if: str = ALWAYS
    again: float = 0.0
    retried_for: tuple[str, ...] = ()
    for_check: str | None = None
    asks: Literal["model", "sandbox"] = "model"
    borrowed: bool = False

    @property
    def of_stages(self) -> bool:
        """Whether only stages ask it, and no run."""
        return (self.of_rewrites, self.of_seeds) == (NEVER, NEVER)

    def is_asked_by_runs(self, checks: Collection[str] = ()) -> bool:
        """Tell whether `evolve` asks it at all, with a pack that names these checks."""
        return not self.of_stages and (self.for_check is None or self.for_check in checks)

    def is_asked_of_rewrites(self, recipe: object) -> bool:
        """Tell whether a run with these settings asks it of evolved instructions."""
        return is_on(self.of_rewrites, recipe)

    def is_asked_of_seeds(self, recipe: object) -> bool:
        """Tell whether a run with these settings asks it of seeds."""
        return is_on(self.of_seeds, recipe)


def is_on(setting: str, recipe: object) -> bool:
    """Tell whether a switch of the recipe is on; `ALWAYS` and `NEVER` need no recipe."""
    return setting == ALWAYS or (setting != NEVER and bool(getattr(recipe, setting)))


# The shares are those of the offline client, which keeps about 85 in 100; the paper's figures
# (250,000 instructions of 52,000 seeds in 4 generations) come to 95.
PURPOSES: dict[str, Purpose] = {
    row.name: row
    for row in (
        Purpose(
            "evolve",
            {"instruction": "parent"},
            of_rewrites=ALWAYS,
            done="rewritten",
            reply="instruction",
            worded_by="operations",
            passes=0.95,
            judged_if="eliminate",
            again=0.001,
            retried_for=("rewrite", "comparison", "review", "pool"),
        ),
        Purpose(
            "compare",
            {"parent": "parent", "child": "child"},
            of_rewrites="compare",
            done="compared",
            reply="verdict",
            tokens=4,
            passes=0.95,
            judged_if="compare",
            again=0.02,
        ),
        Purpose(
            "answer",
            {"instruction": "child"},
            of_rewrites="answers",
            done="answered",
            of_seeds="answer_seeds",
            reply="text",
            tokens=350,
            passes=0.95,
            judged_if="eliminate",
            again=0.01,
            retried_for=("answer",),
        ),
        Purpose(
            "tests",
            {"instruction": "child"},
            of_rewrites="answers",
            done="given tests",
            of_seeds="answer_seeds",
            reply="tests",
            tokens=250,
            again=0.01,
            for_check="unit_tests",
        ),
        Purpose(
            "run",
            {},
            of_rewrites="answers",
            done="run",
            of_seeds="answer_seeds",
            reply="results",
            worded_by="code",
            tokens=0,
            again=0.1,
            passes=0.8,
            judged_if="eliminate",
            for_check="unit_tests",
            asks="sandbox",
        ),
        Purpose(
            "improve",
            {"instruction": "child", "answer": "answer"},
            of_rewrites="evolve_answers",
            done="improved",
            of_seeds="evolves_answers_of_seeds",
            reply="text",
            tokens=400,
            again=0.01,
            borrowed=True,
        ),
        Purpose(
            "score",
            {},
            of_rewrites=NEVER,
            done="scored",
            reply="judgement",
            worded_by="measures",
            again=0.02,
        ),
        Purpose(
            "solve",
            {},
            of_rewrites=NEVER,
            done="solved",
            reply="text",
            worded_by="measures",
            tokens=350,
        ),
        Purpose(
            "judge",
            {"instruction": "child", "first": "answer", "second": "answer"},
            of_rewrites="judges",
            done="judged",
            of_seeds="judges_seeds",
            reply="preference",
            worded_by="measures",
            tokens=150,
            again=0.03,
        ),
        Purpose(
            "analyse",
            {"method": "method", "cases": "cases"},
            of_rewrites=NEVER,
            done="analysed",
            reply="feedback",
            tokens=400,
        ),
        Purpose(
            "optimize",
            {"prompt": "prompt", "method": "method", "feedback": "feedback"},
            of_rewrites=NEVER,
            done="optimized",
            reply="method",
            tokens=400,
        ),
    )
}
"""Every purpose: those of a run in the order in which an instruction meets them, then a stage's."""


def of_models() -> list[str]:
    """Return the purposes that a model is asked for, so that settings may name them."""
    return [name for name, row in PURPOSES.items() if row.asks == "model"]


def asks_sandbox(purpose: str) -> bool:
    """Tell whether a purpose is for the sandbox; whatever is unknown is for a model."""
    row = PURPOSES.get(purpose)
    return row is not None and row.asks == "sandbox"


def asked_by_runs(checks: Collection[str] = ()) -> dict[str, Purpose]:
    """Return the purposes that runs may ask whose pack names these checks."""
    return {name: row for name, row in PURPOSES.items() if row.is_asked_by_runs(checks)}


def asked_by(recipe: object, checks: Collection[str] = ()) -> list[str]:
    """Return the purposes that a run asks with these settings and a pack of these checks."""
    return [
        name
        for name, row in asked_by_runs(checks).items()
        if row.is_asked_of_rewrites(recipe) or row.is_asked_of_seeds(recipe)
    ]
