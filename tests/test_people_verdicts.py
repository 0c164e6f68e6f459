"""What people say of blind pairs: drawn sides, kept verdicts, files that were torn or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolinstruct.errors import InputError
from evolinstruct.judging import (
    Pair,
    Question,
    Text,
    add_person_verdict,
    blind_pairs,
    people,
    person_verdicts,
)
from evolinstruct.judging.contest import TEXTS, write_questions
from evolinstruct.run_dir import flat

AT = "2026-01-01T00:00:00Z"
QUESTIONS = [Question(f"q{number}", f"Name {number} rivers.") for number in range(20)]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    texts = [
        Text(question.id, name, None, f"{name} names {question.id}")
        for question in QUESTIONS
        for name in ("old", "new")
    ]
    write_questions(tmp_path, QUESTIONS)
    (tmp_path / TEXTS).write_bytes(b"".join(map(flat.encode, texts)))
    return tmp_path


def test_sides_and_order_are_drawn_for_each_person_and_stay(directory: Path) -> None:
    ada = blind_pairs(directory, "ada")
    assert ada == blind_pairs(directory, "ada")
    assert sorted(pair.question.id for pair in ada) == sorted(each.id for each in QUESTIONS)
    assert {pair.first for pair in ada} == {"old", "new"}
    assert all(pair.first_text == f"{pair.first} names {pair.question.id}" for pair in ada)
    bob = blind_pairs(directory, "bob")
    assert [pair.question.id for pair in ada] != [pair.question.id for pair in bob]


def test_the_last_verdict_on_a_pair_counts_whichever_side_was_first(directory: Path) -> None:
    pair = blind_pairs(directory, "ada")[0]
    add_person_verdict(directory, "ada", pair, "tie", AT)
    add_person_verdict(directory, "ada", pair.turned(), "first", AT)
    (found,) = person_verdicts(directory, "ada")
    assert (found.first, found.verdict, found.text_digest) == (
        pair.second,
        "first",
        pair.text_digest,
    )
    assert people(directory) == ["ada"]


def test_a_torn_last_line_makes_way_for_the_next_verdict(directory: Path) -> None:
    one, other = blind_pairs(directory, "ada")[:2]
    add_person_verdict(directory, "ada", one, "first", AT)
    file = directory / "people" / "ada.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])
    assert [each.question_id for each in person_verdicts(directory, "ada")] == [one.question.id]
    add_person_verdict(directory, "ada", other, "second", AT)
    assert [each.question_id for each in person_verdicts(directory, "ada")] == [
        one.question.id,
        other.question.id,
    ]
    assert file.read_bytes().startswith(whole)


def test_a_damaged_line_is_named(directory: Path) -> None:
    add_person_verdict(directory, "ada", blind_pairs(directory, "ada")[0], "first", AT)
    file = directory / "people" / "ada.jsonl"
    file.write_bytes(b'{"question_id": "q1"}\n' + file.read_bytes())
    with pytest.raises(InputError, match=r"ada\.jsonl, line 1, is no verdict: .*'first'"):
        list(person_verdicts(directory, "ada"))


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "x" * 41, "a\nb"])
def test_a_name_that_no_file_should_have_is_refused(directory: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be that of a file"):
        add_person_verdict(directory, name, blind_pairs(directory, "ada")[0], "first", AT)


def test_a_directory_without_a_contest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no judged texts"):
        blind_pairs(tmp_path, "ada")


def test_a_digest_is_that_of_the_texts_in_either_order() -> None:
    pair = Pair(QUESTIONS[0], "old", "new", "one", "two")
    changed = Pair(QUESTIONS[0], "old", "new", "one", "three")
    assert pair.text_digest == pair.turned().text_digest != changed.text_digest
