"""Questions of a contest, read from a file of any shape that seeds have."""

from __future__ import annotations

from evolinstruct.errors import InputError
from evolinstruct.judging.contest import Question
from evolinstruct.judging.rows import Row, read_rows
from evolinstruct.records import seed_id


def read_questions(name: str) -> list[Question]:
    """Return the questions of a file, each text once, in its order.

    Raises:
        InputError: it cannot be read, a row has no question, or two have one id.
    """
    found: dict[str, Question] = {}
    texts: set[str] = set()
    for row in read_rows(name):
        question = _question(row)
        if question.instruction in texts:
            continue
        texts.add(question.instruction)
        if found.setdefault(question.id, question) is not question:
            raise InputError(
                f"{row.place}: an earlier question has the id {question.id!r}, too; correct one."
            )
    return list(found.values())


def _question(row: Row) -> Question:
    if row.instruction is None:
        raise InputError(f"{row.place}: it has an answer, but no question; add its instruction.")
    own = row.own_id or seed_id(row.instruction)
    return Question(own, row.instruction, row.skill, row.difficulty, row.band)
