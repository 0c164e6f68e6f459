"""Brings the documents that stand outside docs/ into the site, and mends the links to them.

A hook of MkDocs (`hooks` in mkdocs.yml): each document of the repository becomes a page below
``repository/``, so that a link that works between files works between pages.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
INSIDE, OUTSIDE = "docs", "repository"
LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#\s]+)")
DOCUMENTS = ("*.md", "examples/*.md", "examples/*/*.md", "seeds/*.md", "LICENSE")


def on_files(files: Files, config: Any) -> Files:
    """Add the documents of the repository to the files of the site."""
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            place = f"{OUTSIDE}/{path.relative_to(ROOT).as_posix()}"
            files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Turn each link between files of the repository into one between pages of the site."""
    here = PurePosixPath(page.file.src_uri)
    home = PurePosixPath(_in_repository(here.as_posix())).parent

    def mend(link: re.Match[str]) -> str:
        place = _in_site(normpath((home / link[2]).as_posix()), files)
        return f"{link[1]}{relpath(place, here.parent.as_posix())}"

    return LINK.sub(mend, markdown)


def _in_repository(page: str) -> str:
    return page.removeprefix(f"{OUTSIDE}/") if page.startswith(OUTSIDE) else f"{INSIDE}/{page}"


def _in_site(path: str, files: Files) -> str:
    """Return the page of a file of the repository; of a folder that of its README.

    A file that is no page is named by the folder that tells about it.
    """
    if path.startswith(f"{INSIDE}/"):
        return path.removeprefix(f"{INSIDE}/")
    known = {file.src_uri for file in files}
    for place in (path, f"{path}/README.md", f"{PurePosixPath(path).parent}/README.md"):
        if f"{OUTSIDE}/{place}" in known:
            return f"{OUTSIDE}/{place}"
    return f"{OUTSIDE}/README.md"
