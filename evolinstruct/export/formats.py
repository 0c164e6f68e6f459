"""Export formats: the fields in which trainers expect an instruction and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evolinstruct import set_aside
from evolinstruct.checks import decode, demanded, encode, result_of, tests_of
from evolinstruct.records import Kept

TrainingRow = dict[str, Any]

SEED = "seed"
"""The operation of a seed, which no operation made: trainers want a column without gaps."""
_TURN = {"role": str, "content": str}
_ORIGIN = {"id": str, "seed_id": str, "generation": int, "operation": str}
"""The columns that say where a row comes from; trainers ignore columns that they do not know."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of training data.

    Attributes:
        name: its name on the command line.
        fields: the type of each field, as `parquet.Writer` takes them.
        traced: whether a row also says where it comes from.
        make: turns a line into a row, with a system text if there is one.
        of: what a line has to have: an answer, demands that code can verify (answered or not), or
            a pair of answers of which one is known to be worse.
    """

    name: str
    fields: Mapping[str, Any]
    traced: bool
    make: Callable[[Kept, str | None], TrainingRow]
    of: Literal["answers", "demands", "pairs"] = "answers"

    def row(self, line: Kept, system: str | None) -> TrainingRow:
        """Return the row of a line."""
        row = self.make(line, system)
        if self.traced:
            row |= {
                "id": line.id,
                "seed_id": line.seed_id,
                "generation": line.generation,
                "operation": line.operation or SEED,
            }
        return row

    def columns(self, system: str | None) -> dict[str, Any]:
        """Return the type of each column."""
        own = {name: kind for name, kind in self.fields.items() if system or name != "system"}
        return own | (_ORIGIN if self.traced else {})


def _alpaca(line: Kept, system: str | None) -> TrainingRow:
    instruction, given = line.instruction, line.input or ""
    if given and instruction.endswith(f"\n{given}"):
        instruction = instruction.removesuffix(f"\n{given}")
    else:
        given = ""
    row = {"instruction": instruction, "input": given, "output": line.output}
    return row | {"system": system} if system else row


def _asked(line: Kept, system: str | None) -> list[TrainingRow]:
    opening = [{"role": "system", "content": system}] if system else []
    return [*opening, {"role": "user", "content": line.instruction}]


def _answered(line: Kept) -> list[TrainingRow]:
    return _said(line.output)


def _said(answer: str | None) -> list[TrainingRow]:
    return [{"role": "assistant", "content": answer}]


def _chat(line: Kept, system: str | None) -> TrainingRow:
    return {"messages": _asked(line, system) + _answered(line)}


def _prompt_completion(line: Kept, system: str | None) -> TrainingRow:
    return {"prompt": _asked(line, system), "completion": _answered(line)}


def _rlvr(line: Kept, system: str | None) -> TrainingRow:
    checks = decode(line.checks)
    return {
        "prompt": _asked(line, system),
        "constraints": encode(demanded(checks)),
        "tests": tests_of(checks),
        "result": result_of(checks),
    }


def is_verifiable(line: Kept) -> bool:
    """Tell whether code can verify an answer: by constraints, by tests, or by its result."""
    checks = decode(line.checks)
    return bool(demanded(checks) or tests_of(checks) or result_of(checks))


def worse(line: Kept) -> str | None:
    """Return the first answer set aside that is known to be worse than the one that was taken."""
    aside = set_aside.decode(line.set_aside, f"{line.id}: set_aside")
    return next((each.output for each in aside if each.is_worse), None)


def _preferred(line: Kept, system: str | None) -> TrainingRow:
    return {
        "prompt": _asked(line, system),
        "chosen": _answered(line),
        "rejected": _said(worse(line)),
    }


def _preferred_plain(line: Kept, system: str | None) -> TrainingRow:
    asked = f"{system}\n\n{line.instruction}" if system else line.instruction
    return {"prompt": asked, "chosen": line.output, "rejected": worse(line)}


def _sharegpt(line: Kept, system: str | None) -> TrainingRow:
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    turns = _asked(line, system) + _answered(line)
    return {
        "conversations": [{"from": names[turn["role"]], "value": turn["content"]} for turn in turns]
    }


_ALL = (
    Format(
        "alpaca",
        {"instruction": str, "input": str, "output": str, "system": str},
        traced=True,
        make=_alpaca,
    ),
    Format("chat", {"messages": [_TURN]}, traced=True, make=_chat),
    Format(
        "prompt-completion",
        {"prompt": [_TURN], "completion": [_TURN]},
        traced=True,
        make=_prompt_completion,
    ),
    Format(
        "sharegpt", {"conversations": [{"from": str, "value": str}]}, traced=True, make=_sharegpt
    ),
    Format(
        "rlvr",
        {"prompt": [_TURN], "constraints": str, "tests": str, "result": str},
        traced=True,
        make=_rlvr,
        of="demands",
    ),
    Format(
        "dpo",
        {"prompt": [_TURN], "chosen": [_TURN], "rejected": [_TURN]},
        traced=True,
        make=_preferred,
        of="pairs",
    ),
    Format(
        "dpo-plain",
        {"prompt": str, "chosen": str, "rejected": str},
        traced=True,
        make=_preferred_plain,
        of="pairs",
    ),
    Format("openai-finetune", {"messages": [_TURN]}, traced=False, make=_chat),
)
FORMATS = {each.name: each for each in _ALL}
"""The formats by their names."""
