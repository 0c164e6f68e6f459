"""`evolinstruct review`: what was decided, and the way to other tools and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.analysis.runs import Run
from evolinstruct.records import Kept
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.reviews import Said, review_file
from tests.command_line import enter, evolinstruct
from tests.runs import copied


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that a test may review, in the current directory."""
    enter(tmp_path, monkeypatch)
    return copied(Path("run"), 12, client="offline", generations=2)


def kept(run: Path) -> list[Kept]:
    return [line for line in Run(run).instructions() if line.generation]


def decide(run: Path, name: str, *said: Said | None) -> None:
    reviews = Run(run).reviews()
    lines = zip(kept(run), said, strict=False)
    flat.append(review_file(run, name), *(reviews.decide(*each) for each in lines if each[1]))


# --- what was decided ---------------------------------------------------------------------------


def test_without_reviews_it_says_where_to_begin(run: Path) -> None:
    result = evolinstruct("review run")
    assert result.exit_code == 0
    assert "Nobody has decided about a line of run yet; begin with `evolinstruct view run`." in (
        result.stderr
    )


def test_it_tells_progress_agreement_conflicts_and_what_is_void(run: Path) -> None:
    decide(run, "ann", "accepted", "accepted", "rejected", "rejected")
    decide(run, "bob", "accepted", "rejected", "rejected")
    with review_file(run, "bob").open("a") as file:
        file.write('{"id": "x", "decision": "accepted", "text_digest": "gone", "at": ""}\n')
    lines, differ = kept(run), kept(run)[1].id
    said = evolinstruct("review run").stderr
    rows = [row.split(maxsplit=5) for row in said.splitlines()]
    assert ["ann", "2", "2", "0", "0", f"4 of {len(lines)}"] in rows
    assert ["bob", "1", "2", "0", "1", f"3 of {len(lines)}"] in rows
    assert "ann and bob say the same of 66.7% of 3 lines (Cohen's kappa 0.4)." in said
    assert f"    {differ}  ann accepted and bob rejected" in said
    facts = json.loads(evolinstruct("review run --json").stdout)
    assert facts["agreed"] == {"accepted": 1, "rejected": 2}
    assert facts["conflicts"].keys() == {differ}
    assert facts["reviewers"]["bob"] == {"accepted": 1, "rejected": 2, "void": 1}


ONE = {
    "decision.responses": ["accepted"],
    "decision.responses.users": ["u"],
    "decision.responses.status": ["submitted"],
}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--export prodigy out.json", "--export prodigy: unknown tool; the tools are argilla, lab"),
        ("--export argilla run/x.json", "run/x.json lies among the files of a run"),
        ("--export argilla out.json -g 0", "No evolved instruction of run passes these filters"),
        ("--import in.json", "--import FILE and --as NAME go together"),
        ("--import in.json --as ann", "in.json has no submitted response."),
        ("--import one.json --as a/b", "The name 'a/b' cannot be that of a file"),
        ("--import none.json --as ann", "none.json cannot be read: No such file or directory"),
        ("--import seeds.txt --as ann", "seeds.txt is neither a list of Argilla's records nor"),
        ("--import in.json --as ann --export argilla a", "are two commands"),
    ],
)
def test_what_it_cannot_do_is_said_in_a_sentence(words: str, said: str) -> None:
    Path("in.json").write_text("[]")
    one = {"id": "a", "instruction": "b", "output": "", **ONE}
    Path("one.json").write_text(json.dumps([one]))
    result = evolinstruct(f"review run {words}")
    assert said in result.stderr
    assert result.exit_code in (1, 2)


# --- another tool, and back ---------------------------------------------------------------------

Respond = Callable[[dict[str, Any], str, dict[str, str]], dict[str, Any]]


def in_argilla(record: dict[str, Any], user: str, said: dict[str, str]) -> dict[str, Any]:
    """Respond as Argilla's `to_json` has it."""
    responses = {
        question: [{"value": value, "user_id": user, "status": "submitted"}]
        for question, value in said.items()
    }
    draft = [{"value": "rejected", "user_id": "other", "status": "draft"}]
    responses["decision"] += draft
    return {**record, "status": "completed", "responses": responses}


def in_argilla_flat(record: dict[str, Any], user: str, said: dict[str, str]) -> dict[str, Any]:
    """Respond as Argilla's `to_list(flatten=True)` has it."""
    flat_record = {"id": record["id"], **record["fields"]}
    for question, value in said.items():
        flat_record[f"{question}.responses"] = [value]
        flat_record[f"{question}.responses.users"] = [user]
        flat_record[f"{question}.responses.status"] = ["submitted"]
    return flat_record


def in_label_studio(task: dict[str, Any], user: str, said: dict[str, str]) -> dict[str, Any]:
    """Respond as Label Studio's JSON export has it: a first try, the last word, a cancelled one."""

    def annotation(said: dict[str, str], **more: object) -> dict[str, Any]:
        results = [
            {"from_name": name, "to_name": "instruction", "value": _value(name, value)}
            for name, value in said.items()
        ]
        return {"completed_by": {"id": 7, "email": user}, "result": results, **more}

    cancelled = annotation({"decision": "rejected"}, was_cancelled=True)
    first = annotation({"decision": "rejected"})
    return {**task, "annotations": [first, annotation(said, was_cancelled=False), cancelled]}


def _value(name: str, value: str) -> dict[str, Any]:
    return {"choices": [value]} if name == "decision" else {"text": [value]}


WAYS: list[tuple[str, Respond]] = [
    ("argilla", in_argilla),
    ("argilla", in_argilla_flat),
    ("labelstudio", in_label_studio),
]


def respond(tool: str, how: Respond, said: list[dict[str, str]], user: str = "u@x") -> list[Any]:
    """Export the run to a tool, respond to the first tasks there; return its export."""
    assert evolinstruct(f"review run --export {tool} tasks.json").exit_code == 0
    tasks = json.loads(Path("tasks.json").read_text())
    return [how(task, user, each) for task, each in zip(tasks, said, strict=False)]


@pytest.mark.parametrize(("tool", "how"), WAYS)
def test_what_is_said_in_another_tool_comes_back_as_decisions(
    run: Path, tool: str, how: Respond
) -> None:
    said = [
        {"decision": "accepted"},
        {"decision": "rejected", "reason": "dull"},
        {"decision": "edited", "edited_instruction": "Anew."},
        {"decision": "edited", "edited_instruction": "Anew.", "edited_output": "So be it."},
        {"decision": "edited", "edited_output": "So be it."},
    ]
    Path("back.json").write_text(json.dumps(respond(tool, how, said)))
    result = evolinstruct("review run --import back.json --as ann")
    assert "5 decisions added to reviews/ann.jsonl; 0 known already, 0 about" in result.stderr
    reviews = Run(run).reviews()
    tasks = json.loads(Path("tasks.json").read_text())
    lines = {line.id: line for line in kept(run)}
    shown = [lines[task["id"] if "id" in task else task["data"]["id"]] for task in tasks[:5]]
    found = [reviews.about(line) for line in shown]
    assert [(each.meaning, each.reason) for each in found if each] == [
        (("accepted", None, None), None),
        (("rejected", None, None), "dull"),
        (("edited", "Anew.", None), None),
        (("edited", "Anew.", "So be it."), None),
        (("edited", shown[4].instruction, "So be it."), None),
    ]
    again = evolinstruct("review run --import back.json --as ann")
    assert "0 decisions added to reviews/ann.jsonl; 5 known already" in again.stderr


def test_a_task_shows_a_line_beside_its_parent(run: Path) -> None:
    assert evolinstruct("review run --export argilla tasks.json -g 2 --sample 3").exit_code == 0
    tasks = json.loads(Path("tasks.json").read_text())
    lines = {line.id: line for line in Run(run).instructions()}
    assert len(tasks) == 3
    for task in tasks:
        line = lines[task["id"]]
        assert task["fields"] == {
            "parent": lines[line.parent_id or ""].instruction,
            "instruction": line.instruction,
            "output": line.output or "",
        }


def test_responses_of_several_users_come_in_one_by_one(run: Path) -> None:
    said = [{"decision": "accepted"}]
    both = [*respond("argilla", in_argilla, said), *respond("argilla", in_argilla, said, "v@x")]
    Path("back.json").write_text(json.dumps(both))
    refused = evolinstruct("review run --import back.json --as ann")
    assert (refused.exit_code, "of 2 users, u@x and v@x;" in refused.stderr) == (1, True)
    result = evolinstruct("review run --import back.json --as ann --user v@x")
    assert "1 decision added" in result.stderr
    nobody = evolinstruct("review run --import back.json --as ann --user w@x")
    assert "has no submitted response of w@x" in nobody.stderr


def test_a_response_about_a_text_that_has_changed_is_void(run: Path) -> None:
    back = respond("argilla", in_argilla, [{"decision": "rejected"}] * 2)
    back[0]["fields"]["instruction"] = "What stood there before."
    back[1]["id"] = "elsewhere"
    Path("back.json").write_text(json.dumps(back))
    result = evolinstruct("review run --import back.json --as ann")
    assert "1 decision added" in result.stderr
    assert "1 about lines that are not in the run" in result.stderr
    assert json.loads(evolinstruct("review run --json").stdout)["reviewers"]["ann"]["void"] == 1
