"""The page Blind comparison of `evolinstruct view`, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.judging import Question, Text, blind_pairs, person_verdicts
from evolinstruct.judging.contest import TEXTS, write_questions
from evolinstruct.run_dir import flat
from tests.browsing import Answer, Viewer, viewing
from tests.runs import finished

pytest.importorskip("starlette", reason="starlette")
pytest.importorskip("uvicorn", reason="uvicorn")

NAMES = ("first-of-all", "the-other")


def write_contest(directory: Path, size: int) -> Path:
    """Write what two contestants say to so many questions."""
    directory.mkdir()
    questions = [Question(f"q{n}", f"Name {n} rivers.") for n in range(size)]
    said = ("Rhine <b>& co</b> of {}", "Nile of {}")
    texts = [
        Text(each.id, name, None, text.format(each.id))
        for each in questions
        for name, text in zip(NAMES, said, strict=True)
    ]
    write_questions(directory, questions)
    (directory / TEXTS).write_bytes(b"".join(map(flat.encode, texts)))
    return directory


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_contest(tmp_path_factory.mktemp("contest") / "judged", 8)


@pytest.fixture(scope="module")
def viewer(contest: Path) -> Iterator[Viewer]:
    with viewing(contest, finished(3)) as viewer:
        viewer.enter()
        yield viewer


def pairs(viewer: Viewer, name: str = "ann") -> list[dict[str, Any]]:
    found = json.loads(viewer.ask(f"/1/comparison/pairs?name={name}").text)["things"]
    return list(found)


def decide(viewer: Viewer, pair: dict[str, Any], verdict: object, **said: object) -> Answer:
    body = {"name": "ann", "place": pair["place"], "shown": pair["shown"], "decision": verdict}
    posted = json.dumps({**body, **said})
    return viewer.ask("/1/comparison/decide", "POST", posted, Origin=viewer.origin)


@pytest.mark.slow
def test_a_directory_of_a_contest_has_the_page_and_a_run_has_not(viewer: Viewer) -> None:
    assert viewer.ask("/1").headers["location"] == "/1/comparison"
    assert viewer.ask("/1/review").status == 404
    assert viewer.ask("/2/comparison").status == 404


def test_no_name_of_a_contestant_reaches_the_page(viewer: Viewer, contest: Path) -> None:
    for path in ("/1/comparison", "/1/comparison?name=ann", "/1/comparison/pairs?name=ann"):
        said = viewer.ask(path).text
        assert not any(name in said for name in NAMES)
    shown = [(pair["first"], pair["second"]) for pair in pairs(viewer)]
    drawn = blind_pairs(contest, "ann")
    assert shown == [(pair.first_text, pair.second_text) for pair in drawn]
    assert {pair.first for pair in drawn} == {*NAMES}  # sides are drawn


def test_a_verdict_is_in_the_file_when_it_is_answered(viewer: Viewer, contest: Path) -> None:
    drawn = blind_pairs(contest, "ann")
    for place, verdict in enumerate(("first", "second", "tie")):
        assert decide(viewer, pairs(viewer)[place], verdict).status == 200
        said = [*person_verdicts(contest, "ann")][place]
        assert (said.question_id, said.first, said.verdict) == (
            *(drawn[place].question.id, drawn[place].first),
            verdict,
        )
    found = [pair["decision"] for pair in pairs(viewer)]
    assert found == ["first", "second", "tie"] + [None] * 5
    assert [pair["decision"] for pair in pairs(viewer, "bob")] == [None] * 8


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"shown": "another"}, "Its text has changed since it was shown; load the page again."),
        ({"place": 99}, "Its text has changed since it was shown"),
        ({"place": "0"}, "Its text has changed since it was shown"),
        ({"decision": "both"}, "'both' is no verdict"),
        ({"decision": None}, "None is no verdict"),
        ({"decision": ["tie"]}, "is no verdict"),
    ],
)
def test_what_is_no_verdict_is_refused_in_a_sentence(
    viewer: Viewer, contest: Path, said: dict[str, object], why: str
) -> None:
    before = {path: path.read_bytes() for path in contest.rglob("*.jsonl")}
    answer = decide(viewer, pairs(viewer)[7], "tie", **said)
    assert (answer.status, why in json.loads(answer.text)["trouble"]) == (400, True)
    assert before == {path: path.read_bytes() for path in contest.rglob("*.jsonl")}


@pytest.mark.slow
def test_a_page_of_another_origin_cannot_judge(viewer: Viewer) -> None:
    pair = pairs(viewer)[7]
    body = json.dumps({"name": "eve", **pair, "decision": "tie"})
    answer = viewer.ask("/1/comparison/decide", "POST", body, Origin="http://evil.example")
    assert answer.status == 403
