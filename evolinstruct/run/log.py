"""Log: what a run tells, for Python's `logging` under the name `evolinstruct`.

Nobody sees it who does not ask for it, as with ``logging.basicConfig(level=logging.INFO)``. No text
of an instruction or a reply is in it.
"""

from __future__ import annotations

import logging

from evolinstruct.errors import EvolinstructError, Interrupted
from evolinstruct.run.counts import LowYield
from evolinstruct.run.events import (
    Event,
    Finished,
    GenerationEnded,
    GenerationStarted,
    LineWritten,
    Notice,
)

LOGGER = logging.getLogger("evolinstruct")
LOGGER.addHandler(logging.NullHandler())  # else what is grave is printed where nobody asked


def log(event: Event) -> None:
    """Log an event: a loss as a warning, a line as a detail, whatever else as information."""
    match event:
        case Notice(text=text, is_loss=is_loss):
            LOGGER.log(logging.WARNING if is_loss else logging.INFO, "%s", text)
        case LowYield(generation=number, kept_share=share, rule=rule, rule_share=lost):
            LOGGER.warning(
                "Generation %d keeps %.0f%%; %s takes %.0f%%.",
                *(number, share * 100, rule or "the service's failures", lost * 100),
            )
        case GenerationStarted(counts=counts, generations=generations) if counts.generation:
            LOGGER.info("Generation %d of %d begins.", counts.generation, generations)
        case LineWritten(line=line):
            LOGGER.debug("%s is %s.", line.id, type(line).__name__.lower())
        case GenerationEnded(counts=counts):
            LOGGER.info(
                "%s: %d kept, %d rejected, %d failed.",
                f"Generation {counts.generation}" if counts.generation else "Seeds",
                *(counts.kept, counts.rejected.total(), counts.failed.total()),
            )
        case Finished(dataset_lines=lines):
            LOGGER.info("Finished: %s lines in the data set.", lines or "no")


def log_ending(error: EvolinstructError) -> None:
    """Log what ended a run early."""
    level = logging.INFO if isinstance(error, Interrupted) else logging.ERROR
    LOGGER.log(level, "%s", error)
