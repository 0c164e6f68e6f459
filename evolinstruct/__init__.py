"""Evol-Instruct, whole, in one command (method: WizardLM, arXiv 2304.12244).

From Python: `evolve` makes a run, `score`, `judge` and `measure_diversity` measure, `select` takes
the best, `tune` rewrites a pack's method, `Run` reads, `verify` checks an answer. docs/api.md has
all names; each is loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolinstruct.analysis.families import Family, FamilyStep
    from evolinstruct.analysis.runs import Run
    from evolinstruct.analysis.state import State
    from evolinstruct.analysis.verification import verify
    from evolinstruct.api import (
        evolve,
        evolve_async,
        judge,
        judge_async,
        measure_diversity,
        measure_diversity_async,
        prepare,
        recount_verdicts,
        score,
        score_async,
        select,
        tune,
        tune_async,
    )
    from evolinstruct.diversity.survey import Survey
    from evolinstruct.elimination import Answer, Rewrite
    from evolinstruct.embedding import Embedding
    from evolinstruct.errors import (
        BudgetReached,
        CallError,
        CallFailed,
        CallRejected,
        ClientBroken,
        EvolinstructError,
        FilesGone,
        InputError,
        Interrupted,
        ServiceRefused,
        ServiceSilent,
        StopRun,
        TooLittleKept,
        TryAgain,
        UsageError,
    )
    from evolinstruct.judging import Judged, JudgeSummary, Results
    from evolinstruct.llm.base import Client, ClientOptions, Reply, Request, Usage
    from evolinstruct.records import Failed, Kept, Rejected
    from evolinstruct.run.counts import Counts, LowYield
    from evolinstruct.run.events import (
        Event,
        Finished,
        GenerationEnded,
        GenerationStarted,
        LineWritten,
        Notice,
    )
    from evolinstruct.run.forecast import Forecast
    from evolinstruct.run.job import Job
    from evolinstruct.run.summary import Summary
    from evolinstruct.scoring import Score, Scored, ScoreSummary
    from evolinstruct.selection import Selection
    from evolinstruct.tuning import Trial, Tuned, TuneSummary

__all__ = [
    "Answer",
    "BudgetReached",
    "CallError",
    "CallFailed",
    "CallRejected",
    "Client",
    "ClientBroken",
    "ClientOptions",
    "Counts",
    "Embedding",
    "Event",
    "EvolinstructError",
    "Failed",
    "Family",
    "FamilyStep",
    "FilesGone",
    "Finished",
    "Forecast",
    "GenerationEnded",
    "GenerationStarted",
    "InputError",
    "Interrupted",
    "Job",
    "JudgeSummary",
    "Judged",
    "Kept",
    "LineWritten",
    "LowYield",
    "Notice",
    "Rejected",
    "Reply",
    "Request",
    "Results",
    "Rewrite",
    "Run",
    "Score",
    "ScoreSummary",
    "Scored",
    "Selection",
    "ServiceRefused",
    "ServiceSilent",
    "State",
    "StopRun",
    "Summary",
    "Survey",
    "TooLittleKept",
    "Trial",
    "TryAgain",
    "TuneSummary",
    "Tuned",
    "Usage",
    "UsageError",
    "evolve",
    "evolve_async",
    "judge",
    "judge_async",
    "measure_diversity",
    "measure_diversity_async",
    "prepare",
    "recount_verdicts",
    "score",
    "score_async",
    "select",
    "tune",
    "tune_async",
    "verify",
]

_HOMES = {
    "analysis.families": ("Family", "FamilyStep"),
    "analysis.runs": ("Run",),
    "analysis.state": ("State",),
    "analysis.verification": ("verify",),
    "api": (
        "evolve",
        "evolve_async",
        "judge",
        "judge_async",
        "measure_diversity",
        "measure_diversity_async",
        "prepare",
        "recount_verdicts",
        "score",
        "score_async",
        "select",
        "tune",
        "tune_async",
    ),
    "diversity.survey": ("Survey",),
    "elimination": ("Answer", "Rewrite"),
    "embedding": ("Embedding",),
    "errors": (
        "BudgetReached",
        "CallError",
        "CallFailed",
        "CallRejected",
        "ClientBroken",
        "EvolinstructError",
        "FilesGone",
        "InputError",
        "Interrupted",
        "ServiceRefused",
        "ServiceSilent",
        "StopRun",
        "TooLittleKept",
        "TryAgain",
        "UsageError",
    ),
    "judging": ("Judged", "JudgeSummary", "Results"),
    "llm.base": ("Client", "ClientOptions", "Reply", "Request", "Usage"),
    "records": ("Failed", "Kept", "Rejected"),
    "run.counts": ("Counts", "LowYield"),
    "run.events": (
        "Event",
        "Finished",
        "GenerationEnded",
        "GenerationStarted",
        "LineWritten",
        "Notice",
    ),
    "run.forecast": ("Forecast",),
    "run.job": ("Job",),
    "run.summary": ("Summary",),
    "scoring": ("Score", "ScoreSummary", "Scored"),
    "selection": ("Selection",),
    "tuning": ("Trial", "TuneSummary", "Tuned"),
}
"""The names by the module that each stands in."""


def __getattr__(name: str) -> object:
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - whoever uses no name needs it not

    return getattr(import_module(f"{__name__}.{home}"), name)
