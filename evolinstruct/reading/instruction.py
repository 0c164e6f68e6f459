"""The instruction in a reply: layer by layer, whatever surely is a wrapper comes off."""

from __future__ import annotations

from collections.abc import Sequence

from evolinstruct.reading.labels import labels_of
from evolinstruct.reading.notes import without_note
from evolinstruct.reading.reasoning import without_reasoning
from evolinstruct.reading.wrappers import (
    without_announcement,
    without_bold,
    without_fence,
    without_quotes,
)

_WRAPPERS = (without_announcement, without_fence, without_quotes, without_bold, without_note)
_LAYERS = 16
"""More wrappers than this around each other are no wrappers: the reply is kept as it came."""


def read_instruction(reply: str, markers: Sequence[str]) -> str:
    """Return the instruction in a reply, to the character, outer blank space trimmed.

    Args:
        reply: the model's reply to a prompt that asks for an instruction.
        markers: the labels that the prompt puts before its parts, such as ``rewritten
            instruction``; case and # signs make no difference.

    Returns:
        The instruction, or an empty string where nothing is left.
    """
    labels = labels_of(tuple(markers))
    text = reply.strip()
    for _ in range(_LAYERS):
        peeled = labels.cut(without_reasoning(text))
        for without in _WRAPPERS:
            peeled = without(peeled)
        if peeled == text:
            return text
        text = peeled
    return reply.strip()
