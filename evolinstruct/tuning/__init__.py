"""Tuning: has a model rewrite the method by which a pack evolves, as a stage over a session."""

from evolinstruct.tuning.expected import Expected
from evolinstruct.tuning.job import Tuned, TuneJob, TuneSummary, Wish, prepare
from evolinstruct.tuning.trial import FILE, NO_GAIN, Trial, read_trials

__all__ = [
    "FILE",
    "NO_GAIN",
    "Expected",
    "Trial",
    "TuneJob",
    "TuneSummary",
    "Tuned",
    "Wish",
    "prepare",
    "read_trials",
]
