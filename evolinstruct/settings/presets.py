"""The presets: settings that lie below everything a user says, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _paper() -> dict[str, Any]:
    from evolinstruct.elimination import papers_alone  # noqa: PLC0415 - asked for seldom

    return {"prompts": "paper", "plain_draws": True, "rules": papers_alone()}


def _released() -> dict[str, Any]:
    return {
        "prompts": "paper",
        "plain_draws": True,
        "top_p": 0.95,
        "operations": (
            "add_constraints",
            "deepen",
            "concretize",
            "increase_reasoning",
            "in_breadth",
        ),
        "generations": 1,
        "compare": False,
        "eliminate": False,
    }


PRESETS: Mapping[str, Callable[[], dict[str, Any]]] = {"paper": _paper, "released": _released}
"""``paper``: WizardLM, section 4.1: the pack ``paper``, plain draws, no rule but the paper's own.
``released``: what the authors' released script does: the pack ``paper`` without complicate_input,
plain draws, one generation, and nothing compared or eliminated."""
