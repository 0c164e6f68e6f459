from __future__ import annotations

import ast
import asyncio
import csv
import io
import json
import re
import sqlite3
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.llm.base import CallContext, CallId, ClientOptions, Reply, Request
from evolinstruct.llm.offline import OfflineClient
from evolinstruct.llm.offline.grammar import Writer, read_phrases
from evolinstruct.llm.offline.misbehaving import HABITS
from evolinstruct.llm.offline.rewriting import rewrite
from evolinstruct.purposes import PURPOSES
from evolinstruct.reading import read_instruction, read_verdict

PLAIN_IN_DEPTH = ("add_constraints", "deepen", "concretize", "increase_reasoning")
OPERATIONS = (*PLAIN_IN_DEPTH, "complicate_input", "in_breadth")
FAVOURITES = (
    "Plan a week",
    "Invent a board game",
    "A tank holds",
    "Design a small weather station",
)
PARENTS = (
    "1+1=?",
    "Explain why the sky looks blue at noon and red at sunset.",
    "Write a Python function that reverses a linked list.",
    "Sort these words by length.\nplum, apple, fig, banana",
    "Describe a day in the life of a lighthouse keeper on a small island",
    "Which fruits keep longest in a cool cellar, and how should they be stored there?",
    "Summarize the passage:\nThe mill stood idle for years. Then a school class repaired it.",
    "How can a small shop compare the prices of two suppliers without giving up its evenings?",
    "Translate into Spanish: The train leaves at nine.",
    "Plan a birthday party for ten children in a garden, with two games and one song.",
)

CLIENT = OfflineClient(ClientOptions(base_url=None, model="", api_key=None, timeout=60.0))


def subject_of(operation: str | None, text: str, data_format: str | None = None) -> CallContext:
    kind = None if operation is None else "in-depth"
    if operation == "in_breadth":
        kind = "in-breadth"
    return CallContext(1, operation, kind, data_format, text)


def asked(
    purpose: str,
    subject: CallContext,
    number: int = 0,
    attempt: int = 0,
    max_tokens: int | None = 2048,
    model: str = "",
) -> Request:
    draw = CallId(f"{number:016x}", purpose, attempt)
    messages = (("user", "x" * 801),)
    return Request(draw, subject, messages, model, 1.0, 0.9, max_tokens)


def reply_to(request: Request) -> Reply:
    """Run the call to its end, which it must reach without waiting once."""
    call = CLIENT.complete(request)
    with pytest.raises(StopIteration) as end:
        call.send(None)
    reply = end.value.value
    assert isinstance(reply, Reply)
    return reply


def replies(purpose: str, operation: str | None, count: int) -> list[tuple[str, Reply]]:
    """Return (instruction asked about, reply) pairs."""
    texts = [PARENTS[number % len(PARENTS)] for number in range(count)]
    return [
        (text, reply_to(asked(purpose, subject_of(operation, text), number)))
        for number, text in enumerate(texts)
    ]


def rewrites(operation: str, text: str, count: int, data_format: str | None = None) -> list[str]:
    """Return well-behaved rewrites of the text."""
    subject = subject_of(operation, text, data_format)
    return [rewrite(subject, Writer(f"{operation}{number}", text)) for number in range(count)]


def normal(text: str) -> str:
    return " ".join(text.split()).casefold()


def test_equal_requests_get_equal_replies_in_any_order_and_from_any_client() -> None:
    requests = [
        asked(purpose, subject_of(operation, text), number)
        for number, text in enumerate(PARENTS)
        for operation in OPERATIONS
        for purpose in ("evolve", "compare", "answer")
    ]
    other = OfflineClient(ClientOptions(base_url=None, model="", api_key="k", timeout=1.0))

    async def backwards() -> list[Reply]:
        return list(await asyncio.gather(*(other.complete(each) for each in requests[::-1])))

    assert asyncio.run(backwards())[::-1] == [reply_to(request) for request in requests]


@pytest.mark.parametrize("purpose", ["evolve", "answer"])
def test_another_attempt_child_or_temperature_usually_gets_another_reply(purpose: str) -> None:
    subject = subject_of("deepen", PARENTS[1])
    first = [reply_to(asked(purpose, subject, number)).text for number in range(200)]
    again = [reply_to(asked(purpose, subject, number, attempt=1)).text for number in range(200)]

    assert len(set(first)) > 180
    assert sum(one != other for one, other in zip(first, again, strict=True)) > 190


@given(
    text=st.text(),
    operation=st.sampled_from([*OPERATIONS, "unheard_of", None]),
    purpose=st.sampled_from(["evolve", "compare", "answer", "unheard_of"]),
    number=st.integers(0, 10_000),
)
def test_any_text_gets_a_reply_that_can_be_written_as_utf8(
    text: str, operation: str | None, purpose: str, number: int
) -> None:
    reply = reply_to(asked(purpose, subject_of(operation, text), number))

    assert reply.text.encode().decode() == reply.text
    assert reply.finish_reason in ("stop", "length")


@pytest.mark.parametrize("operation", ["add_constraints", "deepen", "increase_reasoning"])
def test_a_plain_operation_keeps_the_instruction_and_adds_its_own_kind_of_sentence(
    operation: str,
) -> None:
    texts = rewrites(operation, PARENTS[1], 300)

    assert all(text.startswith(PARENTS[1] + " ") for text in texts)
    others = {name: rewrites(name, PARENTS[1], 300) for name in PLAIN_IN_DEPTH if name != operation}
    assert all(set(texts).isdisjoint(theirs) for theirs in others.values())


def test_what_stands_below_the_first_line_stays_what_it_is() -> None:
    texts = rewrites("deepen", PARENTS[3], 50)

    assert {text.partition("\n")[2] for text in texts} == {"plum, apple, fig, banana"}


def test_a_sentence_is_added_below_data_and_below_a_line_that_leads_to_it() -> None:
    code, passage = "```\nx = 1\n```", PARENTS[6]

    assert all(text.startswith(code + "\n") for text in rewrites("deepen", code, 50))
    assert all(text.startswith(passage + "\n") for text in rewrites("deepen", passage, 50))


def test_concretize_replaces_a_general_word_by_something_specific() -> None:
    texts = rewrites("concretize", "Tell a story that makes people laugh.", 50)

    assert not any(text.startswith("Tell a story") for text in texts)
    assert all(re.match(r"Tell a [a-z -]+ that makes people laugh\. [A-Z]", text) for text in texts)


@pytest.mark.parametrize("operation", PLAIN_IN_DEPTH)
def test_a_plain_operation_adds_10_to_20_words_in_most_cases(operation: str) -> None:
    pairs = [(parent, text) for parent in PARENTS for text in rewrites(operation, parent, 100)]
    growth = [len(text.split()) - len(parent.split()) for parent, text in pairs]

    assert 10 <= statistics.median(growth) <= 20
    assert 0.6 < sum(10 <= words <= 20 for words in growth) / len(growth) < 0.98


def read_sql(block: str) -> int:
    with closing(sqlite3.connect(":memory:")) as base, base:
        base.executescript(block)
        (name,) = base.execute("SELECT name FROM sqlite_master").fetchone()
        return len(base.execute(f"SELECT * FROM {name}").fetchall())


def read_python(block: str) -> int:
    first = ast.parse(block).body[0]
    assert isinstance(first, ast.Assign)
    return len(ast.literal_eval(first.value))


READERS: dict[str, Callable[[str], int]] = {
    "xml": lambda block: len(ElementTree.fromstring(block)),
    "HTML page": lambda block: len(ElementTree.fromstring(block)) - 1,
    "json": lambda block: len(next(iter(json.loads(block).values()))),
    "SQL database": read_sql,
    "python": read_python,
    "csv": lambda block: len(list(csv.DictReader(io.StringIO(block), strict=True))),
    "YAML": lambda block: block.count("\n  - "),
    "markdown_table": lambda block: block.count("\n|") - 1,
    "log": lambda block: block.count(" INFO "),
    "shell": lambda block: block.partition("\nEND\n")[0].count(";") // 3,
    "unheard of": lambda block: len(re.findall("^- ", block, re.MULTILINE)),
}


@pytest.mark.parametrize("data_format", READERS)
def test_complicate_input_adds_three_to_six_records_that_are_valid_in_the_format(
    data_format: str,
) -> None:
    for text in rewrites("complicate_input", PARENTS[1], 60, data_format):
        parent, question, block = text.split("\n\n", 2)
        found = READERS[data_format](block.removeprefix("```\n").removesuffix("\n```"))
        assert (parent, question[-1]) == (PARENTS[1], "?")
        assert 3 <= found <= 6


def test_in_breadth_writes_new_instructions_about_as_long_as_the_parent() -> None:
    for parent in (PARENTS[1], PARENTS[7] + " " + PARENTS[9], " ".join(PARENTS[1:6])):
        lengths = [len(text.split()) for text in rewrites("in_breadth", parent, 300)]
        assert abs(statistics.median(lengths) - len(parent.split())) <= 6


def shingles(text: str, size: int) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def near_duplicates(texts: list[str]) -> int:
    """Count the texts that share 70 percent of their three-word shingles with an earlier one."""
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    sets = [shingles(text, 3) for text in texts]
    found = 0
    for number, own in enumerate(sets):
        shared = Counter(other for shingle in own for other in holders[shingle])
        found += any(
            count / (len(own) + len(sets[other]) - count) >= 0.7 for other, count in shared.items()
        )
        for shingle in own:
            holders[shingle].append(number)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("parent", [PARENTS[0], PARENTS[7] + " " + PARENTS[8]])
def test_in_20000_in_breadth_rewrites_hardly_two_are_alike(parent: str) -> None:
    every = rewrites("in_breadth", parent, 20_000)
    texts = [text for text in every if not text.startswith(FAVOURITES)]

    assert 0.025 < 1 - len(texts) / len(every) < 0.045
    assert len(texts) - len(set(texts)) <= 10
    assert near_duplicates(texts[:4_000]) <= 4


@pytest.mark.parametrize("kind", ["in-depth", "in-breadth"])
def test_an_operation_of_another_pack_is_rewritten_by_its_kind(kind: str) -> None:
    subject = CallContext(1, "add_a_proof", kind, None, PARENTS[1])
    texts = {rewrite(subject, Writer(str(number), PARENTS[1])) for number in range(300)}

    assert len(texts) > 250
    assert {text.startswith(PARENTS[1] + " ") for text in texts} == {kind == "in-depth"}


def test_four_generations_of_growth_keep_the_instruction_and_its_sentences_apart() -> None:
    text = PARENTS[4]
    for operation in PLAIN_IN_DEPTH:
        (text,) = rewrites(operation, text, 1)

    assert text.startswith(PARENTS[4] + ". ")
    assert 4 <= len(re.findall(r"[.?!](?:\s|$)", text)) - 1 <= 9


OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in (*OPERATIONS[1:], None)]


@pytest.mark.parametrize("operation", [OPERATIONS[0], *OTHERS])
def test_answers_have_real_lengths(operation: str | None) -> None:
    words = [len(reply.text.split()) for _, reply in replies("answer", operation, 2_000)]

    assert 120 <= statistics.median(words) <= 180
    assert max(words) <= 600
    assert sum(count > 300 for count in words) > 100
    assert sum(count < 30 for count in words) > 100


def test_some_answers_hold_a_list_a_table_or_code() -> None:
    texts = [reply.text for _, reply in replies("answer", "deepen", 2_000)]
    held = {sign: sum(sign in text for text in texts) for sign in ("\n- ", "| --- |", "```python")}

    assert all(count > 30 for count in held.values())


def test_answers_to_different_instructions_share_few_five_word_shingles() -> None:
    texts = [reply.text for _, reply in replies("answer", "deepen", 100)]
    sets = [shingles(text, 5) for text in texts if len(text.split()) > 30]
    alike = [len(one & other) / len(one | other) for one, other in combinations(sets, 2)]

    assert statistics.mean(alike) < 0.03
    assert max(alike) < 0.4


def evolve_habit(parent: str, reply: Reply) -> str | None:
    text = reply.text
    signs = {
        "silence": not text.strip(),
        "unchanged": text == parent,
        "recased": text != parent and normal(text) == normal(parent),
        "refusal": re.match(r"(I'm sorry|I can|As an AI).*that\.$|I.* (request|this)\.$", text),
        "preamble": re.match(r"(Sure|Certainly|Here is)\b.*:\n\n", text),
        "heading": text.startswith("**Rewritten"),
        "marker": re.match(r"#(Rewritten|Created) Prompt#:?\n", text),
        "quotes": text[:1] + text[-1:] == '""',
        "fence": text.startswith("```"),
        "note": re.search(r"\n\n(Note: |\(This version )", text),
        "think": "</think>" in text,
        "other_task": text.startswith(FAVOURITES),
        "loop": text.count("once more, and decide.") == 8,
        "broken_off": text.endswith(" and the"),
        "answer_inside": "\n\nAnswer: " in text,
        "leak": re.search(r"[^\n](given prompt|created prompt|#Rewritten Prompt# should)", text),
    }
    return next((name for name, found in signs.items() if found), None)


def compare_habit(_asked: str, reply: Reply) -> str | None:
    if reply.text == "Not Equal":
        return None
    return {True: "equal", False: "verbose", None: "unclear"}[read_verdict(reply.text)]


def answer_habit(asked: str, reply: Reply) -> str | None:
    if reply.finish_reason == "length":
        return "truncated"
    if "sorry" in reply.text.lower() and len(reply.text.split()) < 80:
        return "apology"
    if reply.text == asked:
        return "echo"
    if re.match("(Could|What|Sure).*\\?$", reply.text):
        return "ask_back"
    if re.match(r"(I cannot|I'm unable|As an AI).*\.$", reply.text) and len(reply.text) < 60:
        return "plain_refusal"
    return "empty" if reply.text in ("", "...", "No.", "It is.", "Yes, they are.") else None


@pytest.mark.parametrize("draws", [1_500, pytest.param(5_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("purpose", "habit_of"),
    [("evolve", evolve_habit), ("compare", compare_habit), ("answer", answer_habit)],
)
def test_each_bad_habit_occurs_at_its_documented_rate(
    purpose: str, habit_of: Callable[[str, Reply], str | None], draws: int
) -> None:
    pairs = replies(purpose, "add_constraints", draws)
    found = Counter(habit_of(text, reply) for text, reply in pairs)
    rates = {habit.name: habit.rate for habit in HABITS[PURPOSES[purpose].reply]}

    for name, rate in rates.items():
        sigma = (draws * rate * (1 - rate)) ** 0.5
        assert abs(found[name] - draws * rate) <= 4 * sigma, (name, found[name])
    assert found.keys() == {*rates, None}


def test_12_to_18_percent_of_the_instructions_are_to_be_rejected() -> None:
    rejected = {"unchanged", "recased", "leak", "refusal", "silence"}
    rejected |= {"other_task", "loop", "broken_off", "answer_inside"}
    rejected |= {"equal", "apology", "empty", "truncated", "ask_back", "plain_refusal", "echo"}
    kept = 1.0
    for kind in ("instruction", "verdict", "text"):
        habits = HABITS[kind]
        kept *= 1 - sum(habit.rate for habit in habits if habit.name in rejected)

    assert 0.12 <= 1 - kept <= 0.18


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["preamble", "heading", "marker", "quotes", "fence", "note", "think"]
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_wrapped_rewrite_is_read_to_the_character(name: str, operation: str) -> None:
    (habit,) = [habit for habit in HABITS["instruction"] if habit.name == name]
    for parent in PARENTS:
        for number, text in enumerate(rewrites(operation, parent, 10, "json")):
            wrapped = habit.act(text, Writer(str(number), parent))
            assert wrapped != text
            assert read_instruction(wrapped, ["rewritten prompt", "created prompt"]) == text


def test_a_reply_ends_at_max_tokens_and_a_larger_limit_continues_it() -> None:
    subject = subject_of("deepen", PARENTS[1])
    for number in range(200):
        short, long = (
            reply_to(asked("answer", subject, number, max_tokens=limit)) for limit in (50, 5_000)
        )
        assert short.text == long.text[:200]
        assert len(long.text) <= 200 or short.finish_reason == "length"


def test_usage_counts_a_token_for_four_characters_and_the_model_is_the_one_asked_for() -> None:
    subject = subject_of("deepen", PARENTS[1])
    unnamed, named = (reply_to(asked("answer", subject, 7, model=name)) for name in ("", "m"))

    assert (unnamed.model, named.model) == ("offline", "m")
    assert unnamed.usage.prompt_tokens == 201
    assert unnamed.usage.completion_tokens == (len(unnamed.text) + 3) // 4


def test_the_notice_is_one_sentence() -> None:
    assert re.fullmatch(r"[^.]*no language model[^.]*not for training\.", OfflineClient.NOTICE)


def test_phrases_may_hold_percent_signs_and_name_each_other_in_any_order() -> None:
    symbols = read_phrases("# a comment\n[a]\n100% of {b} and {b}\n\n[b]\nx\n")

    assert Writer("any", "").write(symbols["a"]) == "100% of x and x"


def test_a_phrase_with_an_unknown_symbol_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        read_phrases("[a]\nall or {nothing}\n")
