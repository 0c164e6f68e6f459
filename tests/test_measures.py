"""Measures of a pack: a text file says what is asked and how it is read; a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolinstruct import prompts
from evolinstruct.installation import data_folder
from tests.command_line import enter, evolinstruct
from tests.judges import by_length, first, score, scores
from tests.loopback import Ask, reply, serve
from tests.runs import copied

GENERAL = data_folder("prompts") / "general"
CLARITY = "name: clarity\nmethod: rating\nrange: 0-100\n---\nHow clear is it?\n{{instruction}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


@pytest.fixture
def mine(folder: Path) -> Path:
    """A pack of one's own with a measure of its own."""
    prompts.copy(GENERAL, folder / "mine")
    about = (folder / "mine" / "pack.toml").read_text().replace('name = "general"', 'name = "mine"')
    (folder / "mine" / "pack.toml").write_text(about)
    for path in (folder / "mine" / "measures").iterdir():
        path.unlink()
    (folder / "mine" / "measures" / "clarity.txt").write_text(CLARITY)
    return folder / "mine"


def test_the_usual_pack_measures_four_things_and_prefers_by_two() -> None:
    found = {key: (each.least, each.most, each.reads_answer) for key, each in measures().items()}
    assert found == {
        ("answers", "preference"): (0, 0, False),
        ("difficulty", "paper"): (1, 10, False),
        ("difficulty", "pairwise"): (0, 0, False),
        ("difficulty", "ranking"): (0, 0, False),
        ("instructions", "preference"): (0, 0, False),
        ("quality", "rating"): (1, 10, True),
        ("solved", "agreement"): (0, 0, False),
        ("tags", "tags"): (0, 0, False),
    }


def measures(pack: Path = GENERAL) -> dict[tuple[str, str], prompts.Measure]:
    return dict(prompts.read(pack).measures)


def test_any_text_fills_a_measure_unharmed() -> None:
    for key, measure in measures().items():
        hostile = "{{instruction}} {{items}} {x} %s [A]\nA < B"
        names = set(measure.template.names)
        ((role, text),) = measure.render(dict.fromkeys(names, hostile))
        assert (role, text.count(hostile)) == ("user", len(measure.template.names)), key


@pytest.mark.slow
def test_a_measure_of_a_pack_is_asked_read_and_named_by_its_pack(mine: Path, folder: Path) -> None:
    copied(folder / "run", 12, generations=2)
    with serve(lambda ask: reply("72")) as server:
        told = score(server, f"run --by clarity --prompts {mine}")
        assert told.exit_code == 0, told.output
        assert all(prompt.startswith("How clear is it?\n") for prompt in server.counts.asked)
    named = {(line["measure"], line["method"], line["pack"], line["value"]) for line in scores()}
    assert named == {("clarity", "rating", "mine", 72.0)}


def test_a_measure_that_a_pack_lacks_is_that_of_the_usual_pack(mine: Path, folder: Path) -> None:
    copied(folder / "run", 12, generations=2)
    with serve(by_length) as server:
        assert score(server, f"run --by tags --prompts {mine}").exit_code == 0
    assert {line["pack"] for line in scores()} == {"general"}


def test_a_measure_may_read_the_answer(mine: Path, folder: Path) -> None:
    text = CLARITY.replace("{{instruction}}", "{{instruction}}\n->\n{{answer}}")
    (mine / "measures" / "clarity.txt").write_text(text)
    copied(folder / "run", 12, generations=2)

    def rates(ask: Ask) -> object:
        assert "\n->\n" in first(ask)
        return reply("72")

    with serve(rates) as server:  # type: ignore[arg-type]
        assert score(server, f"run --by clarity --prompts {mine}").exit_code == 0
        assert not any(prompt.endswith("->\n") for prompt in server.counts.asked)


def test_measures_are_shown_checked_and_copied_with_their_pack(mine: Path, folder: Path) -> None:
    assert "Measures: clarity (rating)." in evolinstruct(f"prompts show {mine}").stdout
    shown = evolinstruct(f"prompts show {mine} clarity")
    assert shown.stdout == CLARITY
    told = evolinstruct(f"prompts check {mine}")
    assert (
        told.stderr
        == "mine is in order: 6 operations, 10 formats, 1 measure, 0 checks of answers.\n"
    )
    assert evolinstruct(f"prompts copy {mine} again").exit_code == 0
    assert measures(folder / "again") == measures(mine)


def test_measures_decide_nothing_in_a_run(mine: Path, folder: Path) -> None:
    line = f"evolve seeds.txt -o run --client offline -g 1 --prompts {mine}"
    assert evolinstruct(line).exit_code == 0
    digest = prompts.read(mine).digest
    (mine / "measures" / "clarity.txt").write_text(CLARITY.replace("clear", "plain"))
    assert prompts.read(mine).digest == digest
    assert evolinstruct(line).exit_code == 0


def test_a_prompt_that_changes_is_asked_anew(mine: Path, folder: Path) -> None:
    copied(folder / "run", 12, generations=2)
    with serve(lambda ask: reply("72" if "clear" in first(ask) else "30")) as server:
        score(server, f"run --by clarity --prompts {mine}")
        (mine / "measures" / "clarity.txt").write_text(CLARITY.replace("clear", "plain"))
        score(server, f"run --by clarity --prompts {mine}")
    assert {line["value"] for line in scores()} == {30.0}
