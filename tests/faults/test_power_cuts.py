"""A power cut takes what the disk was not yet asked to have: about the last second, and no file."""

import random
import sys
from pathlib import Path

import pytest

from evolinstruct.llm.journal.sync import SYNC_EVERY
from tests.faults.harness import CONCURRENCY
from tests.faults.power import LATENCY, compiled, cut_off, unbroken

pytestmark = pytest.mark.slow

SLACK = 1.5
"""Seconds more than the program waits: a busy machine begins its timers and syncs late."""


def test_a_power_cut_takes_the_last_seconds_calls_and_no_byte_of_the_outcome(
    tmp_path: Path,
) -> None:
    library = compiled(tmp_path) if sys.platform == "linux" else None
    if library is None:
        pytest.skip("cc")
    whole = unbroken(tmp_path)
    assert whole.said == (0, "")
    cuts = []
    for number in range(5):
        found = cut_off(tmp_path, str(number), random.Random(number), 3, library)
        assert found.said == (0, "")
        assert found.files == whole.files
        lost = sum(cut.outcomes for cut in found.cuts)
        assert found.asked - whole.asked <= lost + len(found.cuts) * CONCURRENCY
        cuts += found.cuts
    assert len(cuts) >= 10
    assert max(cut.seconds for cut in cuts) <= SYNC_EVERY + SLACK
    assert max(cut.outcomes for cut in cuts) <= (SYNC_EVERY + SLACK) * CONCURRENCY / LATENCY
