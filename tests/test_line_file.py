"""A line file never gets worse while it is written again."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolinstruct.run_dir.lines import LineFile, matches

LINES = [b'{"a": 1}\n', b'{"a": 22}\n', b'{"a": 333}\n']
lines = st.lists(st.binary(max_size=6).map(lambda text: text.replace(b"\n", b"") + b"\n"))


def write(path: Path, wanted: list[bytes], finish: bool = True) -> None:
    with LineFile(path) as file:
        for line in wanted:
            file.write(line)
        if finish:
            file.finish()


def test_a_new_file_holds_its_lines(tmp_path: Path) -> None:
    write(tmp_path / "f", LINES)
    assert (tmp_path / "f").read_bytes() == b"".join(LINES)


@pytest.mark.parametrize("kept", range(len(b"".join(LINES)) + 1))
def test_a_torn_file_is_mended_in_place_wherever_it_was_torn(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"".join(LINES)[:kept])
    inode = path.stat().st_ino
    write(path, LINES)
    assert path.read_bytes() == b"".join(LINES)
    assert path.stat().st_ino == inode


def test_another_line_goes_beside_and_replaces_the_file_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write(path, LINES)
    other = [LINES[0], b'{"b": 1}\n', b'{"b": 2}\n']
    write(path, other[:2], finish=False)
    assert path.read_bytes() == b"".join(LINES)
    write(path, other)
    assert path.read_bytes() == b"".join(other)
    assert [item.name for item in tmp_path.iterdir()] == ["f"]


def test_fewer_lines_cut_the_file_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write(path, LINES)
    write(path, LINES[:1], finish=False)
    assert path.read_bytes() == b"".join(LINES)
    write(path, LINES[:1])
    assert path.read_bytes() == LINES[0]


@settings(deadline=None)  # each example reaches the disk
@given(old=lines, new=lines, torn=st.integers(0, 8))
def test_whatever_was_there_the_file_ends_as_written(
    tmp_path_factory: pytest.TempPathFactory, old: list[bytes], new: list[bytes], torn: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "f"
    there = b"".join(old)
    path.write_bytes(there[: len(there) - torn] if torn else there)
    with LineFile(path) as file:
        for line in new:
            file.write(line)
        described = file.finish()
    assert path.read_bytes() == b"".join(new)
    assert (described["lines"], described["bytes"]) == (len(new), len(b"".join(new)))
    assert matches(path, described)


def test_a_changed_byte_no_longer_matches(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with LineFile(path) as file:
        file.write(LINES[0])
        described = file.finish()
    path.write_bytes(LINES[0].replace(b"1", b"2"))
    assert not matches(path, described)
    path.unlink()
    assert not matches(path, described)


@pytest.mark.parametrize("old", [[], LINES[:1], LINES])
def test_beside_a_whole_file_nothing_is_written_into_it_until_the_new_one_is_whole(
    tmp_path: Path, old: list[bytes]
) -> None:
    path = tmp_path / "f"
    write(path, old)
    with LineFile(path, beside=True) as file:
        for line in [*LINES, b"{}\n"]:
            file.write(line)
            file.flush()
        assert path.read_bytes() == b"".join(old)
        file.finish()
    assert path.read_bytes() == b"".join([*LINES, b"{}\n"])


def test_what_an_earlier_command_left_beside_never_takes_the_place_of_a_file_that_is_right(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f"
    write(path, LINES)
    write(path, [b"{}\n"], finish=False)  # was to change it, and was killed
    write(path, LINES)
    assert path.read_bytes() == b"".join(LINES)
    assert [item.name for item in tmp_path.iterdir()] == ["f"]
