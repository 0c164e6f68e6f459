"""In a real notebook: both forms work, show how far they are, and go on where they were stopped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import evolinstruct
from tests import pages
from tests.runs import data_files

nbclient = pytest.importorskip("nbclient", reason="notebook")
nbformat = pytest.importorskip("nbformat", reason="notebook")
pytest.importorskip("ipykernel", reason="notebook")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # those of others

FORMS = ["evolinstruct.evolve", "await evolinstruct.evolve_async"]
CLIENT = """
import asyncio, os, signal
from pathlib import Path
from evolinstruct.llm.offline import OfflineClient

class Interrupting(OfflineClient):
    '''Is interrupted once, as by a person, at its tenth call, which never ends.'''

    calls = 0

    async def complete(self, request):
        Interrupting.calls += 1
        if Interrupting.calls == 10 and not Path("interrupted").exists():
            Path("interrupted").touch()
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        return await super().complete(request)
"""


def run_cells(folder: Path, *sources: str) -> list[list[dict[str, Any]]]:
    """Return the outputs of each cell of a notebook."""
    cells = [nbformat.v4.new_code_cell(source) for source in ("import evolinstruct", *sources)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    where = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=where, allow_errors=True).execute()
    return [cell.outputs for cell in notebook.cells[1:]]


def evolved(form: str, client: str = "offline") -> str:
    settings = f"client={client!r}, generations=1, limit=6, concurrency=1"
    return f"summary = {form}('starter', 'run', {settings})"


@pytest.mark.parametrize("form", FORMS)
def test_a_cell_shows_in_one_output_what_the_command_shows(form: str, tmp_path: Path) -> None:
    ((output,), (told,)) = run_cells(tmp_path, evolved(form), "summary.exit_code")
    assert told["data"]["text/plain"] == "0"
    assert "Generation 1: " in output["data"]["text/plain"]
    html = output["data"]["text/html"]
    assert "6 seeds over 1 generation" in html
    assert "<script" not in html


@pytest.mark.parametrize("form", FORMS)
def test_a_cell_that_was_interrupted_goes_on_when_it_is_run_again(
    form: str, tmp_path: Path
) -> None:
    (tmp_path / "stopping.py").write_text(CLIENT)
    cell = evolved(form, "stopping:Interrupting")
    first, again = run_cells(tmp_path, cell, cell)
    assert [each["ename"] for each in first if each["output_type"] == "error"] != []
    assert [each for each in again if each["output_type"] == "error"] == []
    evolinstruct.evolve(
        "starter", tmp_path / "whole", client="offline", generations=1, limit=6, concurrency=1
    )
    assert data_files(tmp_path / "run") == data_files(tmp_path / "whole")


def test_the_blocks_of_the_page_work_as_cells_in_their_order(tmp_path: Path) -> None:
    shutil.copytree(pages.ROOT / "examples", tmp_path / "examples")
    blocks = [each.text for each in pages.blocks(pages.ROOT / "docs" / "python.md")]
    outputs = run_cells(tmp_path, *blocks, "evolinstruct.Run('from-python')")
    assert [each for cell in outputs for each in cell if each["output_type"] == "error"] == []
    assert outputs[-1][0]["data"]["text/html"].startswith("<p><b>from-python</b>: done</p>")


def test_a_listener_takes_the_events_instead_of_the_cell(tmp_path: Path) -> None:
    cell = evolved("evolinstruct.evolve").replace("concurrency=1", "on_event=seen.append")
    outputs = run_cells(tmp_path, f"seen = []\n{cell}", "len(seen) > 6")
    assert outputs[0] == []
    assert outputs[1][0]["data"]["text/plain"] == "True"
