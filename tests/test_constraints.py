"""Demands that code verifies: the constraints, one by one and together."""

import pytest

from evolinstruct.checks import CONSTRAINTS, Check, faults
from evolinstruct.checks.constraint import Drawing
from evolinstruct.llm.offline.complying import comply


def drawn(name: str, place: str) -> Check:
    return Check(name, CONSTRAINTS[name].draw(Drawing(7, place)))


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_the_offline_client_can_meet_each_constraint_whatever_is_drawn(name: str) -> None:
    for place in map(str, range(40)):
        check = drawn(name, place)
        text = comply([check])
        assert text is not None, check
        assert faults([check], text) == []


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_sentence_that_states_a_constraint_is_known_by_it(name: str) -> None:
    for place in map(str, range(20)):
        check = drawn(name, place)
        for wording in range(len(check.constraint.wordings)):
            assert check.is_stated(f"Tell of the sea. {check.statement(wording)}"), check
        assert not check.is_stated("Tell of the sea.")
