"""A run that is killed at any moment goes on to the same files and repeats what was in flight."""

import random
from pathlib import Path

import pytest

from tests.faults.kills import killed, unbroken

pytestmark = pytest.mark.slow


def test_fifty_kills_over_http_change_no_byte_and_repeat_only_what_was_in_flight(
    tmp_path: Path,
) -> None:
    whole, needed = unbroken(tmp_path)
    kills, runs = 0, 0
    while kills < 50:
        found = killed(tmp_path, str(runs), whole, needed, random.Random(runs))
        assert found.wrong == ()
        kills, runs = kills + found.kills, runs + 1
