"""Tuning: has a model rewrite the method by which a pack evolves, as a stage over a session."""

from evolinstruct.tuning.history import History, Step, find_tuned, read_history
from evolinstruct.tuning.job import Tuned, TuneJob, TuneSummary, prepare
from evolinstruct.tuning.trial import NO_GAIN, Trial, read_trials
from evolinstruct.tuning.wish import SIZES, Wish

__all__ = [
    "NO_GAIN",
    "SIZES",
    "History",
    "Step",
    "Trial",
    "TuneJob",
    "TuneSummary",
    "Tuned",
    "Wish",
    "find_tuned",
    "prepare",
    "read_history",
    "read_trials",
]
