"""The page of a contest: its figures, the pairs in doubt, and texts that stay texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evolinstruct.judging import add_person_verdict, blind_pairs
from tests.command_line import enter, evolinstruct
from tests.loopback import Answer, Ask, reply, serve
from tests.test_judging import asked, contest, longer, write
from tests.test_report import Page

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u202e {{first}}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


class Shown(Page):
    """A page with all its text outside of style and script."""

    def __init__(self, text: str) -> None:
        self.text = ""
        super().__init__(text)

    def handle_data(self, data: str) -> None:
        super().handle_data(data)
        self.text += "" if self._inside in self.raw else data


def page(out: str = "out") -> Shown:
    return Shown((Path(out) / "report.html").read_text())


def test_the_page_says_who_wins_and_whether_that_may_be_chance() -> None:
    with serve(longer) as server:
        told = asked(server, contest(20))
    assert "Report: out/report.html" in told.stderr
    shown = page().text
    assert "new wins 100.0% of 20 questions against old, more than chance explains." in shown
    assert "20 questions: differences under" in shown
    for title in ("old against new, by difficulty", "old against new, by skill"):
        assert title in shown


def test_a_difference_within_the_noise_is_called_so() -> None:
    def by_turns(ask: Ask) -> Answer:
        number = int(str(ask.json["messages"][0]["content"]).split("Name ")[1].split()[0])
        return longer(ask) if number % 2 else reply("Verdict: level")

    words = contest(6)
    rows = [json.loads(line) for line in Path("old.jsonl").read_text().splitlines()]
    for row in rows[:3]:
        row["output"] *= 9
    write("old.jsonl", rows)
    with serve(by_turns) as server:
        assert asked(server, words).exit_code == 0
    assert "which may be chance: differences under" in page().text


def test_pairs_on_which_judges_differ_come_first_and_people_are_judges_like_others() -> None:
    def said(ask: Ask) -> Answer:
        is_odd = "Name 3 rivers." in str(ask.json["messages"][0]["content"])
        return reply("Verdict: level") if is_odd and ask.json["model"] == "two" else longer(ask)

    with serve(said) as server:
        words = f"{contest(5)} --judge one --judge two"
        assert asked(server, words).exit_code == 0
    add_person_verdict(Path("out"), "ada", blind_pairs(Path("out"), "ada")[0], "tie", "2026-01-01")
    assert evolinstruct("judge -o out").exit_code == 0
    shown = page().text
    examples = shown[shown.index("of 5 pairs, those first") :]
    assert examples.index("Name 3 rivers.") < examples.index("Name 0 rivers.")
    assert "one: new; two: tie; referee: new" in examples
    assert "ada" in shown[: shown.index("of 5 pairs")]


def test_whatever_a_file_says_is_text_on_the_page() -> None:
    write("q.jsonl", [{"instruction": f"Say {HOSTILE}", "skill": HOSTILE, "difficulty": 3}])
    for name in ("a", "b"):
        write(f"{name}.jsonl", [{"instruction": f"Say {HOSTILE}", "output": f"{name}: {HOSTILE}"}])
    with serve(longer) as server:
        words = "--questions q.jsonl --contestant a=a.jsonl --contestant b=b.jsonl"
        assert asked(server, words).exit_code == 0
    found = page()
    assert len(found.every("script")) == 1
    assert found.every("img") == []
    assert f"a: {HOSTILE}" in found.text
