"""Bad habits of the offline client, so that every elimination rule has something to do.

Each habit has a rate and spoils a reply that was written well. The habits of a kind of
reply exclude each other; in a run they cost about one instruction in seven.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from evolinstruct.llm.offline.grammar import Writer

Act = Callable[[str, Writer], str]


@dataclass(frozen=True, slots=True)
class Habit:
    """One way to misbehave.

    Attributes:
        name: what to call it.
        rate: the share of such replies that show it.
        act: turns the good reply into the bad one, by a writer on the instruction.
        finish_reason: what the reply says of its end.
        caution: what averts it where a method that is tuned says so; empty where nothing does.
    """

    name: str
    rate: float
    act: Act
    finish_reason: str = "stop"
    caution: str = ""


def _say(symbol: str) -> Act:
    """Say any phrase of the symbol in place of the reply."""
    return lambda _text, writer: writer.write(writer.phrases[symbol])


def _before(symbol: str, joint: str) -> Act:
    """Put a phrase of the symbol before the reply."""
    return lambda text, writer: writer.write(writer.phrases[symbol]) + joint + text


def _after(symbol: str, joint: str) -> Act:
    """Put a phrase of the symbol after the reply."""
    return lambda text, writer: text + joint + writer.write(writer.phrases[symbol])


def _echo(_text: str, writer: Writer) -> str:
    return writer.text


def _recase(_text: str, writer: Writer) -> str:
    """Repeat the instruction with other white space, half the time in small letters too."""
    spaced = re.sub(r"[ \n]+", "  ", writer.text) + "\n"
    return spaced.lower() if writer.roll(2) else spaced


def _quote(text: str, writer: Writer) -> str:
    """Put the reply in quotes; where it holds some, after a preamble."""
    return _PREAMBLE(text, writer) if '"' in text else f'"{text}"'


def _fence(text: str, writer: Writer) -> str:
    """Put the reply in a code fence; where it holds one, after a preamble."""
    return _PREAMBLE(text, writer) if "```" in text else f"```\n{text}\n```"


def _think(text: str, writer: Writer) -> str:
    """Think aloud before the reply, at times without the opening tag."""
    opening = "" if writer.roll(3) == 0 else "<think>\n"
    return f"{opening}{writer.write(writer.phrases['thought'])}\n</think>\n\n{text}"


def _fall_silent(_text: str, writer: Writer) -> str:
    return writer.pick(("", "", "\n"))


def _answer_nothing(_text: str, writer: Writer) -> str:
    return writer.pick(("No.", "It is.", "", "Yes, they are.", "..."))


def _go_round(text: str, writer: Writer) -> str:
    """End in the same few words again and again."""
    return text + f" {writer.fill(writer.phrases['loop'][0])}" * 8


def _break_off(text: str, writer: Writer) -> str:
    """End in the middle of a sentence, and say that this was all."""
    return f"{text} {writer.fill(writer.phrases['broken_off'][0])}"


def _answer_it(text: str, writer: Writer) -> str:
    """Write the answer below the instruction."""
    return f"{text}\n\n{writer.write(writer.phrases['given_away'])}"


def _forget_first(text: str, _writer: Writer) -> str:
    """Leave out the first of what is listed."""
    return text.partition(" ")[2]


def _assert_little(_text: str, _writer: Writer) -> str:
    """Assert what any program passes."""
    return "```python\nassert True\nassert 1 + 1 == 2\nassert str(3) == '3'\n```"


def _expect_wrongly(text: str, _writer: Writer) -> str:
    """Expect something else of the first test."""
    return text.replace(" == ", " != ", 1)


def _take_back(text: str, writer: Writer) -> str:
    """State another verdict first, and then the one that is meant."""
    other = writer.pick(("A is better", "B is much better", "level"))
    return f"Verdict: {other}\n\nOn a second look:\n\n{text}"


def _with_signs(text: str, _writer: Writer) -> str:
    """Write the verdict with signs and brackets, as other prompts ask for it."""
    sign = ">>" if "much" in text else "=" if "level" in text else ">"
    one, other = ("B", "A") if "B is" in text else ("A", "B")
    return f"[[{one}{sign}{other}]]"


def _truncate(text: str, writer: Writer) -> str:
    """Cut the reply between a third and nine tenths of its length."""
    return text[: int(len(text) * (0.33 + 0.57 * writer.share()))]


_PREAMBLE = _before("preamble", "\n\n")

HABITS: dict[str, tuple[Habit, ...]] = {
    "instruction": (
        # The instruction is there, and has to be found: none of these is a rejection.
        Habit("preamble", 0.02, _PREAMBLE),
        Habit("heading", 0.01, _before("heading", "\n\n")),
        Habit("marker", 0.01, _before("marker", "\n")),
        Habit("quotes", 0.01, _quote),
        Habit("fence", 0.005, _fence),
        Habit("note", 0.005, _after("after_note", "\n\n")),
        Habit("think", 0.01, _think),
        # Rejections: unchanged, rewrite_unusable, prompt_leaked.
        Habit("unchanged", 0.01, _echo, caution="Change something that matters in every version."),
        Habit("recased", 0.006, _recase, caution="Another spacing or spelling is no change."),
        Habit(
            "leak",
            0.02,
            _after("leak", " "),
            caution="Never mention that there was an earlier version.",
        ),
        Habit("refusal", 0.012, _say("refusal"), caution="Turn no request down."),
        Habit("silence", 0.005, _fall_silent, caution="Always write a version."),
        # Rejected by further rules: nothing_in_common, repetition_loop, cut_off, holds_answer.
        Habit("other_task", 0.002, _say("favourite"), caution="Keep to the task that is given."),
        Habit("loop", 0.002, _go_round, caution="Say nothing twice."),
        Habit("broken_off", 0.002, _break_off, caution="End with a whole sentence."),
        Habit("answer_inside", 0.002, _answer_it, caution="Leave the answer out."),
    ),
    "verdict": (
        # Rejected as no_information_gain.
        Habit("equal", 0.05, _say("equal"), caution="A good answer must change with the version."),
        # Asked once more, then taken for "not equal".
        Habit("unclear", 0.03, _say("unclear")),
        # "Not equal" in more words; must not be read as "equal".
        Habit("verbose", 0.03, _say("not_equal")),
    ),
    "text": (
        # Rejected as response_apologizes: "sorry" in fewer than 80 words.
        Habit("apology", 0.02, _say("apology")),
        # Rejected as response_empty: stop words and punctuation, or nothing.
        Habit("empty", 0.015, _answer_nothing),
        # Ends in the middle, and says so.
        Habit("truncated", 0.01, _truncate, finish_reason="length"),
        # Rejected by further rules: asks_back, response_refuses, response_echoes.
        Habit("ask_back", 0.002, _say("ask_back")),
        Habit("plain_refusal", 0.002, _say("plain_refusal")),
        Habit("echo", 0.002, _echo),
    ),
    "tests": (
        # Rejected as check_failed: they pass anything, are wrong, or are none.
        Habit("empty_tests", 0.02, _assert_little),
        Habit("wrong_tests", 0.03, _expect_wrongly),
        Habit("talk", 0.01, _say("apology")),
        # Ends in the middle, and says so.
        Habit("truncated", 0.01, _truncate, finish_reason="length"),
    ),
    "judgement": (
        # The judgement is there, and has to be found.
        Habit("reasons", 0.03, _before("thought", "\n\n")),
        # Asked once more, then a failure.
        Habit("one_missing", 0.005, _forget_first),
        Habit("undecided", 0.005, _say("unclear")),
    ),
    "preference": (
        # The verdict is there, and has to be found: the last one counts.
        Habit("reasons", 0.05, _before("thought", "\n\n")),
        Habit("taken_back", 0.02, _take_back),
        Habit("with_signs", 0.03, _with_signs),
        # Always the one that is shown first, so that the two orders differ.
        Habit("first_always", 0.05, lambda _text, _writer: "Verdict: A is better"),
        # Asked once more, then a failure.
        Habit("undecided", 0.03, _say("unclear")),
    ),
    "feedback": (
        # The feedback is there, behind what nobody asked for.
        Habit("reasons", 0.05, _before("thought", "\n\n")),
        # There is none.
        Habit("silence", 0.01, _fall_silent),
    ),
    "method": (
        # Refused before it is tried: it holds a placeholder, or there is none.
        Habit("placeholder", 0.05, lambda text, _writer: f"{text}\n- Work on {{{{text}}}} alone."),
        Habit("refusal", 0.02, _say("refusal")),
    ),
}

CAUTIONS = tuple(habit.caution for habits in HABITS.values() for habit in habits if habit.caution)
"""What a method that is tuned may say against the habits, each in a sentence."""


def misbehave(kind: str, text: str, writer: Writer, method: str | None) -> tuple[str, str]:
    """Return a reply of a kind, spoilt by one habit or by none, and its finish reason.

    A habit that the method in use warns of, where one is tuned, spoils nothing.
    """
    share = writer.share()
    for habit in HABITS[kind]:
        share -= habit.rate
        if share < 0:
            if method is not None and habit.caution and habit.caution in method:
                break
            return habit.act(text, writer), habit.finish_reason
    return text, "stop"


_FORGETS = 10  # one reply in so many lacks the marks that were asked for


def put_between(marks: tuple[str, str], text: str, writer: Writer) -> str:
    """Put a reply between the marks that the prompt asks for; now and then they are forgotten."""
    if not text or writer.roll(_FORGETS) == 0:
        return text
    opening, closing = marks
    return f"{opening}\n{text}\n{closing}"
