"""Of a chat a question is read with its own answer or with none; what is left out is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.seeds import SeedCounts, read_seeds
from tests import runs
from tests.command_line import evolinstruct


def read(
    tmp_path: Path, *rows: Any, **mapping: str
) -> tuple[list[tuple[str, str | None]], set[str]]:
    """Return (instruction, output) of each seed, and the remarks."""
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    counts = SeedCounts()
    seeds = read_seeds([str(path)], skip_bad=False, limit=None, counts=counts, mapping=mapping)
    return [(seed.instruction, seed.output) for seed in seeds], set(counts.remarks)


def said(*turns: tuple[str, str | None]) -> list[dict[str, str | None]]:
    return [{"role": role, "content": content} for role, content in turns]


USERS = ("user", "User", "HUMAN", "prompter", "person", "customer", "<|user|>", "human_1")
ASSISTANTS = (
    *("assistant", "Assistant", "gpt", "chatgpt", "bing", "bard", "model", "bot", "ai", "CHATBOT"),
    *("gpt-4", "claude-3-opus", "AI assistant", "<|assistant|>"),
)


@pytest.mark.parametrize("user", USERS)
def test_a_user_is_known_by_every_usual_name(tmp_path: Path, user: str) -> None:
    assert read(tmp_path, {"messages": said((user, "Hi?"), ("gpt", "Ho."))}) == (
        [("Hi?", "Ho.")],
        set(),
    )


@pytest.mark.parametrize("assistant", ASSISTANTS)
def test_an_assistant_is_known_by_every_usual_name(tmp_path: Path, assistant: str) -> None:
    row = {
        "conversations": said(("user", "Hi?"), (assistant, "Ho."), ("user", "Ha?"), ("gpt", "He."))
    }
    assert read(tmp_path, row) == ([("Hi?", "Ho.")], {"multi_turn"})


LAYOUTS: dict[str, dict[str, Any]] = {
    "from and value": {
        "conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Ho."}]
    },
    "speaker and text": {
        "dialog": [{"speaker": "USER", "text": "Hi?"}, {"speaker": "BOT", "text": "Ho."}]
    },
    "parts": {
        "contents": [
            {"role": "user", "parts": [{"text": "Hi?"}]},
            {"role": "model", "parts": ["Ho."]},
        ]
    },
    "type and content": {
        "chat": [{"type": "human", "content": "Hi?"}, {"type": "ai", "content": "Ho."}]
    },
    "rounds": {"conversation": [{"assistant": "Ho.", "human": "Hi?"}]},
    "a role as the key": {"items": [{"user": "Hi?"}, {"bot": "Ho."}]},
    "pairs": {"history": [["Hi?", "Ho."]]},
    "roles in pairs": {"dialogue": [["User", "Hi?"], ["Assistant", "Ho."]]},
    "plain texts": {"data": ["Hi?", "Ho."]},
    "a list in a cell": {"messages": json.dumps(said(("user", "Hi?"), ("assistant", "Ho.")))},
    "prompt and completion": {
        "prompt": said(("user", "Hi?")),
        "completion": said(("assistant", "Ho.")),
    },
    "prompt and a plain completion": {"prompt": said(("user", "Hi?")), "completion": "Ho."},
    "a null before the turns": {
        "instruction": None,
        "messages": said(("user", "Hi?"), ("gpt", "Ho.")),
    },
}


@pytest.mark.parametrize("row", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_of_a_chat_gives_the_question_and_its_answer(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    assert read(tmp_path, row) == ([("Hi?", "Ho.")], set())


def test_a_row_may_be_a_bare_list_of_turns(tmp_path: Path) -> None:
    turns = said(("user", "Hi?"), ("assistant", "Ho."))
    assert read(tmp_path, turns, said(("user", "Ha?"))) == ([("Hi?", "Ho."), ("Ha?", None)], set())


def test_turns_of_a_test_set_are_the_users_alone(tmp_path: Path) -> None:
    rows = {"turns": ["Hi?", "Ha?"]}, {"turns": [{"content": "Ho?"}]}
    assert read(tmp_path, *rows) == ([("Hi?", None), ("Ho?", None)], {"user_again"})


LEFT_OUT: dict[str, tuple[dict[str, Any], tuple[str, str | None], set[str]]] = {
    "a system turn": (
        {"messages": said(("system", "In French."), ("user", "Hi?"), ("gpt", "Ho."))},
        ("Hi?", "Ho."),
        {"system"},
    ),
    "a system text beside": (
        {"system_prompt": "In French.", "question": "Hi?", "response": "Ho."},
        ("Hi?", "Ho."),
        {"system"},
    ),
    "history": (
        {"instruction": "Go on.", "output": "Ho.", "history": [["A", "B"]]},
        ("Go on.", "Ho."),
        {"history"},
    ),
    "the assistant begins": (
        {"messages": said(("gpt", "Part one."), ("user", "Go on."), ("gpt", "Two."))},
        ("Go on.", "Two."),
        {"begun_by_other"},
    ),
    "the user twice": (
        {"messages": said(("user", "A text."), ("user", "Sum it up."), ("gpt", "Short."))},
        ("A text.", None),
        {"user_again"},
    ),
    "an empty answer": (
        {"messages": said(("user", "Hi?"), ("gpt", ""), ("user", "Well?"), ("gpt", "Ho."))},
        ("Hi?", None),
        {"user_again"},
    ),
    "an unknown role": (
        {"messages": said(("user", "Hi?"), ("narrator", "Later."), ("gpt", "Ho."))},
        ("Hi?", None),
        {"not_answered"},
    ),
    "a tool": (
        {"messages": said(("user", "Hi?"), ("gpt", "Wait."), ("tool", "4"), ("gpt", "Four."))},
        ("Hi?", None),
        {"not_answered"},
    ),
    "a call of a tool": (
        {"messages": said(("user", "Hi?"), ("gpt", None), ("function", "4"), ("gpt", "Four."))},
        ("Hi?", None),
        {"not_answered"},
    ),
    "a later answer apart": (
        {"prompt": said(("user", "Hi?"), ("gpt", "Ho."), ("user", "Ha?")), "completion": "He."},
        ("Hi?", "Ho."),
        {"multi_turn"},
    ),
    "placeholders": (
        {"instruction": "Hi?", "input": "N/A", "output": "None"},
        ("Hi?", None),
        {"placeholder"},
    ),
}


@pytest.mark.parametrize(("row", "texts", "remarks"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_is_not_read_as_it_stands_is_counted(
    tmp_path: Path, row: dict[str, Any], texts: tuple[str, str | None], remarks: set[str]
) -> None:
    assert read(tmp_path, row) == ([texts], remarks)


def test_what_is_left_out_is_told_by_seeds_and_by_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs.write_seeds(Path("a.jsonl"), [row for row, _, _ in LEFT_OUT.values()])
    told = evolinstruct("seeds a.jsonl").stdout
    evolved = evolinstruct("evolve a.jsonl -o run --client offline -g 1").stderr
    sentences = [
        "2 rows with a system text, which is left out: an answer may depend on what it says.",
        "1 row with earlier turns in `history`, which are left out: the instruction may depend",
        "1 conversation not begun by the user: what is said before the user's first turn is left",
        "2 conversations with two turns of the user in a row: the first is evolved, without an",
        "3 conversations where a tool, or a role that is not known, speaks after the user's first",
        "1 row with a placeholder, such as N/A or <noinput>, for input or answer: read as none.",
    ]
    for sentence in sentences:
        assert sentence in " ".join(told.split())
        assert sentence in " ".join(evolved.split())
    facts = json.loads(evolinstruct("seeds a.jsonl --json").stdout)
    assert facts["remarks"]["user_again"] == 2


RENDERED = {
    "alpaca": "Below is an instruction.\n\n### Instruction:\nHi?\n\n### Response:\nHo.",
    "alpaca, upper case": "### INSTRUCTION:\nHi?\n\n### RESPONSE:\nHo.</s>",
    "guanaco": "### Human: Hi?### Assistant: Ho.",
    "headings": "### User\nHi?\n\n### Assistant\nHo.",
    "llama 2": "<s>[INST] Hi? [/INST] Ho. </s>",
    "llama 3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nHo.<|eot_id|>",
    "chatml": "<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\nHo.<|im_end|>\n",
    "chatml on a line": "<|im_start|>user<|im_sep|>Hi?<|im_end|><|im_start|>assistant<|im_sep|>Ho.",
    "gemma": "<bos><start_of_turn>user\nHi?<end_of_turn>\n<start_of_turn>model\nHo.<end_of_turn>",
    "zephyr": "<|user|>\nHi?</s>\n<|assistant|>\nHo.</s>",
    "phi": "<|user|>Hi?<|end|><|assistant|>Ho.<|end|>",
    "openassistant": "<|prompter|>Hi?<|endoftext|><|assistant|>Ho.<|endoftext|>",
    "deepseek": "<｜begin▁of▁sentence｜><｜User｜>Hi?<｜Assistant｜>Ho.<｜end▁of▁sentence｜>",
    "gpt-oss": "<|start|>user<|message|>Hi?<|end|><|start|>assistant<|channel|>analysis<|message|>"
    "Hm.<|end|><|start|>assistant<|channel|>final<|message|>Ho.<|return|>",
    "cohere": "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hi?<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Ho.<|END_OF_TURN_TOKEN|>",
    "openchat": "GPT4 Correct User: Hi?<|end_of_turn|>GPT4 Correct Assistant: Ho.<|end_of_turn|>",
    "oig": "<human>: Hi?\n<bot>: Ho.",
    "labels": "\n\nHuman: Hi?\n\nAssistant: Ho.",
    "labels on a line": "USER: Hi? ASSISTANT: Ho.</s>",
    "vicuna": "A chat between a user and an assistant. USER: Hi? ASSISTANT: Ho.</s>",
    "bold labels": "**User:** Hi?\n\n**AI:** Ho.",
    "question and answer": "Q: Hi?\nA: Ho.",
    "instruction and output": "Instruction: Hi?\nOutput: Ho.",
}


@pytest.mark.parametrize("text", RENDERED.values(), ids=RENDERED)
def test_a_chat_in_one_text_is_taken_apart_by_its_template(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, {"text": text}) == ([("Hi?", "Ho.")], {"rendered"})


def test_parts_of_a_rendered_chat_are_left_out_and_told(tmp_path: Path) -> None:
    rows = (
        {"text": "[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nA? [/INST] a </s><s>[INST] B? [/INST] b"},
        {"text": "### Instruction:\nSum up.\n\n### Input:\n1, 2\n\n### Response:\n3"},
        {"text": "SYSTEM: Be kind.\nUSER: C?\nASSISTANT:"},
        {"prompt": "Human: D?\n\nAssistant:", "completion": " d<|endoftext|>"},
    )
    assert read(tmp_path, *rows) == (
        [("A?", "a"), ("Sum up.\n1, 2", "3"), ("C?", None), ("D?", "d")],
        {"rendered", "multi_turn", "system"},
    )


TASKS = [
    {"text": "What does <|im_start|>user mean in a template?"},
    {"text": "Explain the heading ### Response: of a prompt."},
    {"text": "Question: why is the sky blue?"},
    {"text": "Continue this talk.\nUser: Hi?\nAssistant: Ho."},
    {"text": "Say which plan A: stay, or B: go, a user: prefers."},
    {"instruction": "Question: who was it?\nAnswer:", "output": "Nobody."},
    {"instruction": "User: Hi?\nAI: Ho.\nUser: Ha?", "output": "He."},
    {"prompt": "Q: 1?\nA: 2.\nQ: 3?\nA:", "completion": "4."},
    {"text": "## Question\nWhat is it?\n## Hints\nNone."},
]


@pytest.mark.parametrize("row", TASKS)
def test_a_task_that_only_speaks_of_chats_stays_whole(tmp_path: Path, row: dict[str, str]) -> None:
    instruction, *answer = row.values()
    assert read(tmp_path, row) == ([(instruction, answer[0] if answer else None)], set())


def test_a_mapped_field_may_hold_turns_and_its_answer_another(tmp_path: Path) -> None:
    row = {"chosen": said(("user", "Hi?"), ("assistant", "Ho.")), "text": "no"}
    assert read(tmp_path, row, instruction="chosen") == ([("Hi?", "Ho.")], set())
