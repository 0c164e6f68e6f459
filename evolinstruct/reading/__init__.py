"""Reply readers: take the instruction, the answer or the verdict out of a model's reply."""

from evolinstruct.reading.instruction import read_instruction
from evolinstruct.reading.reasoning import without_reasoning
from evolinstruct.reading.verdict import read_verdict

__all__ = ["read_instruction", "read_verdict", "without_reasoning"]
