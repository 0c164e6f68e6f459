"""Variables: those of the environment, and below them those of `.env` in the working folder.

A variable of the environment takes the place of the one of its name in the file, even an empty one.
Only what this program reads itself is looked up here: the file enters nobody's environment, so that
no folder can name a proxy or certificates.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from evolinstruct.errors import InputError

DOTENV = Path(".env")
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*(?:=\s*(.*))?", re.ASCII)
_QUOTED = re.compile(r"""(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:\#.*)?""")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def variable(name: str) -> str:
    """Return a variable's value, empty where it has none.

    Raises:
        InputError: `.env` cannot be read.
    """
    return os.environ[name] if name in os.environ else in_file().get(name, "")


def variables() -> Mapping[str, str]:
    """Return every variable.

    Raises:
        InputError: `.env` cannot be read.
    """
    return {**in_file(), **os.environ}


def is_name(word: str) -> bool:
    """Tell whether a word names a variable rather than holds a key.

    It does where that variable is set, or the word is written as names are.
    """
    return re.fullmatch("[A-Z_][A-Z0-9_]*", word) is not None or word in variables()


def in_file() -> dict[str, str]:
    """Return what `.env` sets and the environment does not; nothing where there is no such file.

    Raises:
        InputError: the file cannot be read, or a line of it sets no variable.
    """
    try:
        text = DOTENV.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):  # a folder of that name is somebody else's
        return {}
    except OSError as error:
        raise InputError(
            f"The file {DOTENV} cannot be read: {error.strerror}; allow it, or move the file."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"The file {DOTENV} is not UTF-8 text; save it so.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if (said := line.strip()) and not said.startswith("#"):
            name, value = _read(said, number)
            if value is not None:
                found[name] = value
    return {name: value for name, value in found.items() if name not in os.environ}


def _read(line: str, number: int) -> tuple[str, str | None]:
    """Return the name and the value of a line; None where it only names a variable."""
    found = _LINE.fullmatch(line)
    if found is None or "\0" in line:
        raise _wrong(number, "it sets no variable; write it as NAME=VALUE")  # never shown: a key
    name, value = found.groups()
    if value is None or not value.startswith(("'", '"')):
        return name, value and _COMMENT.sub("", value).strip()
    quoted = _QUOTED.fullmatch(value)
    if quoted is None:
        raise _wrong(number, f"the value of {name} does not end with its quotation mark; close it")
    plain, escaped = quoted.groups()
    if plain is not None:
        return name, plain
    return name, _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), escaped)


def _wrong(number: int, what: str) -> InputError:
    return InputError(f"The file {DOTENV}, line {number}: {what}.")
