"""Reviews: decisions are added, read back, held against texts, and compared between people."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.errors import InputError
from evolinstruct.records import Kept
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.reviews import (
    ACCEPTED,
    EDITED,
    NONE,
    REJECTED,
    Decision,
    Reviews,
    Said,
    read_reviews,
    review_file,
)
from tests.written import kept, rejected, seed

SEED = seed("Name three rivers.")
LINE = kept(SEED, 1, "deepen", "Name three rivers of Asia.")
WHAT = '"id": "a", "text_digest": "b", "at": ""'
NEW = ("Name two rivers of Asia.", "Indus and Lena.")


def decided(line: Kept, decision: Said | None, *said: object) -> Decision:
    return replace(NONE.decide(line, decision, *said), at="")  # type: ignore[arg-type]


def reviews(**by_reviewer: Decision) -> Reviews:
    return Reviews({name: [decision] for name, decision in by_reviewer.items()})


# --- files --------------------------------------------------------------------------------------


def test_decisions_are_read_back_by_reviewer_and_the_last_one_counts(tmp_path: Path) -> None:
    first, last = decided(LINE, ACCEPTED), decided(LINE, REJECTED, "too easy")
    flat.append(review_file(tmp_path, "ann"), first)
    flat.append(review_file(tmp_path, "ann"), last)
    flat.append(review_file(tmp_path, "bob"), first)
    found = read_reviews(tmp_path)
    assert found.reviewers == ("ann", "bob")
    assert found.spoken(LINE) == {"ann": last, "bob": first}


def test_what_is_taken_back_is_no_decision(tmp_path: Path) -> None:
    file = review_file(tmp_path, "ann")
    flat.append(file, decided(LINE, REJECTED), decided(LINE, None))
    assert LINE.id not in read_reviews(tmp_path)
    assert len(file.read_bytes().splitlines()) == 2


def test_a_torn_end_survives_what_is_added(tmp_path: Path) -> None:
    file, other = review_file(tmp_path, "ann"), kept(seed("Another."), 1, "deepen", "One.")
    flat.append(file, decided(LINE, REJECTED, "dull"), decided(other, ACCEPTED))
    file.write_bytes(file.read_bytes()[:-20])
    flat.append(file, decided(other, EDITED, None, NEW))
    found = read_reviews(tmp_path)
    assert found.about(LINE) == decided(LINE, REJECTED, "dull")
    assert found.about(other) == decided(other, EDITED, None, NEW)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[]", "expected an object"),
        ("{}", "it has no proper 'id'"),
        (
            '{"id": "a", "text_digest": "b", "at": "", "decision": "fine"}',
            "it has no proper 'decision'",
        ),
        (
            '{"id": "a", "text_digest": "b", "at": "", "decision": "edited"}',
            "an edit needs its 'instruction",
        ),
    ],
)
def test_what_is_no_decision_is_refused_by_its_place(tmp_path: Path, line: str, why: str) -> None:
    file = review_file(tmp_path, "ann")
    flat.append(file, decided(LINE, ACCEPTED))
    with file.open("a") as out:
        out.write(f"{line}\n")
    with pytest.raises(InputError, match=f"ann.jsonl, line 2, is no decision: {why}"):
        read_reviews(tmp_path)


@pytest.mark.parametrize("name", ["", "../ann", ".ann", "a/b", "x" * 41, "ann\n", "-a"])
def test_a_reviewers_name_is_that_of_a_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be that of a file"):
        review_file(tmp_path, name)


def test_nothing_is_written_through_a_link_or_where_nothing_may_be(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    (tmp_path / "reviews").mkdir()
    review_file(tmp_path, "ann").symlink_to(victim)
    with pytest.raises(InputError, match="is a link, so it is not written"):
        flat.append(review_file(tmp_path, "ann"), decided(LINE, ACCEPTED))
    assert victim.read_text() == ""
    if os.geteuid():
        (tmp_path / "reviews").chmod(0o500)
        with pytest.raises(InputError, match=r"bob\.jsonl cannot be written: Permission denied"):
            flat.append(review_file(tmp_path, "bob"), decided(LINE, ACCEPTED))


@given(texts=st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_is_kept_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("reviews")
    lines = [kept(seed(f"Seed {n}."), 1, "deepen", text) for n, text in enumerate(texts)]
    made = [decided(line, REJECTED, line.instruction) for line in lines]
    flat.append(review_file(folder, "ann"), *made)
    found = read_reviews(folder)
    assert [found.about(line) for line in lines] == [
        replace(each, reason=each.reason or None) for each in made
    ]


# --- texts --------------------------------------------------------------------------------------


def test_a_decision_about_another_text_is_void() -> None:
    found = reviews(ann=decided(LINE, REJECTED))
    assert found.about(LINE) is not None
    assert found.about(replace(LINE, instruction="Name a lake.")) is None
    assert found.about(replace(LINE, output="Another answer.")) is None


def test_an_edit_that_is_answered_anew_does_not_depend_on_the_answer() -> None:
    found = reviews(ann=decided(LINE, EDITED, None, ("Name two.", None)))
    assert found.about(replace(LINE, output="Another answer.")) is not None
    assert found.about(replace(LINE, instruction="Name a lake.")) is None


def test_who_decides_about_an_edited_text_decides_about_the_one_before_it() -> None:
    edit = decided(LINE, EDITED, None, NEW)
    found, made = reviews(ann=edit), replace(LINE, instruction=NEW[0], output=NEW[1])
    assert found.about(made) == found.about(LINE) == edit
    accepted = replace(found.decide(made, ACCEPTED), at="")
    assert accepted == edit  # so that to apply both is to apply the edit
    again = reviews(ann=edit, bob=found.decide(made, REJECTED, "worse"))
    assert again.spoken(LINE).keys() == again.spoken(made).keys() == {"ann", "bob"}
    assert again.about(LINE) is None


# --- several people -----------------------------------------------------------------------------


def test_reviewers_agree_on_what_they_all_say_and_all_reasons_stand() -> None:
    found = reviews(bob=decided(LINE, REJECTED, "dull"), ann=decided(LINE, REJECTED, "wrong"))
    assert found.about(LINE) == decided(LINE, REJECTED, "dull; wrong")
    found = reviews(ann=decided(LINE, REJECTED), bob=decided(LINE, ACCEPTED))
    assert found.about(LINE) is None
    edits = [decided(LINE, EDITED, None, (text, None)) for text in ("Name one.", "Name two.")]
    assert reviews(ann=edits[0], bob=edits[1]).about(LINE) is None


def test_the_digest_is_of_what_may_change_a_run_and_knows_no_names() -> None:
    other = kept(seed("Another."), 1, "deepen", "One.")
    dull = decided(LINE, REJECTED, "dull")
    assert NONE.digest == reviews(ann=decided(LINE, ACCEPTED)).digest == ""
    known = reviews(ann=dull).digest
    assert known == reviews(bob=replace(dull, at="now")).digest
    assert known == Reviews({"ann": [dull], "bob": [decided(other, ACCEPTED)]}).digest
    assert known != reviews(ann=dull, bob=decided(LINE, ACCEPTED)).digest
    assert known != reviews(ann=decided(LINE, REJECTED, "wrong")).digest


def test_a_survey_tells_agreement_conflicts_and_what_is_void() -> None:
    lines = [kept(seed(f"Seed {n}."), 1, "deepen", f"Text {n}.") for n in range(4)]
    gone = rejected(seed("Seed 9."), 1, "deepen", "unchanged", "Text 9.")
    ann = [decided(line, said) for line, said in zip(lines, [ACCEPTED] * 3 + [REJECTED])]  # noqa: B905
    bob = [decided(line, said) for line, said in zip(lines, [ACCEPTED] * 2 + [REJECTED] * 2)]  # noqa: B905
    found = Reviews({"ann": ann, "bob": [*bob, replace(ann[0], id=gone.id)]})
    survey = found.survey([SEED, *lines, gone])
    assert survey.agreed == {ACCEPTED: 2, REJECTED: 1}
    assert survey.conflicts == {lines[2].id: {"ann": ann[2], "bob": bob[2]}}
    assert survey.by_reviewer == {
        "ann": {ACCEPTED: 3, REJECTED: 1},
        "bob": {ACCEPTED: 2, REJECTED: 2},
    }
    assert survey.void == {"bob": 1}
    assert [*survey.agreements()] == [(("ann", "bob"), (4, 0.75, 0.5))]
