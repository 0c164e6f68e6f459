"""Prompt packs: finds, reads and checks them, renders their prompts, and copies them."""

from evolinstruct.prompts.folder import builtin, copy, files, find, find_file
from evolinstruct.prompts.measures import Measure
from evolinstruct.prompts.named_checks import Checks
from evolinstruct.prompts.pack import IN_BREADTH, Messages, Operation, Pack, read

__all__ = [
    "IN_BREADTH",
    "Checks",
    "Measure",
    "Messages",
    "Operation",
    "Pack",
    "builtin",
    "copy",
    "files",
    "find",
    "find_file",
    "read",
]
