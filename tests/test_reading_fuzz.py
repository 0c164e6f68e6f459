"""Whatever a model replies is read without an error and in time, and what is read stands in it.

Replies are made as models make them: wrapper in wrapper, whole or torn, with anything inside.
"""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evolinstruct.errors import CallRejected
from evolinstruct.llm.openai import chat
from evolinstruct.reading import (
    final_answer,
    own_text,
    read_code,
    read_instruction,
    read_method,
    read_preference,
    read_verdict,
    same_final_answer,
    same_result,
)

MARKERS = ("Starting Instruction", "Rewritten Instruction", "#改写后的指令#")
WORDS = st.sampled_from(
    [
        *("Plan a trip.", "Explain the rewritten prompt.", "equal", "not", "different", "because"),
        *("if they are identical,", "but", "Note: I added reasoning steps", "to make it harder"),
        *("#Verdict#", "x-y", "1+1=?", "e.g.", "</b>", "改写", "İß", "é", '"quoted"', "'tis"),
        *(
            "“so”",
            "it’s",
            "**bold**",
            "`code`",
            "{x}",
            "$y",
            "[z]",
            "(or so)",
            "prompt:",
            "answer:",
        ),
    ]
)
PROSE = st.lists(WORDS, min_size=1, max_size=9).map(" ".join)
RAW = st.text(max_size=12)  # control characters and lone surrogates included
RAW |= st.sampled_from(["\x00", "\x1b[31m", "\u2028", "\x85", "\r\n", "\ud800", "\u202e", "\ufeff"])
OPENINGS = st.sampled_from(
    [
        *("<think>", "<thinking>", "<THINK>", "<reasoning>", "```", "```text\n", "~~~\n", '"', "“"),
        *("«", "'", '"""', "**", "***", "__", "(", "[", "---\n\n", "#Rewritten Instruction#:\n"),
        *("**Rewritten Prompt:** ", "### Starting Instruction\n", "Rewritten Instruction: "),
        *("Sure, here is the rewritten prompt:\n\n", "Certainly!\n\n", "Here you go: "),
        *("#改写后的指令#：", "1. ", "- ", "> ", "# ", '{"instruction": "'),
    ]
)
CLOSINGS = st.sampled_from(
    [
        *("</think>", "</thinking>", "</THINK>", "</reasoning>", "```", "\n```", "\n~~~", '"', "”"),
        *("»", "'", '"""', "**", "***", "__", ")", "]", "\n\n---", '"}', "\n\nNote: I added it."),
        *("\n\n(This version adds a constraint.)", "\n---\nExplanation: it is harder.", "\n\n"),
        *("\n\nLet me know if you need any changes!", " Not Equal", "\nEqual.", "?", ""),
    ]
)
WRAPPED = st.recursive(
    PROSE | RAW,
    lambda inner: (
        st.builds("{}{}{}".format, OPENINGS, inner, CLOSINGS)
        | st.lists(inner, max_size=3).map("\n".join)
        | inner.map(json.dumps)
    ),
    max_leaves=8,
)
REPLIES = st.lists(WRAPPED | OPENINGS | CLOSINGS, max_size=6).map("".join)


def _unescaped(reply: str) -> str:
    """Return a reply with the texts in its JSON as they are meant."""
    with suppress(ValueError, AttributeError):
        return reply + "".join(map(str, json.loads(reply.strip(), strict=False).values()))
    return reply


def is_read_as_promised(reply: str) -> None:
    instruction, own = read_instruction(reply, MARKERS), own_text(reply)
    assert all(line.strip() in _unescaped(reply) for line in instruction.splitlines())
    assert instruction == instruction.strip()
    assert read_instruction(instruction, MARKERS) == instruction
    assert own in reply
    assert read_verdict(reply) in (True, False, None)


@settings(deadline=None)
@given(REPLIES)
def test_what_is_read_of_any_reply_stands_in_it(reply: str) -> None:
    is_read_as_promised(reply)


@pytest.mark.slow
@settings(deadline=None, max_examples=5_000)
@given(REPLIES)
def test_what_is_read_of_any_reply_stands_in_it_at_length(reply: str) -> None:
    is_read_as_promised(reply)


def seconds(reply: str) -> float:
    start = time.process_time()
    read_instruction(reply, MARKERS)
    read_instruction(reply, MARKERS, marks=("<new_task>", "</new_task>"))
    for read in (read_verdict, read_preference, read_method, read_code, final_answer):
        read(reply)
    same_final_answer(reply, f"{reply}!")
    same_result(reply, f"{reply}!")
    return time.process_time() - start


def is_read_in_time(before: str, again: str, after: str, size: int) -> None:
    reply = before + again * (size // len(again)) + after
    best = min(seconds(reply) for _ in range(2))
    assert best < 10 * size / 1_000_000, (before, again, after)  # a quadratic step takes minutes


REPEATED = st.lists(
    OPENINGS | CLOSINGS.filter(bool) | WORDS | RAW.filter(bool), min_size=1, max_size=3
)


@pytest.mark.slow
@settings(deadline=None, max_examples=8)
@given(before=REPLIES, again=REPEATED.map("".join), after=REPLIES)
@example(before="answer:", again=" ", after="\n")
@example(before="1", again=".", after="x!")
@example(before="\\boxed{", again="~", after="}")
@example(before="1", again=" ", after="x!")
@example(before="", again="```a\n", after="")
def test_a_reply_that_repeats_itself_is_read_in_time(before: str, again: str, after: str) -> None:
    is_read_in_time(before, again, after, size=100_000)


@pytest.mark.slow
@settings(deadline=None, max_examples=80)
@given(before=REPLIES, again=REPEATED.map("".join), after=REPLIES)
@example(before="", again="\n\nNote: I added it.", after="")
@example(before="", again="Sure, here is the rewritten prompt:\n\n", after="")
@example(before="", again="<task_new>\n", after="")
@example(before="", again="```text\n", after="")
@example(before="\\boxed{1", again=" .", after="x y}")
def test_a_megabyte_that_repeats_itself_is_read_in_time(
    before: str, again: str, after: str
) -> None:
    is_read_in_time(before, again, after, size=1_000_000)


KEYS = st.sampled_from(
    [
        *("choices", "message", "content", "text", "type", "finish_reason", "usage", "error"),
        *("refusal", "prompt_tokens", "completion_tokens", "prompt_tokens_details", "reasoning"),
        *("delta", "code"),
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner),
    max_leaves=12,
)
BODIES = ANY_JSON.map(json.dumps) | st.builds(
    lambda content, more: json.dumps(
        {"choices": [{"message": {"content": content}, **more}], "usage": content}
    ),
    ANY_JSON,
    st.dictionaries(KEYS, ANY_JSON, max_size=3),
)


@settings(deadline=None)
@given(BODIES)
def test_any_body_is_a_reply_or_is_said_to_be_none(body: str) -> None:
    with suppress(chat.UnreadableError, CallRejected):
        assert isinstance(chat.reply(chat.parse(body.encode())).text, str)
