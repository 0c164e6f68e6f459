"""Code and tests of the offline client: for an instruction, one of a few small tasks.

The code and the tests are for the same task, because both go by the text of the instruction alone;
the task has nothing to do with that text.
"""

from __future__ import annotations

from dataclasses import dataclass

from evolinstruct.llm.base import CallContext
from evolinstruct.llm.offline.grammar import Writer

_WRONG_IN = 6
"""One solution in so many is wrong."""
_UNKNOWN_IN = 20
"""For one task in so many, each solution uses what the sandbox lacks."""
_TWICE_IN = 12
"""One solution in so many stands after an earlier attempt."""


@dataclass(frozen=True, slots=True)
class Task:
    """A small task.

    Attributes:
        code: a function that solves it.
        right: a part of the function.
        slip: what stands in its place in a wrong one.
        tests: asserts that the function passes.
    """

    code: str
    right: str
    slip: str
    tests: tuple[str, ...]


TASKS = (
    Task(
        "def total_above(values, limit):\n"
        "    return sum(value for value in values if value > limit)\n",
        "> limit",
        ">= limit",
        (
            "assert total_above([1, 5, 9], 5) == 9",
            "assert total_above([], 3) == 0",
            "assert total_above([4, 4], 3) == 8",
            "assert total_above([-2, 7], -5) == 5",
        ),
    ),
    Task(
        "def longest_run(text):\n"
        "    best, run, last = 0, 0, None\n"
        "    for sign in text:\n"
        "        run = run + 1 if sign == last else 1\n"
        "        last = sign\n"
        "        best = max(best, run)\n"
        "    return best\n",
        "else 1",
        "else 0",
        (
            'assert longest_run("aabbb") == 3',
            'assert longest_run("") == 0',
            'assert longest_run("abc") == 1',
            'assert longest_run("zzzz") == 4',
        ),
    ),
    Task(
        "def closest(values, target):\n"
        "    return min(values, key=lambda value: (abs(value - target), value))\n",
        "min(values",
        "max(values",
        (
            "assert closest([1, 8, 12], 9) == 8",
            "assert closest([4, 6], 5) == 4",
            "assert closest([-3], 40) == -3",
        ),
    ),
    Task(
        "def order_words(text):\n"
        "    words = text.split()\n"
        "    return sorted(set(words), key=lambda word: (-words.count(word), word))\n",
        "-words.count",
        "words.count",
        (
            'assert order_words("tea milk tea") == ["tea", "milk"]',
            'assert order_words("") == []',
            'assert order_words("b a b a c") == ["a", "b", "c"]',
            'assert order_words("one") == ["one"]',
        ),
    ),
    Task(
        "def split_bill(cents, people):\n"
        "    share, rest = divmod(cents, people)\n"
        "    return [share + 1] * rest + [share] * (people - rest)\n",
        "[share + 1] * rest",
        "[share] * rest",
        (
            "assert split_bill(100, 3) == [34, 33, 33]",
            "assert split_bill(90, 2) == [45, 45]",
            "assert sum(split_bill(1001, 7)) == 1001",
            "assert split_bill(0, 2) == [0, 0]",
        ),
    ),
    Task(
        "def missing_numbers(numbers):\n"
        "    if not numbers:\n"
        "        return []\n"
        "    known = set(numbers)\n"
        "    return [each for each in range(min(known), max(known)) if each not in known]\n",
        "min(known)",
        "min(known) + 2",
        (
            "assert missing_numbers([1, 3, 4]) == [2]",
            "assert missing_numbers([]) == []",
            "assert missing_numbers([7]) == []",
            "assert missing_numbers([10, 13]) == [11, 12]",
        ),
    ),
)

_UNKNOWN = "def each_of(values):\n    yield from values\n\n\n"  # the sandbox has no generators


def task_of(context: CallContext) -> Task:
    """Return the task that stands for an instruction."""
    return Writer(context.instruction, "").pick(TASKS)


def solve(context: CallContext, writer: Writer) -> str:
    """Return a sentence and a block of code, in most cases right."""
    task = task_of(context)
    said = writer.sentence(writer.pick(writer.phrases["opening"]))
    wrong = task.code.replace(task.right, task.slip)
    code = wrong if writer.roll(_WRONG_IN) == 0 else task.code
    if Writer(f"lacks {context.instruction}", "").roll(_UNKNOWN_IN) == 0:
        code = _UNKNOWN + code
    earlier = f"{_block(wrong)}\n\n" if writer.roll(_TWICE_IN) == 0 else ""
    return f"{said}\n\n{earlier}{_block(code)}"


def write_tests(context: CallContext, _writer: Writer) -> str:
    """Return a block of asserts."""
    return _block("\n".join(task_of(context).tests) + "\n")


def _block(code: str) -> str:
    return f"```python\n{code}```"
