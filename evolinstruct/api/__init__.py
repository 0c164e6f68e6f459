"""Runs from Python: the same checks, the same files and the same guarantees as the command.

import evolinstruct

summary = evolinstruct.evolve("seeds.jsonl", "run", client="offline", generations=2)
evolinstruct.score("run", by=["difficulty", "quality"], client="offline")
best = evolinstruct.select("run", 50, "best.jsonl", apart=0.9)
hard = [score.id for score in evolinstruct.Run("run").scores() if score.value > 6]

Each function that asks a model is written once, for a running event loop, and its other form is
made from it (`waiting`).
"""

from evolinstruct.api.evolving import evolve, evolve_async, prepare
from evolinstruct.api.measuring import (
    judge,
    judge_async,
    measure_diversity,
    measure_diversity_async,
    recount_verdicts,
    score,
    score_async,
    select,
)
from evolinstruct.api.tuning import tune, tune_async

__all__ = [
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
]
