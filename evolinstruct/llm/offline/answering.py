"""Answers of the offline client: of real lengths, in sentences that use the instruction's words.

No sentence of an answer is meant to be true.
"""

from __future__ import annotations

from evolinstruct.checks import AGREEMENT, UNIT_TESTS, decode, demanded
from evolinstruct.llm.base import CallContext
from evolinstruct.llm.offline.complying import comply
from evolinstruct.llm.offline.grammar import Writer, plain
from evolinstruct.llm.offline.programming import solve

# Lengths in characters, each as likely as the others; the median makes about 150 words.
_LENGTHS = (
    *(0, 60, 200, 330, 450, 540, 610, 680, 740, 800),
    *(860, 920, 980, 1060, 1160, 1310, 1520, 1800, 2200, 2800),
)
_SPREAD = 80

_SHORT = 60
_LONG = 500
_SENTENCES_OF_A_PARAGRAPH = (3, 4, 4, 5, 6)

_LIST_SHARE, _TABLE_SHARE, _CODE_SHARE = 0.25, 0.06, 0.5
_LIST_MARKS = (("- ",) * 8, tuple(f"{number}. " for number in range(1, 9)))
_LIST_ITEMS = (3, 4, 5, 6)
_ROW_NAMES = plain("row_name")
_CODE_WORDS = frozenset(
    ("algorithm", "code", "function", "javascript", "program", "python", "query", "script")
)


# One answer in so many does not do what its instruction verifiably demands; so do real models.
_HEEDLESS_IN = 8


# Where a result is wanted: one instruction in so many is hard, and brings it a new one each time;
# to the others one answer in so many has a slip. Real models disagree with themselves likewise.
_HARD_IN, _SLIP_IN = 12, 8
_RESULTS, _GUESSES = 900, 9


def answer(context: CallContext, writer: Writer) -> str:
    """Return an answer to the writer's text: of up to 600 words, with a result where it counts."""
    if UNIT_TESTS in context.checked_by:
        return solve(context, writer)
    text = _answer(context, writer)
    return f"{text}\n\nAnswer: {_result(writer)}" if AGREEMENT in context.checked_by else text


def _result(writer: Writer) -> int:
    """Return what an answer comes to: mostly what the text alone decides."""
    alone = Writer(f"result\x1f{writer.text}", writer.text)
    right, is_hard = 10 + alone.roll(_RESULTS), alone.roll(_HARD_IN) == 0
    if is_hard:
        return right + writer.roll(_GUESSES)
    return right + 1 if writer.roll(_SLIP_IN) == 0 else right


def _answer(context: CallContext, writer: Writer) -> str:
    if (checks := decode(context.checks)) and writer.roll(_HEEDLESS_IN):
        plain = comply(demanded(checks))
        if plain is not None:
            return plain
    room = writer.pick(_LENGTHS) + writer.roll(_SPREAD)
    if room < _SHORT:
        return writer.sentence(writer.pick(writer.phrases["short_answer"]))
    if room < _LONG:
        return "\n\n".join(_paragraphs(writer, room))
    block = _block(writer)
    closing = writer.sentence(writer.pick(writer.phrases["closing"]))
    paragraphs = _paragraphs(writer, room - len(block) - len(closing))
    paragraphs.append(closing)
    if block:
        paragraphs.insert(1, block)
    return "\n\n".join(paragraphs)


def _paragraphs(writer: Writer, room: int) -> list[str]:
    """Write sentences until the room, in characters, is filled."""
    sentence = writer.sentence
    sentences = [sentence(writer.pick(writer.phrases["opening"]))]
    room -= len(sentences[0])
    phrases = writer.walk(writer.phrases["sentence"])
    while room > 0:
        text = sentence(next(phrases))
        sentences.append(text)
        room -= len(text)
    size = writer.pick(_SENTENCES_OF_A_PARAGRAPH)
    starts = range(0, len(sentences), size)
    return [writer.gap.join(sentences[start : start + size]) for start in starts]


def _block(writer: Writer) -> str:
    """Return a list, a table, some code or, in most cases, nothing."""
    share = writer.share()
    if share < _CODE_SHARE and not _CODE_WORDS.isdisjoint(writer.words):
        return _code(writer)
    if share < _LIST_SHARE:
        return _list(writer)
    return _table(writer) if share < _LIST_SHARE + _TABLE_SHARE else ""


def _list(writer: Writer) -> str:
    items = writer.walk(writer.phrases["list_item"])
    marks = writer.pick(_LIST_MARKS)[: writer.pick(_LIST_ITEMS)]
    lines = [mark + writer.sentence(next(items)) for mark in marks]
    return "\n".join([writer.write(writer.phrases["list_head"]), *lines])


def _table(writer: Writer) -> str:
    pick, roll = writer.pick, writer.roll
    head = f"| aspect | {pick(writer.words)} | {pick(writer.words)} |"
    names = _ROW_NAMES[: 3 + roll(6)]
    rows = [f"| {name} | {10 + roll(90)} | {10 + roll(90)} |" for name in names]
    return "\n".join([head, "| --- | --- | --- |", *rows])


def _code(writer: Writer) -> str:
    pick = writer.pick
    name, item = pick(writer.words), pick(writer.words)
    limit = pick(writer.phrases["tens"])
    return (
        f"```python\ndef {name}_of(values, limit={limit}):\n"
        f"    {item}_found = []\n    for value in values:\n        if value < limit:\n"
        f"            {item}_found.append(value)\n    return {item}_found\n```"
    )
