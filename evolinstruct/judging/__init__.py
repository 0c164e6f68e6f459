"""Judging: which contestant is better, said by models in both orders, and by people."""

from evolinstruct.judging.contest import Contest, Pair, Question, Text, read_contest
from evolinstruct.judging.job import (
    SUMMARY,
    Judged,
    JudgeJob,
    JudgeSummary,
    Wish,
    prepare,
    recount,
)
from evolinstruct.judging.results import JudgeCounts, Rate, Results
from evolinstruct.judging.verdicts import (
    FILE,
    PersonVerdict,
    Verdict,
    add_person_verdict,
    blind_pairs,
    people,
    person_verdicts,
    read_verdicts,
)

__all__ = [
    "FILE",
    "SUMMARY",
    "Contest",
    "JudgeCounts",
    "JudgeJob",
    "JudgeSummary",
    "Judged",
    "Pair",
    "PersonVerdict",
    "Question",
    "Rate",
    "Results",
    "Text",
    "Verdict",
    "Wish",
    "add_person_verdict",
    "blind_pairs",
    "people",
    "person_verdicts",
    "prepare",
    "read_contest",
    "read_verdicts",
    "recount",
]
