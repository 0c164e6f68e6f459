"""Judging: which contestant is better, said by models in both orders, and by people."""

from evolinstruct.judging.contest import Contest, Pair, Question, Text, read_contest
from evolinstruct.judging.verdicts import (
    PersonVerdict,
    Verdict,
    add_person_verdict,
    blind_pairs,
    people,
    person_verdicts,
)

__all__ = [
    "Contest",
    "Pair",
    "PersonVerdict",
    "Question",
    "Text",
    "Verdict",
    "add_person_verdict",
    "blind_pairs",
    "people",
    "person_verdicts",
    "read_contest",
]
