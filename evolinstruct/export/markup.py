"""Foreign text in Markdown and YAML: names of models, files and packs, and what users state.

Whatever it holds, it is shown as it is: no markup of its own, no control character, one line.
"""

from __future__ import annotations

import json
import re

from evolinstruct.text import one_line

_ENTITIES = {"&": "&amp;", "<": "&lt;"}
# Within a word an underscore begins nothing, and names have many.
_SPECIAL = re.compile(r"[\\`*\[\]|~$#]|(?<![^\W_])_|_(?![^\W_])")
_LAST_SHORT = 0xFFFF


def prose(text: str) -> str:
    """Return a text as Markdown that reads as the text, in a sentence or a table's cell."""
    shown = re.sub("[&<]", lambda found: _ENTITIES[found[0]], one_line(text))
    return _SPECIAL.sub(r"\\\g<0>", shown)


def yaml_text(text: str) -> str:
    """Return a text as a YAML scalar in quotes; half a surrogate pair becomes U+FFFD."""
    whole = text.encode("utf-8", "replace").decode()
    quoted = json.dumps(whole, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escaped(ord(char)) for char in quoted)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"
