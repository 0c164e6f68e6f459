"""Writes anew what the worked example of docs/packs.md prints.

python -m docs.pack_page
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from docs.command_examples import Terminal, as_lines

PAGE = Path(__file__).parent / "packs.md"
_BLOCK = re.compile(r"^```(sh|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PROMPT = "$ "


def worked(page: str) -> str:
    """Return a page with what its commands print now, carried out in their order.

    A block `sh` is a script that prints nothing; in a block `console`, a line that begins with `$`
    is a command, and what it prints stands below it.
    """
    with TemporaryDirectory() as folder:
        terminal = Terminal(Path(folder))

        def carried_out(block: re.Match[str]) -> str:
            if block[1] == "sh":
                printed, code = terminal.call(block[2])
                if printed or code:
                    raise RuntimeError(f"{block[2]} ends with {code}: {printed}")
                return block[0]
            return f"```console\n{as_lines(_lines(block[2], terminal))}```"

        return _BLOCK.sub(carried_out, page)


def _lines(block: str, terminal: Terminal) -> Iterator[str]:
    for line in block.splitlines():
        if line.startswith(_PROMPT):
            yield line
            yield from terminal.call(line.removeprefix(_PROMPT))[0].splitlines()


if __name__ == "__main__":
    PAGE.write_text(worked(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
