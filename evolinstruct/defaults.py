"""Every default and every fixed name, stated once, in a module that costs nothing to import."""

from __future__ import annotations

PURPOSES = ("evolve", "compare", "answer")
"""What the calls of a run are for, in the order in which an instruction meets them."""

GENERATIONS = 4
TEMPERATURE = 1.0
TOP_P = 0.9
MAX_TOKENS = 2048
PACK = "general"
SEED = 0
CONCURRENCY = 64
TIMEOUT = 300.0

NOTICE_AFTER = 200
"""So many settled instructions of a generation tell what share of it will be kept."""
KEPT_NOTICE = 0.5
RULE_NOTICE = 0.3

PRESETS: dict[str, dict[str, object]] = {
    "paper": {},
    "released": {
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
    },
}
"""``paper``: WizardLM, section 4.1, which is what every default is. ``released``: its script."""
