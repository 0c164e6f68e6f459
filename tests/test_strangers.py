"""Files that are not ours: nothing is written over them, through links, or in their place."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from evolinstruct.analysis.runs import Run
from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError
from evolinstruct.export import ExportOptions, export
from evolinstruct.run_dir.lines import LineFile
from tests import runs
from tests.command_line import evolinstruct

# Links


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file that no command may change."""
    path = tmp_path / "mine.txt"
    path.write_text("mine\n")
    return path


def again(out: Path) -> tuple[int, str]:
    """Run the same command again, with another generation; return how it ended and what it said."""
    seeds = out.parent / "seeds.jsonl"
    runs.write_seeds(seeds, runs.tasks(6))
    done = evolinstruct(f"evolve '{seeds}' -o '{out}' --client offline -g 2 -q")
    return done.exit_code, done.stderr


WRITTEN = [
    ".lock",
    "run.json",
    "run.json.partial",
    "journal.sqlite",
    "journal.sqlite-wal",
    "gate.sqlite",
    "gate.sqlite-journal",
    "generation-1.jsonl",
    "generation-2.jsonl",
    "generation-2.rejected.jsonl",
    "generation-2.jsonl.partial",
    "dataset.jsonl",
    "dataset.jsonl.partial",
]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_link_in_a_run_directory_is_refused_and_leads_to_no_write(
    tmp_path: Path, mine: Path, name: str
) -> None:
    out = runs.copied(tmp_path / "run", 6, generations=1)
    (out / name).unlink(missing_ok=True)
    (out / name).symlink_to(mine)
    assert again(out) == (
        1,
        f"Error: {out / name} is a link, so it is not written; move it away, or name another"
        " file.\n",
    )
    assert (mine.read_text(), (out / name).is_symlink()) == ("mine\n", True)


@pytest.mark.parametrize("name", [".lock", "journal.sqlite", "gate.sqlite"])
def test_a_second_name_of_another_file_is_not_written_in_place(
    tmp_path: Path, mine: Path, name: str
) -> None:
    out = runs.copied(tmp_path / "run", 6, generations=1)
    (out / name).unlink(missing_ok=True)
    os.link(mine, out / name)
    code, said = again(out)
    assert (code, "a second name (a hard link) of another file" in said) == (1, True)
    assert mine.read_text() == "mine\n"


@pytest.mark.parametrize("name", ["prompts", ".prompts.partial"])
def test_a_link_in_the_place_of_the_prompts_is_refused(tmp_path: Path, name: str) -> None:
    out = runs.copied(tmp_path / "run", 6, generations=1)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "compare.txt").write_text("mine\n")
    shutil.rmtree(out / "prompts")
    (out / name).symlink_to(theirs)
    code, said = again(out)
    assert (code, f"{out / name} is a link" in said) == (1, True)
    assert runs.contents(theirs) == {"compare.txt": b"mine\n"}


def test_a_line_file_leaves_the_other_name_of_its_file_as_it_was(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "lines", tmp_path / "copy"
    ours.write_bytes(b"one\n")
    os.link(ours, theirs)
    with LineFile(ours) as file:
        for line in (b"one\n", b"two\n"):
            file.write(line)
        file.finish()
    assert (ours.read_bytes(), theirs.read_bytes()) == (b"one\ntwo\n", b"one\n")


@pytest.mark.parametrize("name", ["page.html", "page.html.partial"])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_what_is_replaced_is_never_written_through_a_link(
    tmp_path: Path, mine: Path, name: str, link: object
) -> None:
    assert callable(link)
    link(mine, tmp_path / name)
    try:
        with replaced(tmp_path / "page.html") as file:
            file.write(b"page")
    except InputError as error:
        assert "so it is not written" in str(error)  # noqa: PT017 - a hard link may be replaced
    assert mine.read_text() == "mine\n"


@pytest.mark.parametrize("option", ["--write", "--lines"])
def test_a_link_named_for_a_command_s_file_is_refused(
    tmp_path: Path, mine: Path, option: str
) -> None:
    (tmp_path / "out.jsonl").symlink_to(mine)
    out = runs.finished(6, generations=1)
    done = evolinstruct(f"refilter {out} {option} {tmp_path / 'out.jsonl'}")
    assert (done.exit_code, "out.jsonl is a link" in done.stderr) == (1, True)
    assert mine.read_text() == "mine\n"


# Exports


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """An export that another may replace."""
    return exports(tmp_path / "out", trainer="axolotl")


def exports(out: Path, **options: object) -> Path:
    run = Run(runs.finished(6, generations=1))
    export(run, out, ExportOptions("chat", force=True, **options))  # type: ignore[arg-type]
    return out


def test_an_export_that_nobody_changed_is_replaced(exported: Path) -> None:
    (exported / "prompts" / "compare.txt").unlink()  # what is gone already is no hindrance
    exports(exported)
    assert not (exported / "axolotl.yaml").exists()
    assert runs.contents(exported) == runs.contents(exports(exported.parent / "new" / "out"))


STRANGERS = {
    "a card that was changed": lambda out: (out / "README.md").write_text("Mine."),
    "a table that was changed": lambda out: (out / "train.jsonl").write_text("{}\n"),
    "a link": lambda out: relinked(out, "axolotl.yaml"),
    "a link instead of a folder": lambda out: relinked(out, "prompts"),
    "a link instead of a folder's folder": lambda out: relinked(out, "prompts/operations"),
    "a file that no export lists": lambda out: (out / "trl.yaml").write_text("mine: yes\n"),
    "checksums of other files": lambda out: listed(out, "mine.txt"),
    "checksums of files elsewhere": lambda out: listed(out, "../mine.txt"),
    "checksums of an absolute path": lambda out: listed(out, str(out.parent / "mine.txt")),
    "checksums in another form": lambda out: (out / "SHA256SUMS").write_text("train.jsonl\n"),
    "no checksums": lambda out: (out / "SHA256SUMS").unlink(),
    "a link to checksums": lambda out: relinked(out, "SHA256SUMS"),
}
"""What a person, or an enemy, may have put into a folder."""


def relinked(out: Path, name: str) -> None:
    """Put a link in the place of a file, to the same content elsewhere."""
    elsewhere = out.parent / "elsewhere"
    (out / name).rename(elsewhere)
    (out / name).symlink_to(elsewhere)


def listed(out: Path, name: str) -> None:
    """Let the checksums name a file, with the right digest."""
    path = out / name
    path.write_text("mine\n")
    line = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n"
    with (out / "SHA256SUMS").open("a") as sums:
        sums.write(line)


@pytest.mark.slow
@pytest.mark.parametrize("what", STRANGERS)
def test_what_no_export_wrote_is_neither_replaced_nor_removed(exported: Path, what: str) -> None:
    STRANGERS[what](exported)
    before = runs.contents(exported.parent)
    with pytest.raises(InputError, match="name another f"):
        exports(exported, trainer="trl" if what.startswith("a file") else None)
    assert runs.contents(exported.parent) == before


def test_the_root_of_the_disk_is_no_export() -> None:
    with pytest.raises(InputError, match="/ holds files but no earlier export"):
        exports(Path("/"))


def test_an_export_that_was_cut_off_while_it_replaced_another_is_replaced(
    exported: Path, tmp_path: Path
) -> None:
    new = exports(tmp_path / "new", seed=7)
    (new / "SHA256SUMS").rename(exported / "SHA256SUMS.partial")
    (new / "train.jsonl").rename(exported / "train.jsonl")
    exports(exported)
    assert runs.contents(exported) == runs.contents(exports(tmp_path / "whole" / "out"))
