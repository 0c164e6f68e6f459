"""A contest: questions, the contestants, and what each of them says to each question.

questions.jsonl   a line for each question, in the order of its file
texts.jsonl       a line for each question and contestant: an answer, or an instruction
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError
from evolinstruct.records import seed_id
from evolinstruct.run_dir import flat

QUESTIONS, TEXTS = "questions.jsonl", "texts.jsonl"
_MEND = "run the same `evolinstruct judge` command again, which writes the file anew"


@dataclass(frozen=True, slots=True)
class Question:
    """What contestants are compared on.

    Attributes:
        id: as its file has it, else the digest of its text; of instructions, the seed's.
        instruction: the question; where instructions are judged, the seed.
        skill: what it takes, if its file says so.
        difficulty: from 1 to 10, if its file says so.
        band: of its difficulty: 1-4, 5-7 or 8-10, or the one it was selected for.
    """

    id: str
    instruction: str
    skill: str | None = None
    difficulty: float | None = None
    band: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """What one contestant says to one question.

    Attributes:
        question_id: the question.
        contestant: the contestant's name.
        model: who was asked; None where a file says it.
        text: the answer, or the instruction; None where there is none.
        error: why there is none.
    """

    question_id: str
    contestant: str
    model: str | None
    text: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contestants' texts to one question.

    Attributes:
        question: the question.
        first: a contestant.
        second: another one.
        first_text: what the first one says.
        second_text: what the second one says.
    """

    question: Question
    first: str
    second: str
    first_text: str
    second_text: str

    @property
    def text_digest(self) -> str:
        """The digest of what is judged, whichever text comes first."""
        texts = sorted((self.first_text, self.second_text))
        return seed_id("\0".join((self.question.instruction, *texts)))

    def turned(self) -> Pair:
        """Return the pair with the other one first."""
        return Pair(self.question, self.second, self.first, self.second_text, self.first_text)


@dataclass(frozen=True, slots=True)
class Contest:
    """Questions with what each contestant says to them.

    Attributes:
        contestants: their names, in order.
        questions: in order.
        texts: what is said, by question and contestant; what is missing is left out.
    """

    contestants: Sequence[str]
    questions: Sequence[Question]
    texts: Mapping[tuple[str, str], str]

    def pairs(self) -> Iterator[Pair]:
        """Yield, question by question, each two contestants that both say something."""
        for question in self.questions:
            for first, second in combinations(self.contestants, 2):
                one = self.texts.get((question.id, first))
                other = self.texts.get((question.id, second))
                if one is not None and other is not None:
                    yield Pair(question, first, second, one, other)


def read_contest(directory: Path) -> Contest:
    """Return the contest of a directory that `evolinstruct judge` wrote.

    Raises:
        InputError: there is none, or a file is damaged.
    """
    if not (directory / TEXTS).exists():
        raise InputError(
            f"{directory} holds no judged texts ({TEXTS}); name a directory that"
            " `evolinstruct judge` wrote."
        )
    texts = list(flat.read(directory / TEXTS, Text, "text of a contestant", _MEND))
    return Contest(
        tuple(dict.fromkeys(each.contestant for each in texts)),
        tuple(flat.read(directory / QUESTIONS, Question, "question", _MEND)),
        {(each.question_id, each.contestant): each.text for each in texts if each.text is not None},
    )


def write_questions(directory: Path, questions: Sequence[Question]) -> None:
    """Write the file of questions, whole.

    Raises:
        InputError: it cannot be written.
    """
    with replaced(directory / QUESTIONS) as file:
        file.writelines(map(flat.encode, questions))
