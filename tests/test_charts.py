"""Charts as drawings: whatever is charted lies within them, and what it is called is text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.report import canvas
from evolinstruct.report.canvas import WIDTH, Axis, Drawing
from evolinstruct.report.charts import (
    Bar,
    Chart,
    Dot,
    Interval,
    Spread,
    bars,
    card,
    histograms,
    lines,
    means,
    scatter,
    spreads,
)

EVIL = "<script>alert('&')</script>\u202e \U0001f469\u200d\U0001f467"
AXIS = Axis("words")
AMOUNTS = st.floats(0, 1e12, allow_nan=False)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
NAMES = st.text("aWé水<&", min_size=1, max_size=40)
PARTS = {"kept": "var(--kept)", "failed": "var(--failed)"}


def drawn(drawing: Drawing) -> ET.Element:
    """Return a drawing as a browser would parse it."""
    return ET.fromstring(canvas.shown(drawing, "A chart", "What it shows."))


def check_within(drawing: Drawing) -> None:
    """Check that every shape lies within the drawing, and no number is none."""
    svg = drawn(drawing)
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    assert (width, height) == (WIDTH, round(drawing.height, 1))
    for each in svg.iter():
        at = {name: float(value) for name, value in each.attrib.items() if name in PLACES}
        for name, value in at.items():
            assert abs(value) < 1e5, (each.tag, name, value)  # neither endless nor no number
        across = [at[name] for name in ("x", "x1", "x2", "cx") if name in at]
        assert all(-0.2 <= x <= WIDTH + 0.2 for x in across), (each.tag, at)
        if each.tag == "rect":
            assert at["x"] + at["width"] <= WIDTH + 0.2
    assert not re.search(r'"-0"|-0[ ,L]', canvas.shown(drawing, "", ""))


PLACES = {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height"}


def interval(three: Sequence[float]) -> Interval:
    low, mean, high = sorted(three)
    return Interval(low, mean, high, f"{mean:.2f}")


@given(st.dictionaries(NAMES, st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=2, max_size=2)))
def test_bars_lie_within_their_drawing(rows: dict[str, list[tuple[float, float]]]) -> None:
    marks = {
        name: [Bar(parts, f"{sum(parts):,.0f}") for parts in row] for name, row in rows.items()
    }
    check_within(bars(marks, AXIS, PARTS, ["one", "other"]))
    check_within(bars({name: row[:1] for name, row in marks.items()}, AXIS, PARTS))


@given(st.dictionaries(NAMES, st.lists(NUMBERS, min_size=3, max_size=3)))
def test_means_and_lines_lie_within_their_drawing(rows: dict[str, list[float]]) -> None:
    marks = {name: [interval(three), None] for name, three in rows.items()}
    check_within(means(marks, AXIS, ["one", "other"]))
    check_within(lines(marks, AXIS, ["one", "other"]))


@given(st.dictionaries(NAMES, st.lists(AMOUNTS, min_size=5, max_size=5)))
def test_spreads_lie_within_their_drawing(rows: dict[str, list[float]]) -> None:
    marks = {
        name: [Spread(*sorted(five), label=f"{sorted(five)[2]:,.0f}")]  # type: ignore[misc]
        for name, five in rows.items()
    }
    check_within(spreads(marks, AXIS))


@given(st.dictionaries(NAMES, st.dictionaries(st.integers(-50, 200), st.floats(0.01, 1))))
def test_histograms_lie_within_their_drawing(rows: dict[str, dict[int, float]]) -> None:
    check_within(histograms({name: [row] for name, row in rows.items()}, AXIS, 1, (10, 20)))
    both = {name: [row, {}] for name, row in rows.items()}
    check_within(histograms(both, AXIS, 1, (10, 20), ["one", "other"]))


def test_names_and_labels_are_text_and_the_whole_name_is_told() -> None:
    long = f"{EVIL} {'long ' * 20}"
    rows = {long: [Bar((1.0,), EVIL), Bar((2.0,), EVIL)]}
    chart = Chart("A chart", {EVIL: EVIL}, bars(rows, AXIS, {"kept": "red"}, [EVIL, "b"]), [""], {})
    shown = card(chart)
    assert "<script" not in shown
    titles = re.findall("<title>([^<]*)</title>", shown)
    assert any("long long long" in title for title in titles)
    assert "…" in shown


def test_a_long_run_has_as_many_names_and_labels_below_its_line_as_there_is_room_for() -> None:
    def texts(count: int) -> list[str]:
        rows = {f"gen. {number}": [interval((1, 2, 3))] for number in range(count)}
        return [each.text or "" for each in drawn(lines(rows, AXIS)).iter("text")]

    assert texts(4).count("2.00") == 4
    assert [text for text in texts(4) if "gen" in text] == [f"gen. {n}" for n in range(4)]
    assert texts(40).count("2.00") == 0
    assert 4 <= sum("gen" in text for text in texts(40)) <= 8


def test_several_runs_share_an_axis_and_a_missing_one_leaves_its_place_free() -> None:
    def tops(row: list[Bar | None]) -> list[str]:
        svg = drawn(bars({"a": row, "b": [Bar((4.0,), "4")] * 3}, AXIS, {"kept": ""}, list("xyz")))
        return [each.attrib["y"] for each in svg.iter("rect") if "width" in each.attrib]

    whole = tops([Bar((1.0,), "1"), Bar((2.0,), "2"), Bar((3.0,), "3")])
    without = tops([Bar((1.0,), "1"), None, Bar((3.0,), "3")])
    assert set(without) < set(whole)
    assert len(whole) - len(without) == 1


def test_an_axis_has_round_numbers_and_counts_have_no_halves() -> None:
    assert canvas.ticks(0, 1, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert canvas.ticks(0, 2, 5, 1.0) == [0, 1, 2]
    assert canvas.ticks(-37, 260, 5) == [0, 100, 200]
    assert canvas.rounded_out(4.35, 9.6) == (4, 10)


def test_a_map_is_cut_around_its_points_and_tells_them_by_number() -> None:
    shown = scatter([Dot(10, 20, "c1"), Dot(-30, 40, "c2")], [Dot(0, 0, EVIL)], aria_label="Map")
    svg = ET.fromstring(shown)
    assert svg.attrib["viewBox"] == "-90 -100 160 140"
    assert [each.attrib["data-point"] for each in svg.iter("circle")] == ["0", "1"]
    assert svg.attrib["tabindex"] == "0"
