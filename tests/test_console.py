"""What is shown to a person: progress, tables, warnings, and foreign text made harmless."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console as Terminal
from rich.text import Text

from evolinstruct.console import Console
from evolinstruct.console.evolve import tables, what_it_took, where_to_look
from evolinstruct.console.progress import ProgressLines, show_events
from evolinstruct.console.ticker import Ticker
from evolinstruct.errors import (
    EvolinstructError,
    InputError,
    Interrupted,
    ServiceRefused,
    TooLittleKept,
)
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.throttle import Sending
from evolinstruct.run.counts import Counts, LowYield
from evolinstruct.run.events import (
    Event,
    GenerationEnded,
    GenerationStarted,
    Notice,
    SoFar,
)
from evolinstruct.run.summary import Summary
from evolinstruct.text import harmless


def counts(generation: int = 1, **counts: object) -> Counts:
    """Return a counts of 175 instructions of which 120 are kept and 21 rejected."""
    values = {
        "kept": 120,
        "rejected": Counter(prompt_leaked=7, no_information_gain=13, response_empty=1),
        "operations": Counter(deepen=80, in_breadth=61),
        "calls": 400,
    }
    return Counts(generation, 175, **{**values, **counts})  # type: ignore[arg-type]


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Run:
    """How far a run is, moved by hand."""

    def __init__(self, **replies: int) -> None:
        self.replies = Counter(replies)
        self.sending = Sending(0, 8, 0, 0.0)

    def so_far(self) -> SoFar:
        return SoFar(Counter(self.replies), 9_600, 1_120, 1_234_567, Decimal("0.421"))

    def started(self, counts: Counts) -> GenerationStarted:
        return GenerationStarted(counts, 4, lambda: self.sending, self.so_far)


def progress(now: Time, counts: Counts) -> ProgressLines:
    """Return the progress of a run 10 seconds and 40 replies after it went on from 1,000."""
    run = Run(evolve=400, compare=350, answer=250)
    shown = ProgressLines(run.started(counts), now)
    now.seconds += 10
    run.replies["answer"] += 40
    return shown


# --- progress -----------------------------------------------------------------------------------


def test_progress_as_a_plain_line_says_all_of_it() -> None:
    assert progress(Time(), counts(failed=Counter(timeout=2))).plain() == (
        "Generation 1/4: 1,040 of about 9,600 calls · 400 rewritten · 350 compared · 290 answered"
        " · 1,120 kept · 1.2M tokens · $0.43 · 13 no_information_gain · 7 prompt_leaked"
        " · 1 response_empty · 2 failed · 4.0 calls/s · 0:10 elapsed · 35:40 left."
    )


def test_progress_moves_before_the_first_line_and_claims_no_speed_before_there_is_one() -> None:
    run = Run()
    run.sending = Sending(3, 4, 9, 0.0)
    shown = ProgressLines(run.started(Counts(1, 175)), (now := Time()))
    assert shown.plain() == (
        "Generation 1/4: 0 of about 9,600 calls · 1,120 kept · 1.2M tokens · $0.43"
        " · 3 in flight of 4 · 0:00 elapsed."
    )
    now.seconds += 10
    run.replies["evolve"] += 1
    assert shown.plain() == (
        "Generation 1/4: 1 of about 9,600 calls · 1 rewritten · 1,120 kept · 1.2M tokens · $0.43"
        " · 0.1 calls/s · 3 in flight of 4 · 0:10 elapsed · 26:39:50 left."
    )


@pytest.mark.parametrize(
    ("sending", "told"),
    [
        (Sending(0, 8, 3, 18_000.0), r"paused until [\d: -]*\d\d:\d\d, as the service asks ·"),
        (Sending(2, 8, 3, 60.0), r"paused until .*, as the service asks · 2 in flight of 8 ·"),
        (Sending(0, 8, 0, 0.0, 30.0), r"next attempt in 0:30 · 0:\d\d elapsed\."),
        (
            Sending(1, 8, 0, 0.0, 30.0),
            r"4\.0 calls/s · 1 in flight of 8 · 0:10 elapsed · 39:50 left",
        ),
    ],
)
def test_progress_says_until_when_nothing_is_sent_also_before_there_is_a_speed(
    sending: Sending, told: str
) -> None:
    run, now = Run(), Time()
    run.sending = sending
    shown = ProgressLines(run.started(counts()), now)
    before = shown.plain()
    now.seconds += 10
    run.replies["evolve"] += 40
    for line in (before, shown.plain(), shown.drawn(200).plain.replace("\n", ".")):
        assert re.search(told, line) or (line is before and "calls/s" in told), line


def test_progress_drawn_on_two_lines_fits_its_width() -> None:
    shown = progress(Time(), counts())
    assert shown.drawn(120).plain.split("\n") == [
        "Generation 1/4 ━━━─────────────────────────── 1,040 of about 9,600 calls · 4.0 calls/s"
        " · 0:10 elapsed · 35:40 left",
        "  400 rewritten · 350 compared · 290 answered · 1,120 kept · 1.2M tokens · $0.43"
        " · 13 no_information_gain · 7 prompt_le…",
    ]
    assert shown.drawn(57).plain.split("\n") == [
        "Generation 1/4 1,040 of about 9,600 calls · 4.0 calls/s …",
        "  400 rewritten · 350 compared · 290 answered · 1,120 ke…",
    ]


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 200), st.integers(0, 175))
def test_progress_drawn_is_never_wider_than_it_may_be(width: int, kept: int) -> None:
    lines = progress(Time(), counts(kept=kept, rejected=Counter())).drawn(width).plain.split("\n")
    assert len(lines) == 2
    assert max(map(len, lines)) <= width


def test_the_speed_is_that_of_the_last_seconds() -> None:
    run, now = Run(), Time()
    shown = ProgressLines(run.started(counts()), now)
    for second in range(1, 61):
        now.seconds = second
        run.replies["evolve"] += 700 if second == 1 else 2
        shown.plain()
    assert shown.plain().endswith("2.0 calls/s · 1:00 elapsed · 1:13:11 left.")


def test_the_time_left_is_that_of_the_run_also_in_its_next_generation() -> None:
    run, now = Run(evolve=100), Time()
    shown = ProgressLines(run.started(counts(1)), now)
    now.seconds += 10
    run.replies["evolve"] += 500
    shown.plain()
    shown.begin(run.started(Counts(2, 175)))
    assert shown.plain() == (
        "Generation 2/4: 600 of about 9,600 calls · 600 rewritten · 1,120 kept · 1.2M tokens"
        " · $0.43 · 50 calls/s · 0:10 elapsed · 3:00 left."
    )


# --- the final table ----------------------------------------------------------------------------

WHOLE = """\
generation               1    2  all
────────────────────────────────────
pool                   175  175  350
kept                   120  154  274
rejected                21   21   42
  no_information_gain   13   13   26
  prompt_leaked          7    7   14
  response_empty         1    1    2
failed                  34    0   34
kept per 100 calls      30   38   34
"""


def rendered(summary: Summary, width: int) -> str:
    out = StringIO()
    terminal = Terminal(file=out, width=width)
    for table in tables(summary, width):
        terminal.print(table)
    return out.getvalue()


def test_the_table_has_a_column_for_each_generation() -> None:
    all_counts = [counts(0), counts(1, failed=Counter(timeout=34)), counts(2, kept=154)]
    assert rendered(Summary(all_counts=all_counts), 80) == WHOLE


def test_the_table_of_a_stopped_run_says_how_many_are_not_finished() -> None:
    text = rendered(Summary(all_counts=[counts(1), Counts(2, 175)]), 80)
    assert text.split("\n")[8:10] == [
        "failed                   0    0",
        "not finished            34   34",
    ]


def test_a_table_too_wide_goes_on_below() -> None:
    all_counts = [counts(number, kept=154) for number in range(1, 13)]
    text = rendered(Summary(all_counts=all_counts), 60)
    heads = [line.split() for line in text.split("\n") if line.startswith("generation")]
    assert heads == [
        ["generation", *map(str, range(1, 6))],
        ["generation", *map(str, range(6, 11))],
        ["generation", "11", "12", "all"],
    ]
    assert max(map(len, text.split("\n"))) <= 60


def test_a_run_that_made_nothing_has_no_table() -> None:
    assert rendered(Summary(all_counts=[counts(0), Counts(1, 175)]), 80) == ""


ENDS = {
    "a preview": (
        Summary("done", 0, [counts(4)], dataset={"lines": 1_234}),
        [
            "1,234 instructions with answers, 1,114 of them seeds, shuffled: run/dataset.jsonl",
            "What each generation kept, and what was rejected and why: run/generation-*.jsonl",
            "Next: look at the data; the same command with -g 5 adds a generation to it.",
        ],
    ),
    "no answers": (
        Summary("done", 0, [counts(4)]),
        [
            "What each generation kept, and what was rejected and why: run/generation-*.jsonl",
            "Next: the same command with --answers --update answers what was kept.",
        ],
    ),
    "stopped": (
        Summary("Too little is kept.", 5, [counts(4)]),
        [
            "What each generation kept, and what was rejected and why: run/generation-*.jsonl",
            "Next: correct what is named below, then run the same command again; it goes on from"
            " here and pays for nothing twice.",
        ],
    ),
    "interrupted": (
        Summary("Interrupted.", 130, [counts(4)]),
        ["What each generation kept, and what was rejected and why: run/generation-*.jsonl"],
    ),
}


def test_the_end_says_what_the_command_and_the_run_have_taken() -> None:
    spent = Spending(2_412, 1_234_567, Decimal("0.421"))
    done = Summary("done", 0, [counts(4)], seconds=151.2, spent=spent)
    took = "Took 2:31; the run has taken 2,412 calls and 1,234,567 tokens, for $0.43"
    assert what_it_took(done) == f"{took}."
    assert what_it_took(replace(done, in_vain=12)) == (
        f"{took}; 12 calls prefetched in vain, because the gate dropped what they follow."
    )
    stopped = replace(done, status="Interrupted.", in_vain=1)
    assert what_it_took(stopped) == f"{took}; 1 call prefetched and not used so far."
    unknown = replace(done, spent=Spending(2, 40, None))
    assert what_it_took(unknown).endswith("2 calls and 40 tokens, at an unknown price.")


@pytest.mark.parametrize("name", ENDS)
def test_the_end_says_where_the_files_are_and_what_to_do_next(name: str) -> None:
    summary, lines = ENDS[name]
    assert list(where_to_look(summary, Path("run"))) == lines


# --- while it runs ------------------------------------------------------------------------------


async def each(events: Iterable[Event]) -> AsyncIterator[Event]:
    for event in events:
        yield event


def shown(capsys: pytest.CaptureFixture[str], *events: Event, verbosity: int = 0) -> str:
    asyncio.run(show_events(Console(verbosity), each(events)))
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


LOW = LowYield(2, 0.12, 200, "unchanged", 0.85, "Why\x1b[2J\nnot? (the same words)", "it repeats")


class Far:
    """Something that is so far."""

    done = 0

    def drawn(self, width: int) -> Text:
        return Text(f"{self.done} drawn in {width}")

    def plain(self) -> str:
        return f"{self.done} done."


def test_without_a_terminal_a_line_now_and_then_says_how_far_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ticker, far = Ticker(Console(), now := Time()), Far()
    ticker.look()  # nothing goes on yet
    ticker.show(far)
    for second in range(1, 301):
        now.seconds, far.done = second, second
        ticker.look()
    ticker.hide()
    now.seconds += 100
    ticker.look()
    told = [*range(10, 111, 10), 170, 230, 290]
    assert capsys.readouterr().err == "".join(f"{second} done.\n" for second in told)


def test_on_a_terminal_it_is_drawn_anew_and_taken_away_in_the_end() -> None:
    console, out = Console(), StringIO()
    console.terminal = Terminal(file=out, force_terminal=True, width=60, legacy_windows=False)
    console.is_drawn_on = True
    ticker, far = Ticker(console, now := Time()), Far()
    ticker.show(far)
    for tenth in range(4):
        now.seconds, far.done = tenth * 0.1001, tenth
        ticker.look()
    drawn = out.getvalue()
    assert all(f"{tenth} drawn in 57" in drawn for tenth in range(1, 4))
    assert "done." not in drawn
    ticker.hide()
    assert out.getvalue().endswith("\x1b[1A\x1b[2K")


def test_quiet_neither_draws_nor_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(-1)
    console.is_drawn_on = True
    ticker = Ticker(console, now := Time())
    ticker.show(Far())
    now.seconds += 100
    ticker.look()
    ticker.hide()
    assert capsys.readouterr().err == ""


def test_a_low_yield_names_share_rule_example_and_cause(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, LOW) == (
        "Low yield: 12% of the first 200 instructions of generation 2 were kept.\n"
        "  85% were rejected by unchanged, such as: Why\\x1b[2J not? (the same words)\n"
        "  Usual cause: it repeats.\n"
    )


def test_a_low_yield_for_failures_names_no_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, LowYield(1, 0.0, 7, None, 1.0, "", "the service fails")) == (
        "Low yield: 0% of the first 7 instructions of generation 1 were kept.\n"
        "  100% got no answer from the service.\n"
        "  Usual cause: the service fails.\n"
    )


def test_generations_finished_before_take_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    before = [GenerationEnded(counts(number), is_new=False) for number in (0, 1, 2)]
    ended = counts(3, failed=Counter(timeout=34))
    now = [GenerationStarted(ended, 3), GenerationEnded(ended, is_new=True)]
    assert shown(capsys, Notice("Adding."), *before, *now) == (
        "Adding.\n"
        "Generations 1 to 2 were finished before.\n"
        "Generation 3: 120 of 175 kept, 21 rejected, 34 failed.\n"
    )


def test_seeds_without_a_good_answer_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, GenerationEnded(counts(0), is_new=True)) == (
        "Seeds without a good answer, which stay as they are:"
        " 13 no_information_gain, 7 prompt_leaked and 1 response_empty.\n"
    )


def test_quiet_shows_no_event(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, Notice("Adding."), LOW, verbosity=-1) == ""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("It is a file."), "Error: It is a file."),
        (ServiceRefused("The key is wrong."), "Error: The key is wrong."),
        (TooLittleKept("It keeps 3%."), "Stopped: It keeps 3%."),
        (Interrupted("Interrupted."), "Interrupted."),
    ],
)
def test_an_error_is_headed_by_what_it_is(
    capsys: pytest.CaptureFixture[str], error: EvolinstructError, line: str
) -> None:
    Console(-1).error(error, error)
    assert capsys.readouterr().err == f"{line}\n"


# --- text ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_harmless_text_holds_nothing_that_steers_a_terminal(text: str) -> None:
    made = harmless(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in made)
    assert not set(made) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2028\u2029")
    made.encode()


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "M"])))
def test_harmless_text_is_left_alone(text: str) -> None:
    assert harmless(text) == text
