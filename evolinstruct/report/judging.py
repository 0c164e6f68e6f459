"""The page of a contest: who is better, by whom, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evolinstruct.atomic_write import replaced
from evolinstruct.judging import (
    JudgeCounts,
    Pair,
    Rate,
    Results,
    Verdict,
    read_contest,
    read_verdicts,
)
from evolinstruct.judging.results import BAND, OVERALL, SKILL, Strength
from evolinstruct.report.canvas import Axis
from evolinstruct.report.charts import Chart, Interval, card, means
from evolinstruct.report.frame import framed, section
from evolinstruct.report.markup import Html, folded, join, table, tag, text
from evolinstruct.report.passages import plain
from evolinstruct.text import NONE, counted, decimal, listed, number, percent, shorten

FILE = "report.html"
_SHOWN = 60
"""So many questions are shown with their texts, those on which judges differ most first."""
_TITLE = 120
_SAID = {
    "first_clearly": "{first}, clearly",
    "first": "{first}",
    "tie": "tie",
    "second": "{second}",
    "second_clearly": "{second}, clearly",
}
_AXIS = Axis("win rate, and the line in which it lies 95 times in 100", percent, 0.05)


def write_page(out: str | Path, results: Results, remarks: Sequence[str]) -> Path:
    """Write the page of a directory that `evolinstruct judge` wrote; return its file.

    Raises:
        InputError: a file cannot be read or written.
    """
    directory = Path(out)
    contest = read_contest(directory)
    pairs = list(contest.pairs())
    page = _page(results, remarks, pairs, read_verdicts(directory, pairs))
    with replaced(directory / FILE) as file:
        file.write(page.encode("utf-8", "replace"))
    return directory / FILE


def _page(
    results: Results, remarks: Sequence[str], pairs: Sequence[Pair], verdicts: Sequence[Verdict]
) -> str:
    links = {"story": "In short", "rates": "Who wins", "judges": "The judges", "pairs": "Examples"}
    main = [
        section("story", "In short", *_story(results, remarks)),
        section("rates", "Who wins, and where", *_rates(results)),
        section("judges", "The judges", *_judges(results)),
        section("pairs", "Examples", *_examples(pairs, verdicts)),
    ]
    title = listed(list(results.contestants))
    return framed(title, "Compared", links, main, end=Html(""))


# In short


def _story(results: Results, remarks: Sequence[str]) -> Iterator[Html]:
    overall = list(results.overall())
    if not overall:
        yield tag("p", text("There is no verdict yet."), class_="lead")
    for rate in _leading(overall):
        yield tag("p", text(_sentence(rate)), class_="lead")
    for remark in remarks:
        yield tag("p", text(remark), class_="notice")
    yield tag("dl", *(_tile(rate) for rate in overall), class_="tiles")


def _leading(rates: Sequence[Rate]) -> list[Rate]:
    """Return the rates to be told in a sentence: of all models, or of the first judge."""
    judges = list(dict.fromkeys(rate.judge for rate in rates))
    leading = "all models" if "all models" in judges else next(iter(judges), "")
    return [rate for rate in rates if rate.judge == leading]


def _sentence(rate: Rate) -> str:
    """Say who wins, or that nobody does."""
    winner, share = (
        (rate.first, rate.rate) if rate.rate >= 0.5 else (rate.second, 1 - rate.rate)  # noqa: PLR2004
    )
    loser = rate.second if winner == rate.first else rate.first
    said = (
        f"{winner} wins {percent(share)} of {counted(rate.questions, 'question')} against {loser}"
    )
    if abs(rate.rate - 0.5) < rate.noise:
        return f"{said}, which may be chance: {_noise(rate)}."
    return f"{said}, more than chance explains."


def _noise(rate: Rate) -> str:
    return rate.says.partition(": ")[2]


def _tile(rate: Rate) -> Html:
    meaning = f"{percent(rate.low)} to {percent(rate.high)}; at equal lengths {_equal(rate)}"
    return tag(
        "div",
        tag("dt", text(f"{rate.first} against {rate.second}, by {rate.judge}")),
        tag("dd", text(percent(rate.rate)), class_="figure"),
        tag("dd", text(f"{meaning}. {rate.says}."), class_="meaning"),
        class_="tile",
    )


def _equal(rate: Rate) -> str:
    return NONE if rate.controlled is None else percent(rate.controlled)


# Who wins


def _rates(results: Results) -> Iterator[Html]:
    pairs = dict.fromkeys((rate.first, rate.second) for rate in results.rates)
    cards = [
        card(chart)
        for pair in pairs
        for kinds, about in (((OVERALL, BAND), "by difficulty"), ((SKILL,), "by skill"))
        if (chart := _chart(results, pair, kinds, about)) is not None
    ]
    if results.strengths:
        cards.append(card(_strengths(results)))
    yield tag("div", *cards, class_="charts")


def _chart(
    results: Results, pair: tuple[str, str], kinds: Sequence[str], about: str
) -> Chart | None:
    """Return the win rates of a pair, a series for each judge; None where there are none."""
    found = [
        rate for rate in results.rates if (rate.first, rate.second) == pair and rate.group in kinds
    ]
    if not found:
        return None
    judges = list(dict.fromkeys(rate.judge for rate in found))
    by_name = {(rate.judge, rate.name or "all"): rate for rate in found}
    names = dict.fromkeys(rate.name or "all" for rate in found)
    rows = {name: [_interval(by_name.get((judge, name))) for judge in judges] for name in names}
    tables = {
        judge if len(judges) > 1 else "": [_cells(rate) for rate in found if rate.judge == judge]
        for judge in judges
    }
    first, second = pair
    says = {"": f"How often {first} wins against {second}; one half is nobody's."}
    return Chart(
        f"{first} against {second}, {about}", says, means(rows, _AXIS, judges), _HEAD, tables
    )


_HEAD = ("questions", "n", "wins", "ties", "losses", "win rate", "from", "to", "equal length")


def _interval(rate: Rate | Strength | None) -> Interval | None:
    return None if rate is None else Interval(rate.low, rate.rate, rate.high, percent(rate.rate))


def _cells(rate: Rate) -> list[str]:
    counts = rate.questions, rate.wins, rate.ties, rate.losses
    shares = rate.rate, rate.low, rate.high, rate.controlled
    return [rate.name or "all", *map(number, counts), *map(percent, shares)]


def _strengths(results: Results) -> Chart:
    judges = list(dict.fromkeys(each.judge for each in results.strengths))
    found = {(each.contestant, each.judge): each for each in results.strengths}
    names = dict.fromkeys(each.contestant for each in results.strengths)
    rows = {name: [_interval(found.get((name, judge))) for judge in judges] for name in names}
    tables = {
        judge if len(judges) > 1 else "": [
            [each.contestant, *map(percent, (each.rate, each.low, each.high))]
            for each in results.strengths
            if each.judge == judge
        ]
        for judge in judges
    }
    says = {"": "Each one's win rate against an average contestant (Bradley-Terry over all pairs)."}
    head = ("contestant", "win rate", "from", "to")
    return Chart("All contestants on one scale", says, means(rows, _AXIS, judges), head, tables)


# The judges


def _judges(results: Results) -> Iterator[Html]:
    head = ("judge", "verdicts", "missing", "ties", "flips", "first wins", "clearly", "void")
    yield tag(
        "p",
        text(
            "A flip: the two orders name different winners, which counts as a tie. First wins: how"
            " often the text that was shown first does; one half is fair."
        ),
        class_="hint",
    )
    yield table("What each judge said", head, map(_counts, results.judges))
    if results.agreements:
        rows = [
            [
                f"{each.one} and {each.other}",
                number(each.pairs),
                percent(each.same),
                decimal(each.kappa),
            ]
            for each in results.agreements
        ]
        yield table("How far they agree", ("judges", "pairs", "the same", "kappa"), rows)
    rows = [[name, number(results.lengths[name])] for name in results.contestants]
    yield table("How long the texts are", ("contestant", "characters"), rows)


def _counts(counts: JudgeCounts) -> list[str]:
    figures = counts.verdicts, counts.missing, counts.ties, counts.flips
    rest = number(counts.clearly), number(counts.void)
    return [counts.judge, *map(number, figures), percent(counts.first), *rest]


# Examples


def _examples(pairs: Sequence[Pair], verdicts: Sequence[Verdict]) -> Iterator[Html]:
    by_pair: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        by_pair.setdefault((verdict.question_id, verdict.first, verdict.second), []).append(verdict)
    found = [(pair, by_pair.get((pair.question.id, pair.first, pair.second), [])) for pair in pairs]
    found.sort(key=lambda each: -_doubt(each[1]))
    shown = found[:_SHOWN]
    yield tag(
        "p",
        text(
            f"{len(shown):,} of {counted(len(pairs), 'pair')}, those first on which judges differ,"
            " or one flips."
        ),
        class_="hint",
    )
    yield join(_example(pair, said) for pair, said in shown)


def _doubt(verdicts: Sequence[Verdict]) -> int:
    """Return how doubtful a pair is: judges who differ weigh more than one that flips."""
    winners = {(each.verdict or "").removesuffix("_clearly") for each in verdicts}
    return 2 * len(winners) + any(each.flipped for each in verdicts)


def _example(pair: Pair, verdicts: Sequence[Verdict]) -> Html:
    question = pair.question.instruction
    said = "; ".join(f"{each.judge}: {_said(each)}" for each in verdicts)
    parts = [
        tag("p", text(said or "No verdict."), class_="about"),
        tag("h3", text("The question")),
        plain(question),
    ]
    for name, content in ((pair.first, pair.first_text), (pair.second, pair.second_text)):
        parts += [tag("h3", text(name), dir="auto"), plain(content)]
    return folded(shorten(" ".join(question.split()), _TITLE), *parts)


def _said(verdict: Verdict) -> str:
    if verdict.verdict is None:
        return f"no verdict ({verdict.error})"
    winner = _SAID[verdict.verdict].format(first=verdict.first, second=verdict.second)
    return f"{winner} (a flip)" if verdict.flipped else winner
