"""Prompt packs: finds, reads and checks them, renders their prompts, and copies them."""

from evolinstruct.prompts.folder import HISTORY, builtin, copy, files, find, find_file
from evolinstruct.prompts.measures import Measure
from evolinstruct.prompts.named_checks import Checks
from evolinstruct.prompts.pack import (
    IN_BREADTH,
    Messages,
    Operation,
    Pack,
    known_measures,
    read,
)
from evolinstruct.prompts.tunable import TUNED, Tunable

__all__ = [
    "HISTORY",
    "IN_BREADTH",
    "TUNED",
    "Checks",
    "Measure",
    "Messages",
    "Operation",
    "Pack",
    "Tunable",
    "builtin",
    "copy",
    "files",
    "find",
    "find_file",
    "known_measures",
    "read",
]
