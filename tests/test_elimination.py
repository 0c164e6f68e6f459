"""What each rule drops, what it must let through, and what the tables say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.elimination import (
    ANSWER_RULES,
    REWRITE_RULES,
    RULES,
    Answer,
    Objection,
    Rewrite,
    cause_of,
    choose,
)

MARKERS = (
    "created instruction",
    "format to embed",
    "rewritten instruction",
    "starting instruction",
)
PARENT = "Plan a trip to Lisbon."


def rewritten(child: str, rule: str, parent: str = PARENT) -> str | None:
    """Return the evidence of one rule against a rewrite."""
    return REWRITE_RULES[rule].check(Rewrite(parent, child, MARKERS))


def answered(response: str, rule: str) -> str | None:
    """Return the evidence of one rule against an answer."""
    return ANSWER_RULES[rule].check(Answer("Say sorry.", response))


REFUSALS = {
    "I'm sorry, but I can't help with that.": "I'm sorry, but I can't help",
    "I’m sorry, but I can’t assist with this request.": "I’m sorry, but I can’t assist",
    "Sorry, I cannot rewrite this prompt.": "Sorry, I cannot rewrite",
    "As an AI language model, I cannot create such content.": ("As an AI language model, I cannot"),
    "I'm sorry, but as an AI assistant, I am unable to provide medical advice.": (
        "I'm sorry, but as an AI assistant, I am unable to provide"
    ),
    "I cannot assist with that request.": "I cannot assist with that",
    "I can't help you with that.": "I can't help you with that",
    "I apologize, but I cannot fulfill this request. It goes against my guidelines.": (
        "I apologize, but I cannot fulfill"
    ),
    "Unfortunately, I'm not able to generate that. Please try another topic!": (
        "Unfortunately, I'm not able to generate"
    ),
    "I must decline.": "I must decline",
    "I'm sorry, but I can't help with that. If you have other questions, feel free to ask.": (
        "I'm sorry, but I can't help"
    ),
    "I'm sorry, I don't see any instruction to rewrite. Could you please provide one?": (
        "I'm sorry, I don't see any instruction"
    ),
    "My apologies, I won't be able to help with this.": "My apologies, I won't be able to help",
}
NOTHING = ["", " \n", "...", "—", "**", "#:#"]
USABLE = [
    "Write an apology that begins with \"I'm sorry, but I can't help with that.\"",
    "I'm sorry, but I can't help with that. Rewrite this reply of a shop so that it sounds warmer.",
    "I'm sorry, but I can't come to the party. Translate this into French.",
    "I can't help my son with fractions. Explain them to a child of ten.",
    "I cannot assist with that. What does this sentence mean in a contract?",
    "I can't do this alone. Can you help me plan my move?",
    "Sorry seems to be the hardest word: who wrote this song?",
    "As an AI researcher, I cannot find data on Basque. Name three corpora.",
    "As an assistant to a judge, draft a letter that declines an invitation.",
    "Unfortunately, I lost my passport in Oslo. List what to do, in order.",
    "I am unable to sleep. Give me ten tips.",
    "You are a chatbot that says 'I cannot help with that.' Write five variants.",
    "1+1=?",
    "?? -> 42",
    "😀 → 😢: name three more such pairs",
    "写一首关于秋天的诗。",
    "I cannot help with that. " + "The clerk said so to all who came, and nobody knew why. " * 8,
]


@pytest.mark.parametrize(("child", "evidence"), REFUSALS.items())
def test_a_bare_refusal_is_unusable_and_its_words_are_the_evidence(
    child: str, evidence: str
) -> None:
    assert rewritten(child, "rewrite_unusable") == evidence


@pytest.mark.parametrize("child", NOTHING)
def test_a_rewrite_without_a_word_is_unusable(child: str) -> None:
    assert rewritten(child, "rewrite_unusable") == "nothing is left"


@pytest.mark.parametrize("child", USABLE)
def test_an_instruction_that_merely_holds_words_of_refusal_is_usable(child: str) -> None:
    assert rewritten(child, "rewrite_unusable") is None


@pytest.mark.parametrize(
    "child",
    [
        PARENT,
        f" {PARENT}\n",
        PARENT.upper(),
        PARENT.lower(),
        "Plan  a trip\tto Lisbon.",
        "Plan a trip\nto Lisbon.",
        "Plan a trip to\u00a0Lisbon.",
        "pLAN a trip to lISBON.",
    ],
)
def test_a_rewrite_that_differs_in_space_and_case_alone_is_unchanged(child: str) -> None:
    assert rewritten(child, "unchanged") == "the same words as its parent"


@pytest.mark.parametrize(
    "child",
    [
        "Plan a trip to Lisbon",
        "Plan a trip to Lisbon!",
        "Plan a trip to Lisbon. ",
        "Plan a trip to Lissabon.",
        "Plan atrip to Lisbon.",
        "Plan a long trip to Lisbon.",
        "Plan two trips to Lisbon.",
        "",
        "Planifie un voyage à Lisbonne.",
    ],
)
def test_a_rewrite_with_another_sign_is_a_change(child: str) -> None:
    changed = child.strip() != PARENT
    assert (rewritten(child, "unchanged") is None) is changed


LEAKS = {
    "Answer the given prompt.": "given prompt",
    "Make the Rewritten Prompt harder.": "Rewritten Prompt",
    "A created prompt of the same domain.": "created prompt",
    "#Rewritten Prompt#: Plan a trip.": "#Rewritten Prompt#",
    "Plan it. #The Given Prompt#": "#The Given Prompt#",
    "# Created Prompt #\nPlan a trip.": "# Created Prompt #",
    "In the given\nprompt, count the words.": "given\nprompt",
    "Plan it as the starting instruction says.": "starting instruction",
    "Rewritten Instruction: plan a trip.": "Rewritten Instruction",
    "#Format To Embed#: JSON": "#Format To Embed#",
    "Plan a trip. #Created  Instruction#": "#Created  Instruction#",
    "REWRITTEN PROMPT": "REWRITTEN PROMPT",
}
NO_LEAKS = [
    "Write a prompt for an image generator.",
    "Answer promptly, and given the rain, plan a trip indoors.",
    "Given a prompt, count its words.",
    "The actor was given prompts from the wings: write the scene.",
    "Write instructions for starting instructional videos.",
    "The rewritten essay has a prompt ending.",
    "It was recreated promptly.",
    "Explain which format to embed a video in.".replace(
        "format to embed", "format to use to embed"
    ),
    "ungiven prompt",
]


@pytest.mark.parametrize(("child", "evidence"), LEAKS.items())
def test_words_of_the_prompt_are_a_leak_and_stand_in_the_evidence_as_in_the_child(
    child: str, evidence: str
) -> None:
    assert rewritten(child, "prompt_leaked") == evidence


@pytest.mark.parametrize("child", NO_LEAKS)
def test_words_that_only_resemble_the_prompts_are_no_leak(child: str) -> None:
    assert rewritten(child, "prompt_leaked") is None


def test_a_phrase_that_the_parent_holds_is_no_leak_but_its_label_form_is() -> None:
    parent = "Write a story on the Given Prompt: rain."
    assert rewritten("Write two on the given  prompt: rain.", "prompt_leaked", parent) is None
    assert rewritten("#Given Prompt#: write", "prompt_leaked", parent) == "#Given Prompt#"
    assert rewritten("the rewritten prompt", "prompt_leaked", parent) == "rewritten prompt"


def test_a_marker_of_one_plain_word_leaks_only_with_its_signs() -> None:
    def check(child: str, *phrases: str) -> str | None:
        return REWRITE_RULES["prompt_leaked"].check(Rewrite(PARENT, child, phrases))

    assert check("Sort the input.", "#input#") is None
    assert check("#Input#: 3 1 2", "input") == "#Input#"
    assert check("请看改写后的指令。", "改写后的指令") == "改写后的指令"
    assert check("nothing here", "", "##") is None


SORRY = [
    "I'm sorry, I can't do that.",
    "Sorry!",
    "SORRY, no.",
    "I am so sorry to hear that.",
    "Better safe than sorry.",
    "(sorry)",
    "很抱歉，sorry我不能。",
    "I" + " word" * 77 + " sorry",
    "**Sorry**, but no.",
]
NOT_SORRY = [
    "",
    "I cannot do that.",
    "I apologize.",
    "A sorrysome tale of sorrow.",
    "sorry_page = 404",
    "notsorry",
    "I" + " word" * 78 + " sorry",
    "sorry " * 80,
    "对不起" * 40 + "sorry",
]


@pytest.mark.parametrize("response", SORRY)
def test_a_short_answer_that_is_sorry_apologizes(response: str) -> None:
    evidence = answered(response, "response_apologizes")
    assert evidence is not None
    assert "sorry" in evidence.lower()


@pytest.mark.parametrize("response", NOT_SORRY)
def test_a_long_answer_or_one_without_the_word_does_not_apologize(response: str) -> None:
    assert answered(response, "response_apologizes") is None


def test_the_evidence_of_an_apology_is_the_words_around_it_and_the_count() -> None:
    assert answered("I'm sorry,\nI cannot.", "response_apologizes") == (
        '"I\'m sorry, I cannot." in an answer of 4 words'
    )


def test_an_apology_in_the_instruction_is_none_in_the_response() -> None:
    answer = Answer("Why do people say sorry?", "People care for each other.")
    assert choose({}).find_objection(answer) is None


EMPTY = [
    "", " \n", "...", "No.", "no", "It is.", "It isn’t.", "I don't.", "I", "a", "A.", "We are not.",
    "- - -", "—", "“”", "The", "and/or", "You're you.", "…", "___", "* \n* \n", "?",
]  # fmt: skip
CONTENT = [
    "42.", "Paris", "Yes.", "B", "D.", "x", "7", "No, Paris.", "True", "US", "May", "Won.", "Don",
    "是", "Да", "ja", "👍", "€", "∞", "is_empty", "O(n)", "½", "It is raining.", "1+1=2",
]  # fmt: skip


@pytest.mark.parametrize("response", EMPTY)
def test_an_answer_of_stop_words_and_punctuation_is_empty(response: str) -> None:
    shown = " ".join(response.split())
    expected = f'only stop words and punctuation: "{shown}"' if shown else "nothing is left"
    assert answered(response, "response_empty") == expected


@pytest.mark.parametrize("response", CONTENT)
def test_an_answer_with_one_word_of_content_is_not_empty(response: str) -> None:
    assert answered(response, "response_empty") is None


@given(st.text(), st.from_regex(r"[b-hj-z][0-9][a-z0-9]*", fullmatch=True))
def test_no_text_around_a_word_of_content_makes_an_answer_empty(text: str, word: str) -> None:
    assert answered(f"{text} {word} {text}", "response_empty") is None


def test_the_first_rule_of_the_table_that_is_on_gives_the_verdict() -> None:
    rules = choose({})
    both = Rewrite("the given prompt", "The given prompt", MARKERS)
    leak = Rewrite(PARENT, "the given prompt", MARKERS)
    assert rules.find_objection(both) == Objection("unchanged", "the same words as its parent")
    assert rules.find_objection(leak) == Objection("prompt_leaked", "given prompt")
    assert rules.find_objection(Rewrite(PARENT, "Plan two.", MARKERS)) is None
    assert rules.find_objection(Answer("x", "Sorry, no.")) == (
        Objection("response_apologizes", '"Sorry, no." in an answer of 2 words')
    )


def test_without_elimination_the_structural_rules_alone_hold() -> None:
    rules = choose({}, eliminate=False)
    assert list(rules.described()) == ["rewrite_unusable", "unchanged"]
    assert rules.find_objection(Rewrite(PARENT, "the given prompt", MARKERS)) is None
    assert rules.find_objection(Rewrite(PARENT, "", MARKERS)) == Objection(
        "rewrite_unusable", "nothing is left"
    )
    assert rules.find_objection(Answer("x", "")) is None


def test_one_rule_can_be_off_while_the_others_are_on() -> None:
    assert choose({"response_apologizes": False}).find_objection(Answer("x", "Sorry.")) is None
    assert choose({"response_empty": False}).find_objection(Answer("x", "No.")) is None


def test_one_table_names_every_rule_with_its_meaning_and_its_usual_cause() -> None:
    assert {**REWRITE_RULES, **ANSWER_RULES}.items() <= RULES.items()
    assert all(rule.name == name for name, rule in RULES.items())
    assert all(rule.meaning.endswith(".") and ": " in rule.cause for rule in RULES.values())
    assert all(cause_of(name) == rule.cause for name, rule in RULES.items())
