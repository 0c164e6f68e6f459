"""A file is replaced whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError


def test_what_was_written_takes_the_place_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with replaced(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert [item.name for item in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_whatever_ends_it_early_leaves_all_as_it_was(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with suppress(error), replaced(path) as file:
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["f"]


def test_what_keeps_it_from_being_written_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "none" / "f"
    with pytest.raises(InputError) as raised, replaced(path):
        pass
    assert str(raised.value) == (
        f"{path} cannot be written: No such file or directory; put that right, and run the same"
        " command again."
    )


def test_a_pipe_is_written_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with replaced(path) as file:
        file.write(b"new")
    assert os.read(reading, 10) == b"new"
    os.close(reading)
    assert [item.name for item in tmp_path.iterdir()] == ["pipe"]
