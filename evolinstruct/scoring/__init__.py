"""Scoring: measures what a run or a file of instructions holds, as a stage over a session.

Difficulty by ranking, by pairs or by the paper's number; quality; tags; how often it is solved; and
whatever a pack has a measure for.
"""

from evolinstruct.records import digests_of, text_digest
from evolinstruct.scoring.job import (
    Expected,
    Scored,
    ScoreJob,
    ScoreSummary,
    Wish,
    prepare,
)
from evolinstruct.scoring.scores import FILE, Score, Way, read_scores

__all__ = [
    "FILE",
    "Expected",
    "Score",
    "ScoreJob",
    "ScoreSummary",
    "Scored",
    "Way",
    "Wish",
    "digests_of",
    "prepare",
    "read_scores",
    "text_digest",
]
