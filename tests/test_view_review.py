"""The page Review of `evolinstruct view`, over real HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from evolinstruct.analysis.runs import Run
from evolinstruct.run_dir.reviews import review_file
from tests.browsing import Answer, Viewer, viewing
from tests.runs import copied
from tests.written import score

pytest.importorskip("starlette", reason="starlette")
pytest.importorskip("uvicorn", reason="uvicorn")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    return copied(folder / "run", 12, client="offline", generations=2)


@pytest.fixture(scope="module")
def viewer(run: Path) -> Iterator[Viewer]:
    with viewing(run) as viewer:
        viewer.enter()
        yield viewer


def lines(viewer: Viewer, **query: object) -> list[dict[str, Any]]:
    answer = viewer.ask(f"/1/review/lines?{urlencode({'name': 'ann', **query})}")
    found: list[dict[str, Any]] = json.loads(answer.text)["things"]
    return found


def decide(viewer: Viewer, line: dict[str, Any], decision: object, **said: object) -> Answer:
    body = {"name": "ann", "id": line["id"], "shown": line["shown"], "decision": decision, **said}
    return viewer.ask("/1/review/decide", "POST", json.dumps(body), Origin=viewer.origin)


# --- which lines --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_sample_is_drawn_and_the_same_for_everybody(viewer: Viewer, run: Path) -> None:
    drawn = [line["id"] for line in lines(viewer, size=5)]
    kept = {line.id for line in Run(run).instructions() if line.generation}
    assert drawn == [line["id"] for line in lines(viewer, size=5, name="bob")]
    assert drawn != [line["id"] for line in lines(viewer, size=5, seed=1)]
    assert (len(drawn), set(drawn) <= kept) == (5, True)


def test_lines_are_chosen_by_generation_operation_and_rule(viewer: Viewer, run: Path) -> None:
    for line in Run(run).instructions(2):
        found = lines(viewer, generation=2, operation=line.operation)
        assert line.id in {each["id"] for each in found}
        assert all(f"generation 2 · {line.operation}" in each["about"] for each in found)
    for rejected in Run(run).rejections():
        found = lines(viewer, rule=rejected.rule)
        assert f"{rejected.rule}: {rejected.evidence}" in {each["rejected"] for each in found}


def test_the_lowest_scores_come_first(viewer: Viewer, run: Path) -> None:
    kept = [line for line in Run(run).instructions() if line.generation]
    value = {line.id: (7.0 * place) % 10 for place, line in enumerate(kept)}
    score(run, lambda line: value.get(line.id))
    found = [value[line["id"]] for line in lines(viewer, lowest="difficulty", size=6)]
    assert found == sorted(value.values())[:6]
    assert "lowest first: difficulty" in viewer.ask("/1/review").text


def test_a_line_comes_whole_with_what_changed_in_it(viewer: Viewer, run: Path) -> None:
    known = {line.id: line for line in Run(run).instructions()}
    for line in lines(viewer):
        record = known[line["id"]]
        assert (line["instruction"], line["output"]) == (record.instruction, record.output)
        assert line["parent"] == known[record.parent_id or ""].instruction
        if line["parts"] is not None:
            after = "".join(text for kind, text in line["parts"] if kind != "removed")
            assert after == record.instruction


# --- decisions ----------------------------------------------------------------------------------


def test_each_decision_is_in_the_file_when_it_is_answered(viewer: Viewer, run: Path) -> None:
    first, second, third = lines(viewer)[:3]
    said = {"instruction": "Anew.", "output": ""}
    assert decide(viewer, first, "accepted").status == 200
    assert decide(viewer, second, "rejected", reason=" dull ").status == 200
    assert decide(viewer, third, "edited", **said).status == 200
    found = [json.loads(line) for line in review_file(run, "ann").read_text().splitlines()]
    assert [
        (each["id"], each["decision"], each["reason"], each["instruction"], each["output"])
        for each in found
    ] == [
        (first["id"], "accepted", None, None, None),
        (second["id"], "rejected", "dull", None, None),
        (third["id"], "edited", None, "Anew.", None),
    ]
    shown = {line["id"]: line["decision"] for line in lines(viewer)}
    assert [shown[line["id"]] for line in (first, second, third)] == found
    assert shown.keys() == {line["id"] for line in lines(viewer, name="bob")}
    assert all(line["decision"] is None for line in lines(viewer, name="bob"))
    assert decide(viewer, first, None).status == 200  # as undo takes back
    others = json.loads(viewer.ask("/1/review/decisions?name=ann").text)
    assert others.keys() == {second["id"], third["id"]}


def test_a_decision_about_a_text_that_has_changed_is_refused(viewer: Viewer, run: Path) -> None:
    line = lines(viewer)[0]
    assert decide(viewer, line, "accepted", name="zoe").status == 200
    before = review_file(run, "zoe").read_bytes()
    answer = decide(viewer, {**line, "shown": "another"}, "rejected", name="zoe")
    assert answer.status == 400
    assert "Its text has changed since it was shown; load the page again." in answer.text
    assert review_file(run, "zoe").read_bytes() == before


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"decision": "fine"}, "'fine' is no decision"),
        ({"decision": ["accepted"]}, "is no decision"),
        ({"decision": "edited", "instruction": "  "}, "This is no edit: an edit needs its"),
        ({"decision": "rejected", "reason": 7}, "reason is no text"),
        ({"decision": "accepted", "id": "ffff"}, "Its text has changed since it was shown"),
        ({"decision": "accepted", "name": "../ann"}, "cannot be that of a file"),
    ],
)
def test_what_is_no_decision_is_refused_in_a_sentence(
    viewer: Viewer, said: dict[str, Any], why: str
) -> None:
    answer = decide(viewer, lines(viewer)[0], said.pop("decision"), **said)
    assert (answer.status, why in json.loads(answer.text)["trouble"]) == (400, True)


def test_a_page_of_another_origin_cannot_decide(viewer: Viewer, run: Path) -> None:
    line = lines(viewer)[0]
    body = json.dumps({"name": "eve", "id": line["id"], "shown": line["shown"]})
    for origin in ({"Origin": "http://evil.example"}, {}):
        assert viewer.ask("/1/review/decide", "POST", body, **origin).status == 403
    assert not review_file(run, "eve").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root")
def test_where_nothing_can_be_written_one_reads_and_is_told_why(tmp_path: Path) -> None:
    run = copied(tmp_path / "run", 3, client="offline", generations=1)
    run.chmod(0o500)
    with viewing(run) as viewer:
        viewer.enter()
        answer = json.loads(viewer.ask("/1/review/lines?name=ann").text)
        assert f"{run} cannot be written, so decisions cannot be kept" in answer["trouble"]
        assert answer["things"]
        refused = decide(viewer, answer["things"][0], "accepted")
        assert (refused.status, "cannot be written" in refused.text) == (400, True)
    run.chmod(0o700)


def test_a_file_that_cannot_be_written_is_told_and_nothing_is_decided(
    viewer: Viewer, run: Path
) -> None:
    line = lines(viewer)[0]
    assert decide(viewer, line, "accepted", name="lee").status == 200
    os.link(review_file(run, "lee"), run / "another-name")  # not even the superuser writes it
    answer = decide(viewer, line, "rejected", name="lee")
    assert (answer.status, "is a second name (a hard link)" in answer.text) == (400, True)
    (run / "another-name").unlink()
    (found,) = [each for each in lines(viewer, name="lee") if each["id"] == line["id"]]
    assert found["decision"]["decision"] == "accepted"


def test_a_wrong_name_or_number_is_told_on_the_page(viewer: Viewer) -> None:
    assert "cannot be that of a file" in viewer.ask("/1/review?name=a%2Fb").text
    answer = viewer.ask("/1/review/lines?name=ann&size=many")
    assert json.loads(answer.text) == {
        "trouble": "size is no whole number; correct it in the form."
    }


@pytest.mark.slow
def test_the_page_shows_no_text_as_markup(viewer: Viewer) -> None:
    page = viewer.ask(f"/1/review?{urlencode({'name': 'ann', 'operation': '<b>x'})}").text
    assert "<b>x" not in page
