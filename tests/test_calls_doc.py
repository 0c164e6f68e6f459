"""docs/calls.md names every way in which a call can end, as the code has it."""

import re
from pathlib import Path

from evolinstruct import errors
from evolinstruct.llm.openai.errors import BY_CLASS, BY_STATUS, ErrorMeaning

DOC = Path(__file__).parent.parent / "docs" / "calls.md"
ENDS = {
    errors.TryAgain: "try again",
    errors.CallRejected: "rejection",
    errors.CallFailed: "failure",
    errors.ServiceRefused: "stop",
}


def leaves(kind: type[Exception]) -> set[type[Exception]]:
    below = kind.__subclasses__()
    return {leaf for sub in below for leaf in leaves(sub)} if below else {kind}


def name(row: type[BaseException] | int | str) -> str:
    if not isinstance(row, type):
        return f"status {row}"
    package = row.__module__.split(".")[0]
    return f"`{row.__name__}`" if package == "builtins" else f"`{package}.{row.__name__}`"


def end(meaning: ErrorMeaning) -> str:
    name = f"`{meaning.name or 'http_' + 'STATUS'}`"
    if meaning.error is errors.CallFailed and meaning.advice:
        return f"failure: {name}; where every call ends so, stop: {meaning.advice}"
    return f"{ENDS[meaning.error]}: {meaning.advice or name}"


def generated() -> str:
    table = [*BY_STATUS.items(), *BY_CLASS.items()]
    rows = "".join(f"| {name(row)} | {end(meaning)} |\n" for row, meaning in table)
    return f"\n| status or error | end |\n|---|---|\n{rows}\n"


def test_the_table_of_statuses_and_errors_is_that_of_the_client() -> None:
    [written] = re.findall(r"<!-- generated.*?-->\n(.*?)<!-- end -->", DOC.read_text(), re.DOTALL)
    assert written == generated()


def test_every_leaf_of_the_error_tree_has_its_row_and_exit_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (\d*) ?\|$", DOC.read_text(), re.MULTILINE))
    known = leaves(errors.CallError) | leaves(errors.StopRun)
    expected = {leaf.__name__: str(getattr(leaf, "exit_code", "")) for leaf in known}
    assert rows == expected
