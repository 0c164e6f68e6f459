"""Every default and every fixed name, stated once, in a module that costs nothing to import."""

from __future__ import annotations

METHOD = 2
"""The number of the method: it rises when reading, the meaning of rules or draws change, so that
the same replies would give other lines. run.json holds it; one run has one method."""

PARTS = ("instruction", "input", "output")
"""The parts of a seed, which a field of a seed file may be named for."""

GENERATIONS = 4
TEMPERATURE = 1.0
TOP_P = 0.9
MAX_TOKENS = 2048
PACK = "general"
SANDBOX = "monty"
SCORES = "scores.jsonl"
"""The file of scores, in a run's directory or beside a file."""
SEED = 0
MAX_CONCURRENCY = 512
LOCAL_CONCURRENCY = 64
TIMEOUT = 300.0
MAX_REPLY_MB = 8.0
MAX_WAIT = 600.0

SHOWN = 10
"""So many lines are shown unless told otherwise."""
PREVIEWED = 5
"""So many seeds a preview draws."""
COMPARED = 200
"""So many instructions are compared in pairs."""
SOLVED = 5
"""So often an instruction is solved, to see whether the answers agree."""
DIVERSITY_SAMPLE = 1_000
"""Diversity is measured on at most so many texts of each generation."""
LOCAL = "local"
"""What is named in place of a service's model where texts are embedded on this machine."""
COMPARED_SAMPLE = 2_000
"""At most so many texts of each group are compared by their meaning, each with each other."""
NEAR = 0.9
"""Two texts whose vectors are more alike than this say nearly the same."""
CLUSTERS = 20
"""So many clusters are looked for, as in the paper's picture."""
TUNING_BATCH, TUNING_ROUNDS = 10, 3
"""So many instructions are evolved in a step of tuning, so often, to be analysed."""
TUNING_DEVELOPMENT = 50
"""So many instructions a method is tried on."""
TUNING_STEPS, TUNING_CANDIDATES = 10, 5
"""So often a method is rewritten at most, into so many candidates (Auto Evol-Instruct, 2024)."""
REVIEWED = 200
"""So many lines are reviewed at a time, unless told otherwise."""
REVIEWER = "reviewer"
"""The rule by which people reject."""
SELECTED_BY = "difficulty*quality"
"""What makes one instruction better than another, unless told otherwise (Deita, 2023)."""
COVERED = 20_000
"""Facility location compares at most so many instructions, each with each other."""
REPORT_ROWS = 3_000
"""So many lines a report embeds at most, as whole families."""

NOTICE_AFTER = 200
"""So many settled instructions of a generation tell what share of it will be kept."""
NOTICE_LEAST = 20
"""With fewer, a share that is kept may be chance, and a person sees each rejection anyway."""
KEPT_NOTICE = 0.5
RULE_NOTICE = 0.3
