"""What reading takes off a reply, what it leaves alone, and what counts as a verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.reading import own_text, read_instruction, read_verdict

MARKERS = (
    "created instruction",
    "format to embed",
    "rewritten instruction",
    "starting instruction",
)
PLAN = "Plan a three-day trip to Lisbon for two people, and keep the total under 400 euros."
LONG = f"{PLAN}\n\n| day | budget |\n|---|---|\n| 1 | 150 |\n\n- no flights\n- no museums"
CODE = "```python\ndef area(r):\n    return 3.14 * r * r\n```"
WITH_CODE = f"Find the bug:\n\n{CODE}\n\nThen explain it."

WRAPPED = {
    # labels
    "the marker": f"#Rewritten Instruction#: {PLAN}",
    "the marker on its own line": f"#Rewritten Instruction#:\n{PLAN}",
    "the marker without a colon": f"#Rewritten Instruction#\n{PLAN}",
    "the marker without signs": f"Rewritten Instruction: {PLAN}",
    "the marker in lower case": f"#rewritten instruction#: {PLAN}",
    "the marker in bold": f"**Rewritten Instruction:** {PLAN}",
    "the marker in bold, colon outside": f"**Rewritten Instruction**: {PLAN}",
    "the marker with signs in bold": f"**#Rewritten Instruction#:**\n{PLAN}",
    "the marker as a heading": f"### Rewritten Instruction\n\n{PLAN}",
    "the marker as a bold heading": f"## **Rewritten Instruction:**\n{PLAN}",
    "the marker with a wide colon": f"#Rewritten Instruction#：{PLAN}",
    "the marker twice": f"#Rewritten Instruction#:\n#Rewritten Instruction#:\n{PLAN}",
    "the other marker": f"#Created Instruction#: {PLAN}",
    "the given part and the marker": (
        f"#Starting Instruction#: Plan a trip.\n\n#Rewritten Instruction#: {PLAN}"
    ),
    "the given part and the marker, plain": (
        f"Starting Instruction: Plan a trip.\nRewritten Instruction: {PLAN}"
    ),
    "another name for the given part": (
        f"Original prompt: Plan a trip.\n\nRewritten Instruction: {PLAN}"
    ),
    "format, given part and marker": (
        "#Format To Embed#:\nCSV\n\n#Starting Instruction#:\nPlan a trip.\n\n"
        f"#Rewritten Instruction#:\n{PLAN}"
    ),
    "thoughts before the marker": f"The budget is a good lever.\n\n#Rewritten Instruction#: {PLAN}",
    "an empty marker after it": f"{PLAN}\n\n#Rewritten Instruction#:",
    "a label that is not the pack's": f"**Rewritten Prompt:**\n\n{PLAN}",
    "a plain label that is not the pack's": f"Rewritten Prompt: {PLAN}",
    "a heading that is not the pack's": f"# Revised Question\n{PLAN}",
    "a version label": f"**More complex version:** {PLAN}".replace("More complex", "Rewritten"),
    "the paper's own label": f"#Created Prompt#:\n{PLAN}",
    # announcements
    "sure": f"Sure, here is the rewritten prompt: {PLAN}",
    "sure, with a line": f"Sure! Here's the rewritten instruction:\n\n{PLAN}",
    "certainly": f"Certainly! Below is a more complex version of the prompt:\n\n{PLAN}",
    "of course": f"Of course. Here is a new prompt that adds a budget:\n{PLAN}",
    "curly apostrophe": f"Here’s a slightly harder version:\n\n{PLAN}",
    "here is": f"Here is the rewritten instruction:\n{PLAN}",
    "here is, with a tail": f"Here is a new task inspired by the given one:\n\n{PLAN}",
    "a bold announcement": f"**Here is the rewritten prompt:**\n\n{PLAN}",
    "an announcement without a colon": f"Sure, here is the rewritten prompt.\n\n{PLAN}",
    "a bare courtesy": f"Certainly!\n\n{PLAN}",
    "a courtesy and a label": f"Sure!\n\n**Rewritten Prompt:**\n{PLAN}",
    "two sentences": (
        f"Sure! I have added one more constraint. Here is the rewritten prompt:\n\n{PLAN}"
    ),
    "what was done": f"I've rewritten the prompt to include a budget:\n\n{PLAN}",
    "an attempt": f"Here's my attempt at a rewritten instruction:\n\n{PLAN}",
    "a way": f"Here is one way to rewrite the instruction:\n\n{PLAN}",
    "the prompt is": f"The rewritten prompt is:\n{PLAN}",
    "here you go": f"Sure thing! Here you go:\n\n{PLAN}",
    "an announcement between rules": (
        f"Here is the rewritten instruction:\n\n---\n\n{PLAN}\n\n---\n\n"
        "This version adds a constraint on the budget."
    ),
    "an announcement between rules, no note": (
        f"Here is the rewritten instruction:\n\n---\n\n{PLAN}\n\n---"
    ),
    # around the whole
    "straight quotes": f'"{PLAN}"',
    "single quotes": f"'{PLAN}'",
    "curly quotes": f"“{PLAN}”",
    "single curly quotes": f"‘{PLAN}’",
    "guillemets": f"« {PLAN} »",
    "low and high quotes": f"„{PLAN}“",
    "corner brackets": f"「{PLAN}」",
    "white corner brackets": f"『{PLAN}』",
    "triple quotes": f'"""\n{PLAN}\n"""',
    "a bare fence": f"```\n{PLAN}\n```",
    "a text fence": f"```text\n{PLAN}\n```",
    "a markdown fence": f"```markdown\n{PLAN}\n```",
    "a tilde fence": f"~~~\n{PLAN}\n~~~",
    "bold": f"**{PLAN}**",
    "bold italics": f"***{PLAN}***",
    # after it
    "a note": f"{PLAN}\n\nNote: I added a limit on the budget.",
    "a note on the next line": f"{PLAN}\nNote: I've added a constraint.",
    "a bold note": f"{PLAN}\n\n**Note:** The rewritten prompt adds a constraint.",
    "an italic note": f"{PLAN}\n\n*Note: This version adds one more requirement.*",
    "a bracketed note": f"{PLAN}\n\n(This version adds a budget.)",
    "a bracketed note in the line": f"{PLAN} (Note: I added a budget to make it harder.)",
    "an italic bracketed note in the line": f"{PLAN} *(This version adds a budget.)*",
    "a paragraph about the version": f"{PLAN}\n\nThis version adds a constraint on the budget.",
    "an explanation under a rule": f"{PLAN}\n\n---\nExplanation: it now has a limit.",
    "an explanation": f"{PLAN}\n\n**Explanation:** This version adds a constraint.",
    "a note in square brackets": f"{PLAN}\n\n[Note: I increased the reasoning steps.]",
    "what the addition does": f"{PLAN}\n\nThe added constraint makes the prompt harder.",
    "changes under a rule": f"{PLAN}\n---\n**Changes made:**\n- a limit\n\n- two people",
    "let me know": f"{PLAN}\n\nLet me know if you would like any changes!",
    "I hope this helps": f"{PLAN}\n\nI hope this helps!",
    "an offer": f"{PLAN}\n\nWould you like me to make it harder still?",
    "note and farewell": f"{PLAN}\n\nNote: I added a constraint.\n\nLet me know if you need more.",
    # reasoning, and several at once
    "reasoning": f"<think>\nA budget, maybe?\n</think>\n\n{PLAN}",
    "reasoning by another name": f"<thinking>hm</thinking>{PLAN}",
    "reasoning in capitals": f"<THINK>hm</THINK>\n{PLAN}",
    "reasoning with no opening tag": f"A budget, maybe?\n</think>\n\n{PLAN}",
    "reasoning twice": f"<think></think>\n<reasoning>hm</reasoning>\n{PLAN}",
    "reasoning under the marker": f"#Rewritten Instruction#:\n<think>hm</think>\n{PLAN}",
    "announcement, quotes, note": (
        f'Sure, here is the rewritten prompt:\n\n"{PLAN}"\n\nNote: I added a budget.'
    ),
    "announcement, fence, label, quotes": (
        "Certainly! Here's a more challenging version:\n\n"
        f"```\n#Rewritten Instruction#: “{PLAN}”\n```"
    ),
    "reasoning, marker, bold, note": (
        f"<think>ok</think>\n**Rewritten Instruction:**\n\n**{PLAN}**\n\n(I added a limit.)"
    ),
    "blank space": f"\n\n  {PLAN} \t\n",
}


@pytest.mark.parametrize("reply", WRAPPED.values(), ids=WRAPPED.keys())
def test_the_instruction_is_found_to_the_character_in_every_wrapping(reply: str) -> None:
    assert read_instruction(reply, MARKERS) == PLAN


@pytest.mark.parametrize(
    "text", [LONG, WITH_CODE, f'{CODE}\n\n"""x"""'], ids=["table", "code", "3"]
)
@pytest.mark.parametrize(
    "wrap",
    [
        "#Rewritten Instruction#:\n{}",
        "Sure, here is the rewritten prompt:\n\n{}",
        "<think>x</think>\n{}",
        "```markdown\n{}\n```",
        "{}\n\nNote: I added a constraint.",
        "**Rewritten Prompt:**\n\n{}\n\nI hope this helps!",
    ],
)
def test_inner_space_code_and_tables_come_out_untouched(wrap: str, text: str) -> None:
    assert read_instruction(wrap.replace("{}", text), MARKERS) == text


UNTOUCHED = {
    "a table and a list": LONG,
    "code inside": WITH_CODE,
    "a program": CODE,
    "a program in a fence and a question": f"{CODE}\nWhat does it print?",
    "two bare fences": "```\na = 1\n```\nor\n```\na = 2\n```",
    "a bare fence and a program": "```\na = 1\n```\nor\n```python\na = 2\n```",
    "a bare fence and a question": "```\n1 2 3\n```\nSum these.",
    "indented code": "Explain:\n\n    for x in y:\n        print(x)",
    "quotes at both ends": '"To be or not to be": who wrote it, and in "Hamlet" or "Macbeth"',
    "two quoted words": '"affect" or "effect"',
    "two quoted words, single": "'affect' or 'effect'",
    "two curly quotations": "“Yes” differs from “no”",
    "two bold words": "**affect** or **effect**",
    "a quotation first": '"Less is more." Discuss this in 200 words.',
    "a plural's apostrophe": "'Rewrite: the dogs' bowls'",
    "inches": '"5" or 6"',
    "a list that is data": "Here is a list of numbers:\n3, 1, 2\nSort them.",
    "a text that is data": "Here is an email I received: 'Hi!' Write a reply.",
    "a question that is data": "Here is my question: why is the sky blue?",
    "a question that is data, politely": "Great, here is my question: why is the sky blue?",
    "a problem with a tail": "Here is a new problem that our plant faces: heat. Suggest a fix.",
    "instructions that are data": "Here are the instructions: cut, fold, glue. Draw a flow chart.",
    "below is a table": "Below is a table of sales:\n\na,b\n1,2\n\nWhich month was best?",
    "the start of a text": "The rewritten history of Rome: name three books on it.",
    "my own text": "My revised essay: is it good?\n\nTea is old.",
    "sure in a story": "Sure of himself, Ben opened the door: go on with this story.",
    "sure in direct speech": "Sure, said the clerk, here is the key: continue the scene.",
    "certainly in prose": "Certainly the best known river is the Nile: name three others.",
    "okay in prose": "OK Computer is an album by Radiohead: list its songs.",
    "great as an adjective": "Great Britain had three kings in 1936: name them.",
    "I have": "I have a new problem: my cat does not eat. What can I do?",
    "a note that asks": "Write a parser.\n\nNote: use only the standard library.",
    "a note in the first person": "Plan dinner.\n\nNote: I have only one pan.",
    "a note on a version": "Write a script.\n\nNote: this version of Bash is 3.2.",
    "a note on a revised text": (
        "Edit it.\n\nNote: the revised version of the essay must have 500 words."
    ),
    "a bracketed aside": "Write a poem.\n\n(This is for my mother, who turns 80.)",
    "a release that adds": (
        "Write the release notes.\n\nThis version adds dark mode and fixes the login."
    ),
    "an eater's additions": "Why is my cake dry?\n\nI added two eggs and an apple.",
    "an aside at the end": "Explain recursion (with an example)",
    "a prompt about a prompt": "Write a prompt.\n\nThe prompt should mention a castle.",
    "let me know, to the reader": "Check my proof.\n\nLet me know if the second step is wrong.",
    "let me know, in a letter": (
        "Make it formal:\n\nHi Ana,\nthe report is done.\n\nLet me know if you need anything else."
    ),
    "a rule in a document": "Summarise:\n\nPart one.\n\n---\n\nPart two.",
    "an explanation in a form": "Fill in:\n\nAnswer:\n\n---\nExplanation:",
    "an explanation that is data": "Grade it: x - 2 = 3\n\nExplanation: I added 2 to both sides.",
    "several parts with rules": "Grade it.\n---\n2+2=5\n---\nExplanation: five is near four.",
    "front matter": "---\ntitle: Tea\n---\nWrite the article for this front matter.",
    "front matter and an explanation": "---\ntitle: Tea\n---\nExplanation: steep it. Expand this.",
    "front matter alone": "---\ntitle: Tea\nlang: en\n---",
    "an XML example": "Parse:\n<item>\n  <reasoning>tall</reasoning>\n</item>",
    "a tag in prose": "What do <think> and </think> mean in a model's output?",
    "a closing tag in backticks": "Remove all up to `</think>` from this file.",
    "a marker in code": "Fix it:\n```\n#Starting Instruction#: go\n```",
    "a marker's words in prose": "Write code for the starting instruction of a boot loader.",
    "a label inside a text": "Compare them.\nRewritten Instruction: be brief.",
    "a heading": "# Tea\n\nExpand this outline.",
    "a task label": "Task: translate.\nText: Guten Tag",
    "a dunder name": "__init__",
    "a power": "**kwargs or 2 ** 3 ** 2",
    "a sum": "1+1=?",
    "one word": "Smile!",
    "a template": "Fill {name} and $x and {{y}} in: #Title#",
    "another script": "「桜」について俳句を書いてください。",
}


@pytest.mark.parametrize("text", UNTOUCHED.values(), ids=UNTOUCHED.keys())
def test_an_instruction_that_only_looks_wrapped_survives_untouched(text: str) -> None:
    assert read_instruction(text, MARKERS) == text


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "  \n",
        "#Rewritten Instruction#:",
        "**Rewritten Prompt:**",
        "Sure, here is the rewritten prompt:",
        "<think>The user wants",
        "<think>hm</think>",
        '""',
        "```\n\n```",
    ],
)
def test_a_reply_that_holds_no_instruction_reads_as_empty(reply: str) -> None:
    assert read_instruction(reply, MARKERS) == ""


def test_any_packs_markers_are_labels_whatever_their_script_or_signs() -> None:
    assert read_instruction(f"#改写后的指令#：{PLAN}", ["改写后的指令"]) == PLAN
    assert read_instruction(f"Output (final): {PLAN}", ["#Output (final)#"]) == PLAN
    assert read_instruction(f"#Output#: {PLAN}", []) == f"#Output#: {PLAN}"


def test_more_wrappers_than_any_model_uses_leave_the_reply_as_it_came() -> None:
    deep = "“" * 40 + PLAN + "”" * 40
    assert read_instruction(deep, MARKERS) == deep


PLAIN = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Pi", "Pf", "Ps", "Cc"], exclude_characters="\"'"
    ),
    min_size=1,
).map(lambda text: f"Write {text} now.")


@given(PLAIN)
def test_a_clean_instruction_is_read_unchanged(text: str) -> None:
    assert read_instruction(text, MARKERS) == text


FRAGMENTS = [
    '"',
    "“",
    "”",
    "**",
    "```\n",
    "\n```",
    "\n\n",
    "<think>",
    "</think>",
    "\n---\n",
    "(",
    ")",
]
LABELS = ["#Rewritten Instruction#:", "Sure!\n\n", "Note: I added it."]
PIECES = st.sampled_from([*WRAPPED.values(), *UNTOUCHED.values(), *FRAGMENTS, *LABELS])


@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=6).map("".join))
def test_reading_twice_reads_no_more_than_reading_once(reply: str) -> None:
    once = read_instruction(reply, MARKERS)
    assert read_instruction(once, MARKERS) == once


def test_every_starter_seed_is_read_unchanged() -> None:
    seeds = Path(__file__).parents[1] / "seeds" / "starter.jsonl"
    if not seeds.exists():
        pytest.skip("no starter seeds here")
    for line in seeds.read_text(encoding="utf-8").splitlines():
        seed = json.loads(line)
        for text in (seed["instruction"], f"{seed['instruction']}\n{seed.get('input') or ''}"):
            assert read_instruction(text, MARKERS) == text.strip()


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ("no tags", "no tags"),
        ("  kept as it is \n", "  kept as it is \n"),
        ("<think>a</think>b", "b"),
        ("<think>a</think>\n\n b ", "b "),
        ("a</think>b", "b"),
        ("a <think> b</think> c", "a <think> b</think> c"),
        ("<think>a</think>b<think>c</think>d", "b<think>c</think>d"),
        ("<think>the tag </thinking> ends it</think>b", "b"),
        ("<think><think>a</think></think>b", "b"),
        ("<reasoning>never closed", ""),
        ("x < y and y > z", "x < y and y > z"),
    ],
)
def test_only_reasoning_before_the_answer_is_dropped(reply: str, left: str) -> None:
    assert own_text(reply) == left


VERDICTS = {
    True: [
        "Equal",
        "equal.",
        "**Equal**",
        '"Equal"',
        "EQUAL!",
        "Objection: Equal",
        "#Verdict#: Equal",
        "They are equal",
        "The two prompts are equal.",
        "They’re equal.",
        "Both are equal because nothing was added.",
        "Equal. Both ask for the same poem.",
        "Equal\n\nThe second prompt only rewords the first.",
        "<think>Are they not equal? Hm.</think>\nEqual",
        "they differ, I guess... no</think>Equal",
        "I would say: equal",
        "Yes, they are equal.",
        "The answer is: Equal",
        '{"verdict": "Equal"}',
        "\\boxed{Equal}",
        "The two are identical.",
        "They are the same.",
        "The two instructions are not different.",
        "Equal - the wording alone changed.",
        "(a) equal, (b) equal → Equal",
        "(a) Equal. (b) Equal. So overall, Equal.",
        "Not sure at first; on reflection:\n\n**Verdict: Equal**",
        "Not Equal? They ask for the same.\n\nFinal answer: Equal",
        "◁think▷not equal?◁/think▷Equal</s>",
        "<answer>Equal</answer>",
    ],
    False: [
        "Not Equal",
        "not equal",
        "NOT EQUAL.",
        "**Not Equal**",
        "**Not** Equal",
        "Not\nEqual",
        "not-equal",
        "Not_Equal",
        "Unequal",
        "NotEqual",
        "non-equal",
        "Objection: Not Equal",
        "They aren't equal.",
        "They aren’t equal.",
        "The two are not equal because the first is equal to a part of the second.",
        "The second prompt is not the same as the first.",
        "They are different.",
        "They cannot be considered equal.",
        "I don't think they are equal.",
        "The two prompts are neither equal nor similar.",
        "The two prompts do not have the same constraints.",
        "They are never equal.",
        "Not Equal. They would be equal if the budget were gone.",
        "No, they are not equal.",
        "They have equal depth, but not equal constraints.",
        "<think>Equal?</think>Not Equal",
        "Not Equal: the second has equal depth but one more constraint.",
        "\\boxed{\\text{Not Equal}}",
        "Equal. On second thought, they are not equal.",
        "Equal\nNot Equal",
        "(a) equal, (b) not equal → Not Equal",
        "(a) Equal. (b) Not Equal.",
        "1. Equal\n2. Not equal",
        "Constraints: equal\nDepth: not equal",
        "The constraints are equal. The depth is not equal.",
        "(a) Not Equal\n(b) Equal",
        "Not Equal<|im_end|>\n<|im_start|>user\nAre these equal?",
        "Not Equal\n\n### Human: And these?\n### Assistant: Equal",
        "[THINK]They are equal.[/THINK]Not Equal",
        "analysisThey look equal to me.assistantfinalNot Equal",
    ],
    None: [
        "",
        "Yes",
        "No.",
        "Maybe.",
        "42",
        "I cannot tell whether they are equal.",
        "Equal or Not Equal",
        "Equal / Not Equal",
        "Are they equal?",
        "Equal? No.",
        "If they are equal, say so.",
        "Not sure if equal.",
        "They are almost equal.",
        "They are equal in length.",
        "The depth is the same.",
        "Equal, except for the deadline.",
        "They are equal, but the second adds a budget.",
        "Both are equally hard.",
        "Inequality is a social problem.",
        "The wording is not the same.",
        "<think>They are equal",
        "All men are created equal.",
        "Coequal",
    ],
}


@pytest.mark.parametrize(
    ("reply", "equal"), [(reply, equal) for equal, replies in VERDICTS.items() for reply in replies]
)
def test_a_verdict_is_read_from_a_clear_statement_and_from_nothing_else(
    reply: str, equal: bool | None
) -> None:
    assert read_verdict(reply) is equal


HOSTILE: dict[str, Callable[[int], str]] = {
    "spaces": lambda n: f"Sure{' ' * n}x",
    "newlines": lambda n: f"a{chr(10) * n}b",
    "hashes": lambda n: "#" * n,
    "hash lines": lambda n: "# \n" * (n // 3),
    "double hashes": lambda n: "##\n" * (n // 3),
    "control characters": lambda n: "\x00" * n,
    "label and spaces": lambda n: f"#Rewritten Instruction{' ' * n}x",
    "labels": lambda n: "#Rewritten Instruction#:\n" * (n // 25),
    "stars": lambda n: "*" * n,
    "quotes": lambda n: '"' * n,
    "nested quotes": lambda n: "“" * (n // 2) + "”" * (n // 2),
    "quoted words": lambda n: '"' + ' "a"' * (n // 4) + '"',
    "fences": lambda n: "```\n" * (n // 4),
    "tags": lambda n: "<think></think>" * (n // 15),
    "closing tags": lambda n: "</think>" * (n // 8),
    "brackets": lambda n: "(" * n + ")",
    "marks in a line": lambda n: f"x{'</new_instruction>' * (n // 18)}x",
    "notes": lambda n: "x" + "\n\nNote: I added it." * (n // 20),
    "rules": lambda n: "a\n---\n" * (n // 6),
    "announcements": lambda n: "Sure, here is the rewritten prompt: " * (n // 36),
    "equals": lambda n: "equal " * (n // 6),
    "not": lambda n: "not " * (n // 4) + "equal",
    "words": lambda n: "they are " * (n // 9) + ".",
    "clauses": lambda n: "not equal," * (n // 10) + "if equal",
}


@pytest.mark.parametrize("size", [1 << 11, pytest.param(1 << 14, marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_reply_sixteen_times_as_long_takes_no_more_than_in_proportion(
    make: Callable[[int], str], size: int
) -> None:
    def seconds(length: int) -> float:
        reply, best = make(length), 9.0
        for _ in range(3):
            start = time.process_time()
            read_instruction(reply, MARKERS)
            read_instruction(reply, MARKERS, marks=("<new_instruction>", "</new_instruction>"))
            read_verdict(reply)
            best = min(best, time.process_time() - start)
        return best

    small, large = seconds(size), seconds(16 * size)
    assert large < 0.02 + 16 * 4 * small  # a quadratic step would take 256 times as long
