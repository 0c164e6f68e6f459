"""`judge` through its doors: both orders, the same bytes however it goes, and true results."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from evolinstruct.judging import add_person_verdict, blind_pairs
from evolinstruct.records import Kept, child_id
from tests.command_line import enter, evolinstruct
from tests.loopback import Answer, Ask, Handler, Server, reply, serve
from tests.runs import contents
from tests.written import seed, write_run

OFFLINE = "--client offline"
AT = "2026-01-01T00:00:00+00:00"
_SHOWN = re.compile(
    r"#(?:Answer|Instruction) A#\n(.*)\n\n#(?:Answer|Instruction) B#\n(.*)\n\n#Verdict#", re.DOTALL
)
FILES = ("questions.jsonl", "texts.jsonl", "verdicts.jsonl", "summary.json")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


def write(path: str, rows: Sequence[dict[str, Any]]) -> str:
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def questions(number: int = 12) -> list[str]:
    return [f"Name {count} rivers." for count in range(number)]


def contest(number: int = 12, names: Sequence[str] = ("old", "new")) -> str:
    """Write questions and a file of answers for each name; return the options that name them."""
    rows = [
        {
            "instruction": text,
            "skill": ("geography", "counting")[place % 2],
            "difficulty": 1 + place % 10,
        }
        for place, text in enumerate(questions(number))
    ]
    write("questions.jsonl", rows)
    words = ["--questions questions.jsonl"]
    for size, name in enumerate(names, 1):
        answers = [
            {
                "instruction": text,
                "output": " ".join([f"{name} says"] + ["river"] * size * (3 + at)),
            }
            for at, text in enumerate(questions(number))
        ]
        words.append(f"--contestant {name}={write(f'{name}.jsonl', answers)}")
    return " ".join(words)


def judge(line: str, out: str = "out") -> Result:
    return evolinstruct(f"judge -o {out} {line}")


def asked(server: Server, line: str, out: str = "out") -> Result:
    """Judge with a server as the judge."""
    return judge(f"{line} --judge referee --base-url {server.url}", out)


def texts_of(ask: Ask) -> tuple[str, str] | None:
    """Return the two texts that a judge is shown; None where something else is asked."""
    found = _SHOWN.search(str(ask.json["messages"][0]["content"]))
    return (found[1], found[2]) if found else None


def longer(ask: Ask) -> Answer:
    """Find the longer text better; answer whatever else is asked."""
    texts = texts_of(ask)
    if texts is None:
        return reply(f"An answer of {ask.json['model']}.")
    one, other = map(len, texts)
    return reply("Verdict: level" if one == other else f"Verdict: {'AB'[one < other]} is better")


def always(said: str) -> Handler:
    return lambda ask: reply(said)


def lines(name: str = "verdicts.jsonl", out: str = "out") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path(out) / name).read_text().splitlines()]


def summary(out: str = "out") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(out) / "summary.json").read_text())
    return found


def rate(group: str = "overall", name: str = "", **of: str) -> dict[str, Any]:
    """Return the win rate of a group."""
    wanted = {"group": group, "name": name, **of}
    return next(
        each for each in summary()["rates"] if all(each[key] == wanted[key] for key in wanted)
    )


# The same bytes, and nothing paid twice


def test_files_are_the_same_at_any_concurrency(folder: Path) -> None:
    line = f"{contest()} --contestant asked=some-model --judge one --judge two {OFFLINE}"
    found = []
    for number, way in enumerate(("--concurrency 1", "--concurrency 8", "")):
        told = judge(f"{line} {way}", f"out-{number}")
        assert told.exit_code in {0, 3}, told.output
        found.append([(folder / f"out-{number}" / name).read_bytes() for name in FILES])
    assert found[0] == found[1] == found[2]
    assert len(lines(out="out-0")) >= 12 * 2


def test_a_command_that_is_repeated_asks_nothing_even_with_contestants_in_another_order(
    folder: Path,
) -> None:
    words = contest()
    with serve(longer) as server:
        assert asked(server, words).exit_code == 0
        before, calls = (folder / "out/verdicts.jsonl").read_bytes(), server.counts.asked.total()
        assert calls == 12 * 2
        assert asked(server, words).exit_code == 0
        assert (folder / "out/verdicts.jsonl").read_bytes() == before
        first, old, new = words.split(" --contestant ")
        assert asked(server, " --contestant ".join((first, new, old))).exit_code == 0
        assert server.counts.asked.total() == calls
    assert {line["verdict"] for line in lines()} == {"first"}


def test_a_cap_stops_with_4_and_the_same_command_goes_on(folder: Path) -> None:
    words = contest()
    with serve(longer) as whole:
        asked(whole, words, "whole")
    with serve(longer) as server:
        for cap in (1, 7, 20):
            told = asked(server, f"{words} --max-calls {cap}")
            assert told.exit_code == 4, told.output
            assert server.counts.asked.total() == cap
        assert asked(server, words).exit_code == 0
        assert server.counts.asked.total() == 24
    assert [(folder / "out" / name).read_bytes() for name in FILES] == [
        (folder / "whole" / name).read_bytes() for name in FILES
    ]


def test_a_plan_makes_no_call_writes_nothing_and_tells_what_could_be_seen(folder: Path) -> None:
    words = contest(63)
    before = contents(folder)
    with serve(longer) as server:
        told = asked(
            server, f"{words} --contestant m=some-model --plan --json --price-in 1 --price-out 2"
        )
        assert server.counts.asked.total() == 0
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert [(each["purpose"], each["model"], each["calls"]) for each in found["expected"]] == [
        ("answer", "some-model", 63),
        ("judge", "referee", 63 * 3 * 2),
    ]
    assert all(each["cost"] > 0 for each in found["expected"])
    assert found["visible"] == 0.1764  # as 63 pairs tell 67.6% from one half, four times in five
    assert "a true win rate of 67.6% or more" in told.stderr
    assert contents(folder) == before


def test_the_lines_of_the_documentation_work(folder: Path) -> None:
    root = Path(__file__).parents[1]
    page = (root / "docs" / "judging.md").read_text()
    found = re.findall(r"^    evolinstruct (judge -o verdicts(?!.*\\).*)$", page, re.MULTILINE)
    assert len(found) == 3
    for line in found:
        told = evolinstruct(line.replace("$J", str(root / "examples" / "judging")))
        assert told.exit_code == 0, told.output
    assert "20 questions: differences under " in told.stderr
    assert (folder / "verdicts" / "report.html").exists()


# Verdicts


def test_each_pair_is_shown_in_both_orders_and_who_is_first_decides_nothing() -> None:
    words = contest()
    with serve(always("Verdict: A is much better")) as server:
        told = asked(server, words)
    assert told.exit_code == 0, told.output
    found = lines()
    assert {(each["as_given"], each["turned"]) for each in found} == {
        ("first_clearly", "second_clearly")
    }
    assert {(each["verdict"], each["flipped"]) for each in found} == {("tie", True)}
    (counts,) = summary()["judges"]
    assert (counts["ties"], counts["flips"], counts["first"]) == (12, 12, 1.0)
    assert "12 flips (100.0%" in told.stderr
    assert rate()["rate"] == 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "back", "verdict", "flipped"),
    [
        ("A is much better", "B is much better", "first_clearly", False),
        ("A is much better", "B is better", "first", False),
        ("B is better", "A is much better", "second", False),
        ("A is better", "level", "tie", False),
        ("level", "level", "tie", False),
        ("A is better", "A is better", "tie", True),
    ],
)
def test_what_two_orders_come_to(given: str, back: str, verdict: str, flipped: bool) -> None:
    def said(ask: Ask) -> Answer:
        texts = texts_of(ask) or ("", "")
        return reply(f"Verdict: {given if texts[0].startswith('old') else back}")

    with serve(said) as server:
        assert asked(server, contest(1)).exit_code == 0
    assert [(each["verdict"], each["flipped"]) for each in lines()] == [(verdict, flipped)]


def test_a_verdict_that_cannot_be_read_is_asked_for_once_more_and_then_missing() -> None:
    def said(ask: Ask) -> Answer:
        is_second = ask.prompt.startswith("That cannot be read.")
        question = str(ask.json["messages"][0]["content"])
        if "Name 1 rivers." in question or (not is_second and "Name 0 rivers." in question):
            return reply("Both have their merits.")
        return reply("Verdict: level")

    with serve(said) as server:
        told = asked(server, contest(3))
        assert server.counts.asked.total() == 2 + 2 * 2 + 2 * 2
    assert told.exit_code == 3, told.output
    assert [each["verdict"] for each in lines()] == ["tie", None, "tie"]
    assert "1 judgement missing: 1 no_judgement" in told.stderr


def test_a_judge_that_never_gives_a_verdict_is_asked_no_more_after_20_pairs() -> None:
    words = contest(400)
    with serve(always("It depends on taste.")) as server:
        told = asked(server, f"{words} --concurrency 1")
        assert server.counts.asked.total() < 400
    assert told.exit_code == 5
    assert "The judge referee gave no verdict on the first 20 pairs (no_judgement)" in told.stderr


def test_results_are_told_apart_by_band_and_skill() -> None:
    with serve(longer) as server:
        assert asked(server, contest(20)).exit_code == 0
    assert {(each["group"], each["name"]): each["questions"] for each in summary()["rates"]} == {
        ("overall", ""): 20,
        ("band", "1-4"): 8,
        ("band", "5-7"): 6,
        ("band", "8-10"): 6,
        ("skill", "counting"): 10,
        ("skill", "geography"): 10,
    }
    found = rate()
    assert (found["wins"], found["ties"], found["losses"], found["rate"]) == (0, 0, 20, 0.0)
    assert found["low"] == 0.0 < found["high"] < 0.3


def test_sixty_three_questions_say_which_differences_are_noise() -> None:
    def half(ask: Ask) -> Answer:
        texts = texts_of(ask) or ("", "")
        number = int(re.findall(r"Name (\d+) rivers", str(ask.json["messages"]))[0])
        wins = "old" if number % 2 else "new"
        return reply(f"Verdict: {'A' if texts[0].startswith(wins) else 'B'} is better")

    with serve(half) as server:
        told = asked(server, contest(63))
    assert "63 questions: differences under 12 points are noise." in told.stderr
    found = rate()
    assert 0.1 < found["high"] - found["rate"] < 0.15


def test_three_contestants_get_their_places_on_one_scale() -> None:
    with serve(longer) as server:
        assert asked(server, contest(12, ("short", "middle", "long"))).exit_code == 0
    found = summary()["strengths"]
    assert [each["contestant"] for each in found] == ["long", "middle", "short"]
    best, middle, worst = (each["rate"] for each in found)
    assert (best > 0.9, 0.4 < middle < 0.6, worst < 0.1) == (True, True, True)
    assert all(each["low"] <= each["rate"] <= each["high"] for each in found)


def test_several_judges_are_shown_alone_together_and_by_how_far_they_agree() -> None:
    def said(ask: Ask) -> Answer:
        if ask.json["model"] == "opposite":
            texts = texts_of(ask) or ("", "")
            return reply(f"Verdict: {'A' if len(texts[0]) < len(texts[1]) else 'B'} is better")
        return longer(ask)

    with serve(said) as server:
        told = asked(server, f"{contest()} --judge opposite --judge same")
        assert server.counts.asked.total() == 12 * 2 * 3
    assert told.exit_code == 0, told.output
    rates = {each["judge"]: each["rate"] for each in summary()["rates"] if not each["name"]}
    assert rates == {"opposite": 1.0, "same": 0.0, "referee": 0.0, "all models": 0.3333}
    agreed = {(each["one"], each["other"]): each["same"] for each in summary()["agreements"]}
    assert agreed == {("opposite", "same"): 0, ("opposite", "referee"): 0, ("same", "referee"): 1}


# Contestants


def test_models_answer_at_their_own_servers_and_no_file_has_a_secret(folder: Path) -> None:
    contest()
    with serve(longer) as here, serve(longer) as there:
        url = there.url.replace("http://", "http://user:hush-hush@")
        words = f"--questions questions.jsonl --contestant a=model-a@{url} --contestant b=model-b"
        assert asked(here, words).exit_code == 0
        assert there.counts.asked.total() == 12
        assert here.counts.asked.total() == 12 + 24
        assert asked(here, words).exit_code == 0
        assert there.counts.asked.total() == 12
    said = {(each["contestant"], each["model"], each["text"]) for each in lines("texts.jsonl")}
    assert said == {
        ("a", "model-a", "An answer of model-a."),
        ("b", "model-b", "An answer of model-b."),
    }
    for path in (folder / "out").iterdir():
        assert b"hush-hush" not in path.read_bytes(), path


def test_two_contestants_may_be_one_model_each_asked_for_itself() -> None:
    contest()
    with serve(lambda ask: reply(f"An answer, the {ask.nth}.")) as server:
        words = "--questions questions.jsonl --contestant a=same --contestant b=same --plan"
        assert asked(server, words).exit_code == 0
    with serve(longer) as server:
        asked(server, words.removesuffix(" --plan"))
        assert server.counts.asked.total() == 24 + 24


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contestant", "judges", "said"),
    [
        ("gpt=gpt-4o-mini", "openai/gpt-5", "are both of OpenAI"),
        ("x=meta-llama/Llama-3.1-8B", "llama-4-maverick", "are both of Meta"),
        ("x=same-model", "same-model", "is the contestant x itself"),
    ],
)
def test_a_judge_of_a_contestants_family_is_warned_of(
    contestant: str, judges: str, said: str
) -> None:
    words = contest(2)
    with serve(longer) as server:
        line = f"{words} --contestant {contestant} --judge {judges} --base-url {server.url}"
        told = judge(f"{line} --plan")
        assert said in told.stderr
        assert "itself" not in judge(f"{words} --judge other --client offline --plan").stderr
        judge(line)
    assert any(said in remark for remark in summary()["remarks"])


def test_answers_are_found_by_text_or_by_id_in_files_of_other_shapes() -> None:
    write(
        "set.jsonl",
        [
            {"idx": 1, "Skill": "Math", "Difficulty": 9, "Instruction": "What is 2 + 3?"},
            {"idx": 2, "Skill": "History", "Difficulty": 2, "Instruction": "Who was Ada?"},
        ],
    )
    write("ids.jsonl", [{"question_id": 2, "answer": "A count"}, {"question_id": 1, "answer": "5"}])
    chat = [
        {"role": "user", "content": "What is  2 + 3?"},
        {"role": "assistant", "content": "Five, of course."},
    ]
    write("chats.jsonl", [{"messages": chat}])
    told = judge(
        f"--questions set.jsonl --contestant ids=ids.jsonl --contestant chats=chats.jsonl {OFFLINE}"
    )
    assert told.exit_code in {0, 3}, told.output
    assert "chats: chats.jsonl has nothing on 1 question" in told.stderr
    assert [(each["question_id"], each["skill"], each["band"]) for each in lines()] == [
        ("1", "Math", "8-10")
    ]
    assert [each["difficulty"] for each in lines("questions.jsonl")] == [9, 2]


def test_rows_of_other_questions_and_of_changed_ones_are_counted_and_left_out() -> None:
    words = contest(4)
    rows = [{"instruction": text, "output": "so"} for text in (*questions(3), "Name 3 lakes.")]
    write("new.jsonl", rows)
    told = judge(f"{words} {OFFLINE}")
    assert told.exit_code in {0, 3}, told.output
    assert "new: new.jsonl has nothing on 1 question; they are left out." in told.stderr
    assert "new: 1 row of new.jsonl belong to no question" in told.stderr
    assert len(lines()) == 3


def test_a_selection_is_a_file_of_questions_with_bands() -> None:
    row = {"id": "1" * 16, "seed_id": "2" * 16, "instruction": "Name a sea.", "output": "Baltic."}
    write("chosen.jsonl", [{**row, "rank": 1, "value": 2.0, "band": "8-10", "taken_for": "band"}])
    write("other.jsonl", [{"instruction": "Name a sea.", "output": "The Aral Sea."}])
    words = "--questions chosen.jsonl --contestant run=chosen.jsonl --contestant o=other.jsonl"
    assert judge(f"{words} {OFFLINE}").exit_code in {0, 3}
    assert [(each["question_id"], each["band"]) for each in lines()] == [("1" * 16, "8-10")]


# Instructions


def family(text: str, later: str) -> list[list[Kept]]:
    first = seed(text)
    place = child_id(first.id, 1)
    return [[first], [Kept(place, first.id, first.id, 1, "deepen", None, later, *[None] * 5)]]


def test_instructions_of_two_runs_are_judged_for_the_same_seeds(folder: Path) -> None:
    text = "Name a river."
    write_run(folder / "one", family(text, "Name a river and its source."))
    write_run(folder / "two", family(text, "Name a river, its source, and why it floods in May."))
    write("seeds.jsonl", [{"instruction": text}])
    words = "--of instructions --questions seeds.jsonl --contestant one=one --contestant two=two"
    with serve(longer) as server:
        assert asked(server, words).exit_code == 0
    assert [each["text"] for each in lines("texts.jsonl")] == [
        "Name a river and its source.",
        "Name a river, its source, and why it floods in May.",
    ]
    assert [each["verdict"] for each in lines()] == ["second"]
    told = judge(f"{words} --contestant m=some-model {OFFLINE}")
    assert told.exit_code == 2
    assert "instructions are read from runs and files, not asked for" in told.stderr


# People


@pytest.mark.slow
def test_what_people_say_joins_the_results_without_a_call(folder: Path) -> None:
    words = contest()
    with serve(longer) as server:
        assert asked(server, words).exit_code == 0
    for pair in blind_pairs(folder / "out", "ada")[:6]:
        said = "first" if pair.first == "old" else "second"
        add_person_verdict(folder / "out", "ada", pair, said, AT)  # type: ignore[arg-type]
    for pair in blind_pairs(folder / "out", "bob")[:4]:
        add_person_verdict(folder / "out", "bob", pair, "tie", AT)
    told = judge("")
    assert told.exit_code == 0, told.output
    assert rate(judge="ada")["rate"] == 1.0
    assert rate(judge="ada")["questions"] == 6
    assert rate(judge="bob")["ties"] == 4
    agreed = {(each["one"], each["other"]): each["same"] for each in summary()["agreements"]}
    assert agreed["referee", "ada"] == 0.0
    assert [each["kind"] for each in summary()["judges"]] == ["model", "person", "person"]
    assert {each["judge"] for each in summary()["rates"]} == {"referee", "ada", "bob", "all people"}
    with serve(longer) as server:  # and the whole command counts them as well
        assert asked(server, words).exit_code == 0
        assert server.counts.asked.total() == 0
    assert rate(judge="ada")["rate"] == 1.0


def test_a_persons_verdict_on_a_text_that_has_changed_is_void(folder: Path) -> None:
    words = contest(3)
    with serve(longer) as server:
        assert asked(server, words).exit_code == 0
        for pair in blind_pairs(folder / "out", "ada"):
            add_person_verdict(folder / "out", "ada", pair, "first", AT)
        rows = [json.loads(line) for line in Path("old.jsonl").read_text().splitlines()]
        rows[1]["output"] = "Something else."
        write("old.jsonl", rows)
        told = asked(server, words)
        assert server.counts.asked.total() == 6 + 2
    assert "1 verdict of ada left out: the texts have changed, or are gone." in told.stderr
    person = summary()["judges"][1]
    assert (person["verdicts"], person["void"]) == (2, 1)


# Bad input


def test_what_is_wrong_is_said_in_a_sentence_before_any_call(folder: Path) -> None:
    words = contest(2)
    Path("empty.jsonl").touch()
    write("far.jsonl", [{"instruction": "What is a lake?", "output": "Water."}])
    write("twice.jsonl", [{"id": 1, "instruction": "One?"}, {"id": 1, "instruction": "Two?"}])
    before = contents(folder)
    one = "--questions questions.jsonl --contestant old=old.jsonl"
    for line, code, said in (
        (f"{one} --contestant e=empty.jsonl", 1, "empty.jsonl"),
        (f"{one} --contestant far=far.jsonl", 1, "far.jsonl has nothing on any of the 2 questions"),
        (f"{one} --contestant x=missing.jsonl", 1, "missing.jsonl: no such file"),
        (one, 2, "--contestant: at least two are compared"),
        (f"{words} --contestant old=new.jsonl", 2, "two have the name 'old'"),
        (f"{words} --contestant a/b=m", 2, "write it as NAME=FILE or NAME=MODEL"),
        (f"{words} --judge x --judge x", 2, "--judge: x is named twice"),
        (f"{words} --of questions", 2, "--of must be answers or instructions"),
        (f"{words} --by quality", 2, "--by: unknown measure 'quality'"),
        (f"{words} --questions twice.jsonl", 1, "twice.jsonl, line 2"),
        ("--contestant old=old.jsonl", 2, "--questions: no file is named"),
        ("", 1, "out holds no judged texts (texts.jsonl)"),
    ):
        told = judge(f"{line} {OFFLINE}" if line else "")
        assert (told.exit_code, said in told.stderr) == (code, True), (line, told.output)
    assert contents(folder) == before


def test_skills_and_models_are_shown_as_text_whatever_they_say() -> None:
    write("q.jsonl", [{"instruction": "Name a sea.", "skill": "[bold]\x1b[2Jsea"}])
    for name in ("a", "b"):
        write(f"{name}.jsonl", [{"instruction": "Name a sea.", "output": name}])
    words = "--questions q.jsonl --contestant a=a.jsonl --contestant b=b.jsonl --judge '[red]j'"
    told = judge(f"{words} {OFFLINE}")
    assert "a against b, by [red]j" in told.stderr
    assert "[bold]\\x1b[2Jsea" in told.stderr
    assert "[red]j  judge" in judge(f"{words} {OFFLINE} --plan", "other").stderr


def test_the_directory_of_a_run_is_no_place_for_verdicts(folder: Path) -> None:
    write_run(folder / "run", family("Name a river.", "Name two rivers."))
    told = judge(f"{contest(2)} {OFFLINE}", "run")
    assert told.exit_code == 1
    assert "run is the directory of a run; name another one with -o." in told.stderr


@pytest.mark.slow
def test_torn_and_damaged_files_are_mended_by_the_same_command(folder: Path) -> None:
    words = contest(5)
    with serve(longer) as server:
        asked(server, words)
        whole = {name: (folder / "out" / name).read_bytes() for name in FILES}
        for name in FILES[:3]:
            path = folder / "out" / name
            path.write_bytes(whole[name][:-20])
            assert asked(server, words).exit_code == 0
            path.write_bytes(b"{}\n" + whole[name])
            assert judge("").exit_code == 1
            assert asked(server, words).exit_code == 0
            assert {name: (folder / "out" / name).read_bytes() for name in FILES} == whole
        assert server.counts.asked.total() == 10
