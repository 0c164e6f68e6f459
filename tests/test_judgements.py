"""What judges reply, of many kinds and written by hand: a wrong read is worse than none.

In each table the first half is to be read; the second half leaves room for doubt, so nothing is.
"""

from __future__ import annotations

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.reading import read_number, read_order, read_preference, read_tags, weigh_number

THREE = ("A", "B", "C")
TWO = ("A", "B")

ORDERS = {
    "the form that is asked for": "B < A < C",
    "after thought": "C needs a proof.\nB can be looked up.\n\nB < A < C",
    "after reasoning in tags": "<think>Is A < B < C right? No.</think>\nB < A < C",
    "bold and in brackets": "**[B] < [A] < [C]**",
    "as an item of a list": "- B < A < C",
    "under the prompt's own title": "#Order#\n1. B < A < C",
    "in a fence": "```\nB < A < C\n```",
    "without spaces, with a full stop": "B<A<C.",
    "behind a name": "Order: B < A < C",
    "behind a name with the word difficulty": "Order of difficulty: B < A < C",
    "behind a name in another language": "Reihenfolge von leicht nach schwer: B < A < C",
    "behind a Chinese name": "从易到难：B < A < C。",
    "falling": "C > A > B",
    "falling, and said to": "From hardest to easiest: C > A > B",
    "a list that begins with the easiest": "Easiest to hardest: B, A, C",
    "arrows that begin with the easiest": "From easiest to hardest: B → A → C",
    "a list that begins with the hardest": "Hardest to easiest: C, A, B",
    "corrected": "A < B < C\nNo: A takes a case more than B.\nB < A < C",
    "with a remark behind it": "B < A < C\n\nA and C differ in the number of conditions.",
    "mathematics before it": "In A, x < y has to hold; in C, f(x) = 0.\nB < A < C",
}
UNCLEAR_ORDERS = {
    "nothing": "",
    "prose": "Task B is the easiest one, then comes A, and C is the hardest.",
    "a refusal": "I'm sorry, but I cannot compare these tasks.",
    "a label is missing": "B < A",
    "a label twice": "B < A < B < C",
    "a label that was not shown": "B < A < D",
    "the example of the prompt": "Y < X = Z",
    "signs both ways": "B < A > C",
    "signs against their name": "From hardest to easiest: C < A < B",
    "a list that begins anywhere": "B, A, C",
    "a ranking that may begin at the top": "1. C\n2. A\n3. B",
    "a word on each, in the order shown": "A: a lookup.\nB: two steps.\nC: a proof.",
    "labels on lines, in the order shown": "A\nB\nC",
    "a list whose name tells nothing": "Ranking: C, A, B",
    "contradicted in the end": "A < B < C\nWait, B < A, so this is wrong.",
    "only if": "If length counted: A < B < C",
    "only at first glance": "At first glance: A < B < C\nBut A has more conditions.",
    "cut off": "B is a lookup, A has two steps and C needs a proof.\nB < A <",
    "reasoning without an end": "<think>B < A < C",
    "signs and commas": "B < A, C",
    "pairs only": "B < A\nA < C",
    "it carried out a task": "def merge(a, b):\n    return a if a < b else b",
}


@pytest.mark.parametrize("kind", ORDERS)
def test_an_order_is_read(kind: str) -> None:
    assert read_order(ORDERS[kind], THREE) == (("B",), ("A",), ("C",))


@pytest.mark.parametrize("kind", UNCLEAR_ORDERS)
def test_no_order_is_read_where_none_is_stated(kind: str) -> None:
    assert read_order(UNCLEAR_ORDERS[kind], THREE) is None


def test_what_is_level_stands_together() -> None:
    assert read_order("B = C < A", THREE) == (("B", "C"), ("A",))
    assert read_order("A > C = B", THREE) == (("C", "B"), ("A",))
    assert read_order("A = B = C", THREE) == (("A", "B", "C"),)
    assert read_order("Verdict: **A ≈ B**", TWO) == (("A", "B"),)


@pytest.mark.parametrize(
    "reply", ["A", "A and B", "A, B", "Both A and B", "A is harder than B.", "A vs B", "A:B"]
)
def test_of_two_labels_no_order_is_read_without_a_sign(reply: str) -> None:
    assert read_order(reply, TWO) is None


@given(st.permutations("ABCDEFGHIJKLM"), st.lists(st.sampled_from("<="), min_size=12, max_size=12))
def test_every_order_in_the_form_is_read_as_it_is_written(
    names: list[str], signs: list[str]
) -> None:
    order = [[names[0]]]
    for sign, name in zip(signs, names[1:], strict=True):
        order[-1].append(name) if sign == "=" else order.append([name])
    said = names[0] + "".join(f" {s} {name}" for s, name in zip(signs, names[1:], strict=True))
    assert read_order(said, tuple("ABCDEFGHIJKLM")) == tuple(map(tuple, order))


@given(st.text())
def test_any_text_is_read_or_not_and_raises_nothing(reply: str) -> None:
    read_order(reply, TWO)
    number = read_number(reply, 1, 10)
    assert number is None or 1 <= number <= 10
    assert read_tags(reply) != ()


NUMBERS = {
    "7": 7,
    "**7**": 7,
    " 7.\n": 7,
    "7/10": 7,
    "7 out of 10": 7,
    "10": 10,
    "7.5": 7.5,
    "7,5": 7.5,
    "Score: 7": 7,
    "**Score:** 7/10": 7,
    "Score (1-10): 7": 7,
    "- Score: 7": 7,
    "Final score: 8 points.": 8,
    "My overall rating is 6": 6,
    "Difficulty: 4": 4,
    '{"score": 8}': 8,
    "All 3 conditions are kept.\nOne step of 4 is loose.\n\nScore: 7": 7,
    "Score: 6\n\nThis takes into account that 2 of 3 conditions are kept.": 6,
    "Clarity score: 9\nOverall score: 5": 5,
    "<think>Score: 3? No.</think>Score: 8": 8,
    "The score is 8.": 8,
    "I would rate this task 7 out of 10.": 7,
    "I'd give this answer a score of 7, because it is complete.": 7,
    "Bewertung: 7": 7,
    "Punktzahl: 7/10": 7,
    "Puntuación: 8": 8,
    "评分：8分": 8,
    "スコア：8": 8,
    "Оценка: 8 из 10": 8,
}
UNCLEAR_NUMBERS = (
    "",
    "seven",
    "The answer is complete and correct.",
    "I can't rate this.",
    "All 3 conditions are kept.",
    "The task asks for 4 steps, and the answer has them.",
    "Note that 3 conditions are kept.",
    "The difficulty lies in its 4 steps.",
    "The quality of the 3 examples is fine.",
    "It keeps 4/5 of the conditions.",
    "8/8 conditions are kept.",
    "7 of 10 tests pass.",
    "Score: 7-8",
    "Score: 7 or 8",
    "Score: 1-10",
    "Score: 11",
    "Score: 0",
    "Score: 70/100",
    "85%",
    "Score: -3",
    "Score:",
    "Score: 3 conditions are broken",
    "Style score: 4\nCompleteness score: 9",
    "6, or maybe 7",
    "The task asks to give at least 3.",
    "The final answer is 42 and the answer given is 9",
    "1. It is correct.\n2. It is complete.",
    "<think>Score: 7",
    "Score: 1,000",
    "3 + 4 = 7",
)


@pytest.mark.parametrize("reply", NUMBERS)
def test_a_number_is_read(reply: str) -> None:
    assert read_number(reply, 1, 10) == NUMBERS[reply]


@pytest.mark.parametrize("reply", UNCLEAR_NUMBERS)
def test_no_number_is_read_where_none_is_given(reply: str) -> None:
    assert read_number(reply, 1, 10) is None


WEIGHED: dict[str, tuple[str, list[dict[str, float]], float | None]] = {
    "two that are near": ("7", [{"7": 0.6, "8": 0.4}], 7.4),
    "spaces around": ("Score: 7", [{" 7": 0.5, "7": 0.25, " 6": 0.25}], 6.75),
    "certain": ("7", [{"7": 1.0}], 7),
    "a little on words": ("7", [{"7": 0.7, "8": 0.2, "Seven": 0.1}], 6.5 / 0.9),
    "beyond the range": ("9", [{"9": 0.6, "10": 0.3, "11": 0.1}], 8.4 / 0.9),
    "ten in one token": ("10", [{"10": 0.7, "9": 0.2, "1": 0.1}], 8.9),
    "one beside a ten": ("2", [{"2": 0.6, "1": 0.3, "10": 0.1}], 2.5),
    "one that stands": ("1", [{"1": 0.6, "2": 0.4}], 1.4),
    "out of ten": ("7/10", [{"7": 0.5, "6": 0.5}, {"10": 1.0}], 6.5),
    "a range before it": ("Score 1-10: 7", [{"1": 1.0}, {"10": 1.0}, {"7": 0.5, "6": 0.5}], 6.5),
    "nothing told": ("7", [], None),
    "of other tokens": ("7", [{"3": 1.0}], None),
    "twice": ("10/10", [{"10": 0.5, "9": 0.5}, {"10": 1.0}], None),
    "ten in two tokens": ("10", [{"1": 0.9, "9": 0.1}, {"0": 1.0}], None),
    "a half": ("7.5", [{"7": 1.0}, {"5": 0.9, "0": 0.1}], None),
    "mostly words": ("7", [{"7": 0.4, "The": 0.6}], None),
    "mostly beyond the range": ("7", [{"7": 0.5, "70": 0.5}], None),
    "a one that may be a ten": ("9", [{"9": 0.6, "1": 0.4}], None),
    "mostly untold": ("7", [{"7": 0.4, "8": 0.3}], None),
    "no chance at all": ("7", [{"7": 0.0}], None),
}
"""A reply, the chances of its tokens with digits, and the mean of the scores that were weighed."""


@pytest.mark.parametrize("case", WEIGHED)
def test_the_scores_that_a_judge_weighed_are_read_where_they_are_told(case: str) -> None:
    said, places, expected = WEIGHED[case]
    number = read_number(said, 1, 10)
    assert number is not None
    told = [[(token, log(chance or 1e-300)) for token, chance in each.items()] for each in places]
    assert weigh_number(number, told, 1, 10) == (
        None if expected is None else pytest.approx(expected)
    )


def test_a_number_stands_in_the_range_of_its_measure() -> None:
    assert read_number("Score: -3", -5, 5) == -3
    assert read_number("4/5", 1, 5) == 4
    assert read_number("85", 0, 100) == 85
    assert read_number("0.25", 0, 1) == 0.25
    assert read_number("4/5", 1, 10) is None


TAGS = {
    '["Sorting", "big-o", "C#"]': ("sorting", "big-o", "c#"),
    'Here are the tags:\n```json\n["sorting", "big-o"]\n```': ("sorting", "big-o"),
    '[{"tag": "sorting", "explanation": "it sorts"}]': ("sorting",),
    '{"tags": ["sorting", "recursion"]}': ("sorting", "recursion"),
    '["sorting", "Sorting", " sorting. "]': ("sorting",),
    '["数学", "逻辑"]': ("数学", "逻辑"),
    "sorting, big-o, recursion": ("sorting", "big-o", "recursion"),
    "- sorting\n- big-o notation": ("sorting", "big-o notation"),
    "1. sorting\n2. big-o": ("sorting", "big-o"),
    "**Tags:** Sorting, Big-O": ("sorting", "big-o"),
    '<think>maybe [sets]</think>["sorting"]': ("sorting",),
    '["ethics"]\n\nI chose the most general one.': ("ethics",),
}
UNCLEAR_TAGS = (
    "",
    "[]",
    "[1, 2]",
    '["sorting", 3]',
    "None",
    "N/A",
    "I cannot help with that.",
    "Sorry, I cannot tell",
    "This task needs sorting, recursion and care.",
    "The task is about sorting.",
    "Sure! Which task do you mean?",
    '["The task requires knowledge of sorting algorithms and of their complexity in time"]',
    'Skills: ["sorting"]\nTopics: ["numbers"]',
    '["sorting", "big-o"',
    "对不起，我不能帮助您。",
    str([f"tag {n}" for n in range(40)]).replace("'", '"'),
)


@pytest.mark.parametrize("reply", TAGS)
def test_tags_are_read(reply: str) -> None:
    assert read_tags(reply) == TAGS[reply]


@pytest.mark.parametrize("reply", UNCLEAR_TAGS)
def test_no_tags_are_read_where_none_are_listed(reply: str) -> None:
    assert read_tags(reply) is None


PREFERENCES = {
    "the form that is asked for": ("Verdict: A is better", 1),
    "by far": ("Verdict: B is much better", -2),
    "none": ("Verdict: level", 0),
    "behind reasons": ("A knows the year.\nB only guesses.\n\nVerdict: A is much better", 2),
    "bold": ("**Verdict:** **B** is better.", -1),
    "after reasoning in tags": ("<think>Verdict: B is better?</think>\nVerdict: A is better", 1),
    "taken back": ("Verdict: A is better\nNo, B keeps the condition.\nVerdict: B is better", -1),
    "in brackets, with signs": ("My final verdict is: [[A>>B]]", 2),
    "in brackets, the other way round": ("[[B>A]]", -1),
    "in brackets, level": ("Both name the sea. [[A=B]]", 0),
    "on the last line alone": ("B forgets the sea.\nA is better.", 1),
    "as a heading": ("## Final verdict: A is slightly better", 1),
    "with a remark behind it": ("Verdict: B is clearly better\n\nIt has the date.", -2),
    "a tie in another word": ("Verdict: tie", 0),
}
UNCLEAR_PREFERENCES = {
    "nothing": "",
    "prose": "Both answers have their merits.",
    "only in one respect": "A is better in style, but wrong.",
    "the choices, repeated": "Verdict: A is better or B is better",
    "a text against itself": "Verdict: A>A",
    "one that was not shown": "Verdict: C is better",
    "a sentence that is not the last": "A is better at first sight.\nThe dates need a check.",
    "a question": "Verdict: is A better?",
    "a score for each": "A: 7, B: 8",
    "cut off": "Verdict: A is much",
    "reasoning without an end": "<think>Verdict: A is better",
    "a negation": "Verdict: A is not better",
    "a refusal": "I'm sorry, but I cannot compare these answers.",
    "with a condition": "Verdict: B is better if length counts",
}


@pytest.mark.parametrize(("reply", "value"), PREFERENCES.values(), ids=PREFERENCES.keys())
def test_a_preference_is_read(reply: str, value: int) -> None:
    assert read_preference(reply) == value


@pytest.mark.parametrize("reply", UNCLEAR_PREFERENCES.values(), ids=UNCLEAR_PREFERENCES.keys())
def test_an_unclear_preference_is_none(reply: str) -> None:
    assert read_preference(reply) is None
