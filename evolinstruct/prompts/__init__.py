"""Prompt packs: read, checked whole, rendered; where they lie and how one is copied."""

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
