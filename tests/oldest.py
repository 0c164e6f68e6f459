"""Prints the oldest versions that pyproject.toml allows, as constraints for pip.

python -m tests.oldest > constraints.txt
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
EXTRAS = ("excel", "pandas", "parquet", "view", "zstd")
"""Those whose tests are quick; what else the tests need is in `dev`."""
_BOUND = re.compile(r"([\w.-]+)>=([\d.]+)[^;]*(;.*)?")


def constraints() -> list[str]:
    """Return each package that the program or a quick extra needs, at its lower bound."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    needed = [*project["dependencies"], *(each for name in EXTRAS for each in optional[name])]
    bounds = {found[1]: found for each in needed if (found := _BOUND.fullmatch(each))}
    shared = [found for each in optional["dev"] if (found := _BOUND.fullmatch(each))]
    bounds |= {found[1]: found for found in shared if found[1] in ("numpy", "threadpoolctl")}
    return sorted(f"{found[1]}=={found[2]}{found[3] or ''}" for found in bounds.values())


if __name__ == "__main__":
    print("\n".join(constraints()))  # noqa: T201 - whoever installs reads it
