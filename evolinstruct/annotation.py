"""Annotation tools: lines to review as Argilla and Label Studio take them, and decisions back.

Both show a line beside its parent and ask four questions: the decision, the reason, and of an edit
the instruction and the answer as they are to be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast, get_args

from evolinstruct.analysis.browsing import LineBrowser
from evolinstruct.analysis.runs import Run
from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError, UsageError
from evolinstruct.records import Kept
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.reviews import Decision, Reviews, Said, review_file
from evolinstruct.text import did_you_mean, listed

DECISION, REASON = "decision", "reason"
INSTRUCTION, OUTPUT = "edited_instruction", "edited_output"
_QUESTIONS = (DECISION, REASON, INSTRUCTION, OUTPUT)
_WHOLE: Final = "submitted"
_Record = dict[str, Any]


# Out


def write_tasks(run: Path, browser: LineBrowser, tool: str, out: Path) -> int:
    """Write what a tool takes for each kept line that is chosen; return how many there are.

    Raises:
        UsageError: the tool is unknown, or a filter is wrong.
        InputError: the run cannot be read or the file written, or no line is chosen.
    """
    if tool not in TOOLS:
        raise UsageError(
            f"--export {tool}: unknown tool{did_you_mean(tool, TOOLS)}; the tools are"
            f" {', '.join(TOOLS)}."
        )
    chosen = {entry.line.id for entry in browser.entries()}
    if not chosen:
        raise InputError(f"No evolved instruction of {run} passes these filters; change them.")
    steps = (step for family in Run(run).families() for step in family.steps)
    with replaced(out) as file:
        for count, step in enumerate(step for step in steps if step.line.id in chosen):
            record = TOOLS[tool](step.parent.instruction, cast("Kept", step.line))
            file.write(b",\n" if count else b"[\n")
            file.write(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"))
        file.write(b"\n]\n")
    return len(chosen)


def _argilla(parent: str, line: Kept) -> _Record:
    shown = {"parent": parent, "instruction": line.instruction, "output": line.output or ""}
    known = {"generation": line.generation, "operation": line.operation}
    proposed = {INSTRUCTION: {"value": line.instruction, "score": None, "agent": None}}
    return {
        "id": line.id,
        "status": "pending",
        "fields": shown,
        "metadata": known,
        "vectors": {},
        "responses": {},
        "suggestions": proposed,
    }


def _label_studio(parent: str, line: Kept) -> _Record:
    record = _argilla(parent, line)
    return {"data": {"id": line.id, **record["fields"], **record["metadata"]}}


TOOLS: Mapping[str, Callable[[str, Kept], _Record]] = {
    "argilla": _argilla,
    "labelstudio": _label_studio,
}
"""The tools by name, and what each takes for a line and its parent."""


# In


@dataclass(frozen=True, slots=True)
class Response:
    """What one user of a tool says of one line.

    Attributes:
        line_id: the line.
        instruction: what was shown.
        output: the answer that was shown; None where there was none.
        user: who says it, as the tool names users.
        said: the answer to each question, where there is one.
    """

    line_id: str
    instruction: str
    output: str | None
    user: str
    said: Mapping[str, str]

    def decision(self, reviews: Reviews) -> Decision:
        """Return it as a decision about the text that was shown.

        Raises:
            ValueError: it does not say which.
        """
        said = self.said.get(DECISION)
        if said not in get_args(Said):
            raise ValueError(f"its {DECISION!r} is none of {', '.join(get_args(Said))}")
        shown = Kept(
            self.line_id, "", None, 1, None, None, self.instruction, None, self.output,
            None, None, None,
        )  # fmt: skip
        reason = self.said.get(REASON) or None
        return reviews.decide(shown, cast("Said", said), reason, self._texts())

    def _texts(self) -> tuple[str, str | None]:
        """Return the texts as they are to be: an answer belongs to the instruction it was for."""
        instruction = self.said.get(INSTRUCTION) or self.instruction
        same = self.output if instruction == self.instruction else None
        return instruction, self.said.get(OUTPUT) or same


def read_responses(file: Path, user: str | None = None) -> list[Response]:
    """Read what a tool has written, of one user.

    Args:
        file: records of Argilla (``to_json``) or tasks of Label Studio (JSON).
        user: whose; None where only one has responded.

    Raises:
        InputError: the file cannot be read, is none of these, or several users have responded.
    """
    try:
        records = json.loads(file.read_bytes())
        found = [each for record in records for each in _responses(record)]
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}; correct its name.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{file} is neither a list of Argilla's records nor of Label Studio's tasks"
            f" ({type(error).__name__}: {str(error)[:80]}); export it as JSON."
        ) from error
    users = sorted({each.user for each in found})
    if user is None and len(users) > 1:
        raise InputError(
            f"{file} has responses of {len(users)} users, {listed(users[:_NAMED])}; bring in one"
            " after the other, each with --user and a name of its own."
        )
    chosen = [each for each in found if user in (None, each.user)]
    if not chosen:
        others = f"; it has those of {listed(users[:_NAMED])}" if users else ""
        raise InputError(f"{file} has no submitted response{f' of {user}' * bool(user)}{others}.")
    return chosen


_NAMED = 5


def _responses(record: _Record) -> Iterator[Response]:
    """Yield the responses to a record of either tool."""
    if "annotations" in record:
        shown, by_user = record["data"], _of_label_studio(record["annotations"])
        line_id = shown["id"]
    else:
        shown, by_user = record.get("fields", record), _of_argilla(record)
        line_id = record["id"]
    for user, said in by_user.items():
        if DECISION in said:
            yield Response(
                str(line_id), str(shown["instruction"]), shown["output"] or None, user, said
            )


def _of_argilla(record: _Record) -> dict[str, dict[str, str]]:
    """Return what each user submitted; records come nested or flat."""
    said: dict[str, dict[str, str]] = {}
    for question in _QUESTIONS:
        for value, user, status in _argilla_values(record, question):
            if status == _WHOLE:
                said.setdefault(str(user), {})[question] = str(value)
    return said


def _argilla_values(record: _Record, question: str) -> Iterator[tuple[Any, Any, Any]]:
    if "responses" in record:
        for each in record["responses"].get(question) or ():
            yield each["value"], each["user_id"], each["status"]
        return
    name = f"{question}.responses"
    parts = (record.get(key) or () for key in (name, f"{name}.users", f"{name}.status"))
    yield from zip(*parts, strict=True)


def _of_label_studio(annotations: Sequence[_Record]) -> dict[str, dict[str, str]]:
    """Return what each user says; the last annotation of a user counts."""
    said: dict[str, dict[str, str]] = {}
    for annotation in annotations:
        if not annotation.get("was_cancelled"):
            by = annotation["completed_by"]
            user = str(by.get("email") or by["id"]) if isinstance(by, dict) else str(by)
            said[user] = dict(map(_answer, annotation["result"]))
    return said


def _answer(result: _Record) -> tuple[str, str]:
    value = result["value"]
    given = value.get("choices", value.get("text", ""))
    return result["from_name"], given if isinstance(given, str) else "\n".join(given)


def bring_in(run: Run, name: str, responses: Iterable[Response]) -> dict[str, int]:
    """Add responses to a reviewer's decisions; what is decided already is not added again.

    Returns:
        How many are ``added``, ``known`` already, and ``elsewhere``: about lines of another run.

    Raises:
        InputError: a response is none, or the file cannot be written.
    """
    file, reviews = review_file(run.path, name), run.reviews()
    before, ours = reviews.by(name), {line.id for line in run.instructions()}
    ours |= {line.id for line in run.rejections()}
    counts, new = {"added": 0, "known": 0, "elsewhere": 0}, []
    for response in responses:
        if response.line_id not in ours:
            counts["elsewhere"] += 1
            continue
        try:
            decision = response.decision(reviews)
        except ValueError as error:
            raise InputError(f"The response about {response.line_id}: {error}.") from error
        is_known = decision.says_as(before.get(response.line_id))
        counts["known" if is_known else "added"] += 1
        new += [] if is_known else [decision]
    if new:
        flat.append(file, *new)
    return counts
