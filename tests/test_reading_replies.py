"""Replies as models of many families write them: with marks and without, in a dozen languages.

``labelled_replies.jsonl`` was written by hand, without a look at the reader. A line that says
``misread`` holds what the reader does not manage: it is not to grow in number. Of the last writer's
160 it read 131 to the letter at the first look, and kept 19 misread.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evolinstruct.reading import own_text, read_answer, read_instruction, read_verdict

MARKS = ("<new_instruction>", "</new_instruction>")
CASES = [
    json.loads(line)
    for line in Path(__file__).with_name("labelled_replies.jsonl").read_text("utf-8").splitlines()
]
PARENT = "Plan a trip to Lisbon."
PLAN = "Plan a three-day trip to Lisbon for two people, and keep the total under 400 euros."


def test_the_instruction_is_found_to_the_character() -> None:
    misread = [
        case["kind"]
        for case in CASES
        if "misread" not in case
        and read_instruction(case["reply"], (), parent=case["parent"], marks=MARKS)
        != case["expected"]
    ]
    assert misread == []


def test_next_to_nothing_is_misread_between_marks_and_little_without() -> None:
    with_marks = [case for case in CASES if case["kind"].startswith("marks")]
    assert sum("misread" in case for case in with_marks) <= 0.06 * len(with_marks)
    assert sum("misread" in case for case in CASES) <= 0.2 * len(CASES)


REASONING = {
    "tags": "<thinking>\nA limit of money?\n</thinking>\n\n{}",
    "a name before the tag": "<glm:think>A limit of money?</glm:think>{}",
    "square tags": "[THINK]A limit of money?[/THINK]\n{}",
    "other brackets": "◁think▷A limit of money?◁/think▷{}",
    "tokens around it": "<|begin_of_thought|>A limit?<|end_of_thought|><|begin_of_solution|>{}"
    "<|end_of_solution|>",
    "tokens that say start": "<|START_THINKING|>A limit?<|END_THINKING|><|START_RESPONSE|>{}"
    "<|END_RESPONSE|>",
    "channels": "<|channel|>analysis<|message|>A limit?<|end|><|start|>assistant<|channel|>final"
    "<|message|>{}<|return|>",
    "channels with their tokens lost": "analysisA limit of money would do.assistantfinal{}",
    "a channel with two tokens": "<|channel>thought\nA limit?<channel|>{}",
    "details": '<details type="reasoning" done="true">\n<summary>Thought</summary>\nA limit?\n'
    "</details>\n{}",
    "a fence": "```thinking\nA limit?\n```\n{}",
    "a scratchpad": "<scratchpad>A limit?</scratchpad>\n{}",
    "an opening that was swallowed": "A limit of money would do.\n</think>\n\n{}",
    "twice": "<think>A limit?</think>\n<reflection>Yes.</reflection>\n{}",
}
TOKENS = {
    "the end of a turn": "{}<|im_end|>",
    "another turn": "{}<|im_end|>\n<|im_start|>user\nAnd Porto?<|im_end|>",
    "a header": "<|start_header_id|>assistant<|end_header_id|>\n\n{}<|eot_id|>",
    "full width": "{}<｜end▁of▁sentence｜><｜User｜>And Porto?",
    "of the text": "<s>{}</s>",
    "of a turn": "{}<end_of_turn>\n<start_of_turn>user\nAnd Porto?",
    "of an instruction": "{} [/INST] And Porto?",
    "square": "{}[|endofturn|]",
    "a glued role": "{}assistant\n\nHere is another plan.",
    "an answer's tag": "<answer>{}</answer>",
}


@pytest.mark.parametrize("wrap", [*REASONING.values(), *TOKENS.values()])
def test_what_a_server_leaves_is_taken_off_rewrites_verdicts_and_answers(wrap: str) -> None:
    assert read_instruction(wrap.replace("{}", PLAN), (), parent=PARENT) == PLAN
    assert read_instruction(wrap.replace("{}", PLAN), (), parent=PARENT, marks=MARKS) == PLAN
    marked = f"{MARKS[0]}\n{PLAN}\n{MARKS[1]}"
    assert read_instruction(wrap.replace("{}", marked), (), parent=PARENT, marks=MARKS) == PLAN
    assert read_answer(wrap.replace("{}", "It costs 390 euros."), PLAN) == "It costs 390 euros."
    assert read_verdict(wrap.replace("{}", "Not Equal")) is False


@pytest.mark.parametrize("wrap", ["<think>A limit", "<|channel|>analysis<|message|>A limit"])
def test_reasoning_that_never_ends_leaves_nothing(wrap: str) -> None:
    assert own_text(wrap) == ""


ABOUT_THEM = {
    "What does <|im_end|> do?": "It ends a turn: `<|im_end|>`, or <|im_end|> in the raw text.",
    "Show a chat template.": "```\n<|im_start|>user\nHi<|im_end|>\n```\nThat is ChatML.",
    "Which tag strikes text out?": "Write <s>old</s> for it.",
    "Return XML with the tag <answer>.": "<answer>42</answer>",
    "What is <think> for?": "<think> is where a model reasons; </think> ends it.",
    "Explain arrays.": "In C, a[i] is *(a + i); in Haskell, xs <|> ys picks one.",
    "Write a class name.": "A shop assistant\n\nworks here.",
}


@pytest.mark.parametrize(("asked", "answer"), ABOUT_THEM.items())
def test_an_answer_about_tags_and_tokens_stays_as_it_is(asked: str, answer: str) -> None:
    assert read_answer(answer, asked) == answer


def test_one_json_field_around_an_answer_comes_off_unless_json_was_asked_for() -> None:
    assert read_answer('{"response": "It rains."}', "How is the weather?") == "It rains."
    asked = "Say as JSON how the weather is."
    assert read_answer('{"response": "It rains."}', asked) == '{"response": "It rains."}'


# Marks in trouble


def marked(inner: str) -> str:
    return f"{MARKS[0]}\n{inner}\n{MARKS[1]}"


OF_PROMPTS = (
    "Rewrite the given instruction, and put it between <new_instruction> and </new_instruction>.\n"
    "#Starting Instruction#: Name a fish.\n\n#Rewritten Instruction#:"
)
TROUBLED = {
    "nothing but marks": (marked(""), PARENT, ""),
    "the mark named in a plan": (
        f"I put it between {MARKS[0]} and {MARKS[1]}.\n\n{marked(PLAN)}",
        PARENT,
        PLAN,
    ),
    "a draft first": (
        f"{marked('Plan it.')}\n\nToo short. Better:\n\n{marked(PLAN)}",
        PARENT,
        PLAN,
    ),
    "a choice of two": (f"{marked(PLAN)}\n\nOr:\n\n{marked('Plan it in May.')}", PARENT, ""),
    "the closing one missing": (f"{MARKS[0]}\n{PLAN}", PARENT, PLAN),
    "the opening one missing": (f"{PLAN}\n{MARKS[1]}\n\nI added a limit.", PARENT, PLAN),
    "in capitals": (f"<NEW_INSTRUCTION>\n{PLAN}\n</NEW_INSTRUCTION>", PARENT, PLAN),
    "with blanks": (f"<new instruction>\n{PLAN}\n</new instruction>", PARENT, PLAN),
    "misspelt": (f"<new_instuction>\n{PLAN}\n</new_instuction>", PARENT, PLAN),
    "in bold": (f"**{MARKS[0]}**\n{PLAN}\n**{MARKS[1]}**", PARENT, PLAN),
    "on the line": (f"{MARKS[0]}{PLAN}{MARKS[1]}", PARENT, PLAN),
    "escaped": (f"&lt;new_instruction&gt;\n{PLAN}\n&lt;/new_instruction&gt;", PARENT, PLAN),
    "a label inside": (marked(f"#Rewritten Instruction#: {PLAN}"), PARENT, PLAN),
    "quotes inside": (marked(f'"{PLAN}"'), PARENT, PLAN),
    "a parent that is such a prompt": (
        marked(f"{OF_PROMPTS} Answer in French."),
        OF_PROMPTS,
        f"{OF_PROMPTS} Answer in French.",
    ),
    "right to left": (marked("خطط لرحلة إلى لشبونة، ولا تتجاوز 400 يورو."), "خطط لرحلة.", None),
    "a megabyte": (marked("Sort these:\n" + "17,4,99\n" * 125_000), "Sort these.", None),
}


@pytest.mark.parametrize(("reply", "parent", "expected"), TROUBLED.values(), ids=TROUBLED.keys())
def test_marks_in_trouble_are_read_all_the_same(
    reply: str, parent: str, expected: str | None
) -> None:
    whole = reply.removeprefix(MARKS[0]).removesuffix(MARKS[1]).strip()
    read = read_instruction(reply, ("starting instruction",), parent=parent, marks=MARKS)
    assert read == (whole if expected is None else expected)


LED_INTO = [
    "A less common question about the same subject would be:",
    "One could ask instead:",
    "How about this one?",
    "What a delightful question!",
    "Interesting! Here is one:",
    "Sure, I can help with that.",
    "To make it harder, one could ask the following:",
    "**Increased difficulty:**",
    "I rewrote the instruction so that it needs reasoning:",
    "Eine seltenere Frage aus demselben Gebiet wäre:",
]


@pytest.mark.parametrize("said", LED_INTO)
def test_what_a_small_model_says_before_another_question_comes_off(said: str) -> None:
    asked = "Which canal joins two seas without a single lock, and why does it need none?"
    found = read_instruction(f"{said}\n\n{asked}", (), parent="Name a river.", marks=MARKS)
    assert found == asked


@pytest.mark.parametrize(
    "own",
    [
        "Rewrite the following question:\n\nWhere do rivers end?",
        "Answer the following:\n\n1. Where do rivers end?",
        "Given the following data:\n\na,b\n1,2\n\nsay which column is larger.",
        "Make it harder:\n\nWhere do rivers end?",
        "Great rivers! Say which three carry the most water.",
        "Write a fable about a lock keeper and an eel, in the voice of the eel.\n\n(200 words)",
        "Fill in this form for a canal:\nTitle: Kiel\nDifficulty: 7/10",
        "Choose one of three canals and justify it.\n\nJustification: name the toll and the width.",
        "Write the last lines of a play, after which the curtain falls:\n\nThe End",
        "Draw up a sheet for pupils with these parts:\n\n### Changes\n\n### Reasons",
    ],
)
def test_an_instruction_that_begins_or_ends_like_that_stays_as_it_is(own: str) -> None:
    assert read_instruction(own, (), parent="Name a river.", marks=MARKS) == own


CANAL = "Which canal joins two seas without a single lock, and why does it need none?"
BEHIND = {
    "an end mark": "*** End of instruction ***",
    "an end mark in Russian": "#Конец#",
    "a count that is near": "(17 words)",
    "a count under a label": "Word count: 14",
    "a count of what was added": "(9 words added)",
    "a rating": "**Difficulty:** 7/10",
    "stars": "Schwierigkeitsgrad: ★★★★☆",
    "a good-bye": "Good luck!",
    "a good-bye in Japanese": "お役に立てれば幸いです。",
    "reasons under a heading": "### Why it's harder\n\n- The lock is gone.\n- Two seas differ.",
    "a list of techniques": "---\nTechniques employées :\n• une contrainte\n• un lieu",
    "reasons in bold": "**Justificativa:** o canal deixa de ser um qualquer.",
    "a heading with a picture": "### 🔍 Changes made\nThe river became a canal.",
}


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND.keys())
def test_what_stands_behind_a_rewrite_comes_off_by_its_build(behind: str) -> None:
    reply = f"{CANAL}\n\n{behind}"
    assert read_instruction(reply, (), parent="Name a river.", marks=MARKS) == CANAL


ENCLOSED = {
    "a block of YAML": "```yaml\nmethod: deepen\nnew_instruction: |\n  {}\ndifficulty: 8\n```",
    "a call of a tool": (
        '<tool_call>\n{{"name": "submit", "arguments": {{"new_instruction": "{}"}}}}\n</tool_call>'
    ),
    "a translated tag": "<nouvelle_consigne>\n{}\n</nouvelle_consigne>",
    "a tag in brackets": "【新指令】\n{}\n【/新指令】",
    "blank lines in bold": "**{}\n\u2028**",
}


@pytest.mark.parametrize("around", ENCLOSED.values(), ids=ENCLOSED.keys())
def test_what_encloses_a_rewrite_comes_off(around: str) -> None:
    reply = around.format(CANAL)
    assert read_instruction(reply, (), parent="Name a river.", marks=MARKS) == CANAL
