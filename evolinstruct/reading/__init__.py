"""A model's reply → the instruction in it, or the verdict.

Knows how models wrap what they were asked for. Knows nothing of packs, of clients and of what is
done with a text.
"""

from evolinstruct.reading.instruction import read_instruction
from evolinstruct.reading.reasoning import without_reasoning
from evolinstruct.reading.verdict import read_verdict

__all__ = ["read_instruction", "read_verdict", "without_reasoning"]
