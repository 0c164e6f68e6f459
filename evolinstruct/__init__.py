"""Evol-Instruct, whole, in one command (method: WizardLM, arXiv 2304.12244).

From Python: `evolve`, `evolve_async` and `prepare` make a run, `score` and `score_async` measure
it, `measure_diversity` compares meanings, `select` takes the best, `Run` reads it, `verify` checks
an answer, `tune` and `tune_async` rewrite a pack's method. They are loaded when first used, so that
importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolinstruct.api import (
        Run,
        Score,
        evolve,
        evolve_async,
        measure_diversity,
        measure_diversity_async,
        prepare,
        score,
        score_async,
        select,
        tune,
        tune_async,
        verify,
    )

__all__ = [
    "Run",
    "Score",
    "evolve",
    "evolve_async",
    "measure_diversity",
    "measure_diversity_async",
    "prepare",
    "score",
    "score_async",
    "select",
    "tune",
    "tune_async",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from evolinstruct import api  # noqa: PLC0415 - slow

    return getattr(api, name)
