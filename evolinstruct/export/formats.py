"""The shapes in which trainers take an instruction and its answer.

Knows the fields of each shape and which of them are texts. Knows no file and no trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evolinstruct.records import Kept

Row = dict[str, Any]

SEED = "seed"
"""What stands as the operation of an instruction that no operation made: a column has no gaps."""
_TURN = {"role": str, "content": str}
_ORIGIN = {"id": str, "seed_id": str, "generation": int, "operation": str}
"""Where a row comes from; trainers pass over columns that they do not know."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of training data.

    Attributes:
        name: as on the command line.
        fields: the type of each field, as `parquet.Writer` takes them.
        traced: whether a row also says where it comes from.
        make: the fields of a line, under a system text if there is one.
    """

    name: str
    fields: Mapping[str, Any]
    traced: bool
    make: Callable[[Kept, str | None], Row]

    def row(self, line: Kept, system: str | None) -> Row:
        """Return a line that has an answer in this shape."""
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


def _alpaca(line: Kept, system: str | None) -> Row:
    instruction, given = line.instruction, line.input or ""
    if given and instruction.endswith(f"\n{given}"):
        instruction = instruction.removesuffix(f"\n{given}")
    else:
        given = ""
    row = {"instruction": instruction, "input": given, "output": line.output}
    return row | {"system": system} if system else row


def _asked(line: Kept, system: str | None) -> list[Row]:
    opening = [{"role": "system", "content": system}] if system else []
    return [*opening, {"role": "user", "content": line.instruction}]


def _answered(line: Kept) -> list[Row]:
    return [{"role": "assistant", "content": line.output}]


def _chat(line: Kept, system: str | None) -> Row:
    return {"messages": _asked(line, system) + _answered(line)}


def _prompt_completion(line: Kept, system: str | None) -> Row:
    return {"prompt": _asked(line, system), "completion": _answered(line)}


def _sharegpt(line: Kept, system: str | None) -> Row:
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    turns = _asked(line, system) + _answered(line)
    return {
        "conversations": [{"from": names[turn["role"]], "value": turn["content"]} for turn in turns]
    }


_ALL = (
    Shape(
        "alpaca",
        {"instruction": str, "input": str, "output": str, "system": str},
        traced=True,
        make=_alpaca,
    ),
    Shape("chat", {"messages": [_TURN]}, traced=True, make=_chat),
    Shape(
        "prompt-completion",
        {"prompt": [_TURN], "completion": [_TURN]},
        traced=True,
        make=_prompt_completion,
    ),
    Shape(
        "sharegpt", {"conversations": [{"from": str, "value": str}]}, traced=True, make=_sharegpt
    ),
    Shape("openai-finetune", {"messages": [_TURN]}, traced=False, make=_chat),
)
SHAPES = {shape.name: shape for shape in _ALL}
"""Every shape by its name."""
