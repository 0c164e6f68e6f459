"""Batches: calls that the journal lacks go out in batches, and what comes of them is taken in."""

from evolinstruct.llm.batches.batches import Batches

__all__ = ["Batches"]
