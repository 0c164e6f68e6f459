"""Reply readers: take the instruction, the answer, the verdict … out of a model's reply."""

from evolinstruct.reading.announcements import find_opening
from evolinstruct.reading.code import read_code
from evolinstruct.reading.instruction import read_instruction
from evolinstruct.reading.judgement import (
    Order,
    read_number,
    read_order,
    read_tags,
    weigh_number,
)
from evolinstruct.reading.method import MARKS as METHOD_MARKS
from evolinstruct.reading.method import read_method
from evolinstruct.reading.notes import find_note
from evolinstruct.reading.own_text import find_next_turn, own_text, read_answer
from evolinstruct.reading.preference import read_preference
from evolinstruct.reading.result import final_answer, same_final_answer, same_result
from evolinstruct.reading.verdict import read_verdict

__all__ = [
    "METHOD_MARKS",
    "Order",
    "final_answer",
    "find_next_turn",
    "find_note",
    "find_opening",
    "own_text",
    "read_answer",
    "read_code",
    "read_instruction",
    "read_method",
    "read_number",
    "read_order",
    "read_preference",
    "read_tags",
    "read_verdict",
    "same_final_answer",
    "same_result",
    "weigh_number",
]
