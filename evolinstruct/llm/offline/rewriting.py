"""Rewriting by the offline client: one hand-written rule for each operation of the paper.

An operation that a pack adds is rewritten by the rule of its kind.
"""

from __future__ import annotations

from itertools import chain

from evolinstruct.checks import Check, decode
from evolinstruct.llm.base import CallContext
from evolinstruct.llm.offline.data_blocks import draw_table, write_block
from evolinstruct.llm.offline.grammar import PHRASES, Writer, plain
from evolinstruct.words import count_words

_ADDITIONS = {
    "add_constraints": "constraint",
    "deepen": "inquiry",
    "concretize": "circumstance",
    "increase_reasoning": "steps",
}
_SPECIFIC = {word: PHRASES[f"specific_{word}"] for word in plain("general_word")}

# One rewrite in so many adds two sentences: real models overstep the words they are allowed.
_TWO_SENTENCES_IN = 16

# A brand-new instruction is about as long as its parent, in words, but within reason.
_SHORT, _LONGEST = 18, 90
_WORDS_OF_A_SENTENCE = 17

# One in so many is one of a few that come again and again: real models have their favourites.
_FAVOURITE_IN = 30

_SENTENCE_ENDS = (".", "?", "!", "。", "？", "！", "؟")
_CLOSING_MARKS = "\"')”’*"


def rewrite(context: CallContext, writer: Writer) -> str:
    """Return the instruction, rewritten by the operation of the context."""
    parent = context.instruction
    if stated := decode(context.checks):
        return _insert(parent, _stating(stated[0], writer), writer)  # it declines the others
    if context.kind == "in-breadth":
        return _invent(parent, writer)
    if context.kind == "transform":
        return f"{writer.write(writer.phrases['form'])}\n\n{parent}"
    if context.format is not None or context.operation == "complicate_input":
        return _with_data(parent, context.format or "", writer)
    if context.operation == "concretize":
        parent = _with_specific_word(parent, writer)
    phrases = writer.walk(writer.phrases[_ADDITIONS.get(context.operation or "", "addition")])
    addition = writer.fill(next(phrases))
    if writer.roll(_TWO_SENTENCES_IN) == 0:
        addition += writer.gap + writer.fill(next(phrases))
    return _insert(parent, addition, writer)


def _stating(check: Check, writer: Writer) -> str:
    """Return a sentence that states a constraint: in another language, its arguments alone."""
    if "requirement" not in writer.phrases:
        return check.statement()
    values = [each if isinstance(each, list) else [each] for each in check.args.values()]
    said = ", ".join(str(value) for value in chain.from_iterable(values))
    return f"{writer.write(writer.phrases['requirement'])} {said}{'.' if writer.gap else '。'}"


def _insert(parent: str, addition: str, writer: Writer) -> str:
    """Put the addition at the end of the first line, and leave the input below as it is."""
    head, line_break, rest = parent.partition("\n")
    head = head.rstrip()
    said = head.rstrip(_CLOSING_MARKS)
    if said.endswith(_SENTENCE_ENDS):
        return f"{head}{writer.gap}{addition}{line_break}{rest}"
    if said[-1:].isalnum() and head[:1].isalnum():
        return f"{head}{'. ' if writer.gap else '。'}{addition}{line_break}{rest}"
    return f"{parent.rstrip()}\n{addition}"  # data, or a line that leads to what is below it


def _with_specific_word(parent: str, writer: Writer) -> str:
    """Replace the first general word of the first line by something specific."""
    head, line_break, rest = parent.partition("\n")
    general = next((word for word in head.split() if word in _SPECIFIC), None)
    if general is None:
        return parent
    specific = writer.write(_SPECIFIC[general])
    return head.replace(f" {general} ", f" {specific} ", 1) + line_break + rest


def _with_data(parent: str, data_format: str, writer: Writer) -> str:
    """Add a question about data, and the data."""
    table = draw_table(writer)
    asker = Writer(str(writer.roll(1 << 32)), " ".join(table.columns), writer.phrases)
    question = asker.write(writer.phrases["data_question"])
    block = write_block(table, data_format)
    if writer.roll(2):
        block = f"```\n{block}\n```"
    return f"{parent.rstrip()}\n\n{question}\n\n{block}"


def _invent(parent: str, writer: Writer) -> str:
    """Write an instruction that shares nothing with its parent but some words and the length."""
    if writer.roll(_FAVOURITE_IN) == 0:
        return writer.write(writer.phrases["favourite"])
    room = min(count_words(parent), _LONGEST)
    text = writer.write(writer.phrases["short_task" if room < _SHORT else "task"])
    details = writer.walk(writer.phrases["detail"])
    while room - count_words(text) > _WORDS_OF_A_SENTENCE // 2:
        text += writer.gap + writer.sentence(next(details))
    return text
