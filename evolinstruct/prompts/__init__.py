"""Prompt packs: finds, reads and checks them, renders their prompts, and copies them."""

from evolinstruct.prompts.folder import builtin, copy, files, find, find_file
from evolinstruct.prompts.pack import Messages, Operation, Pack, read

__all__ = [
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
