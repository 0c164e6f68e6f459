"""What is alike: the diversity of runs in figures, their clusters, and a map that can be read.

The map is drawn as circles with numbers; the script of the page shows the text of the one that is
pointed at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evolinstruct.analysis.diversity import known
from evolinstruct.analysis.runs import Run
from evolinstruct.diversity.measures import MEASURES, Figures, find
from evolinstruct.diversity.survey import Options, Point, SetFigures, Survey
from evolinstruct.report.charts import Dot, scatter
from evolinstruct.report.markup import Html, folded, join, table, tag, text
from evolinstruct.report.page import Meaning, names_of
from evolinstruct.report.pairs import show_pairs
from evolinstruct.report.sample import text_fields
from evolinstruct.text import number, percent, shorten

_COLOURS = 6
_LONGEST = 400
"""At most so many characters of a text are shown on the map."""
_NAME = 160
_SHOWN = [measure for measure in MEASURES if measure.is_shown]


def meaning_of(runs: Sequence[Run], seed: int) -> Meaning | None:
    """Return the section about runs whose instructions are embedded; None where one has none.

    Raises:
        InputError: a run, or its embeddings, cannot be read.
    """
    found = known(runs, Options(seed=seed))
    if found is None:
        return None
    names = names_of(runs)
    shown = join(
        [
            *(
                tag("p", *_about(name, names), text(_lead(each, found)), class_="lead")
                for each, name in zip(found.sets, names, strict=True)
            ),
            _map(found, names),
            show_pairs(found),
            _clusters(found, names),
            *(_figures(each, name) for each, name in zip(found.sets, names, strict=True)),
            tag("p", text(_how(found)), class_="hint"),
        ]
    )
    says = [_lead(each, found) for each in found.sets]
    return Meaning(shown, says, [_point(point, names) for point in found.points])


def _about(name: str, names: Sequence[str]) -> list[Html]:
    """Return the name of a run, where there are several."""
    return [tag("strong", text(name), dir="auto"), text(": ")] if len(names) > 1 else []


def _lead(each: SetFigures, found: Survey) -> str:
    first, last = min(each.generations), max(each.generations)
    begin, end = each.generations[first], each.generations[last]
    vendi = find("vendi")
    course = (
        f"Measured on {number(begin.sample)} and {number(end.sample)} texts, the Vendi score is"
        f" {vendi.text(begin)} for {_generation(first)} and {vendi.text(end)} for"
        f" {_generation(last)}. "
    )
    alone = len(found.sets) == 1  # the share is of all sets together
    others = f"; {percent(found.near_families)} have one of another family" if alone else ""
    return (
        f"{course if first != last else ''}Of all instructions,"
        f" {find('near_texts').text(each.whole)} have another that says nearly the same (a cosine"
        f" above {found.options.near:g}){others}."
    )


def _generation(key: int) -> str:
    return f"generation {key}" if key else "the seeds"


def _how(found: Survey) -> str:
    return (
        f"Embedded by {found.model}. Figures are of at most {number(found.options.sample)} texts of"
        f" each group, drawn by the seed {found.options.seed}; clusters are of all texts. Vendi: so"
        " many texts without anything in common would be as diverse. NovelSum: the mean distance to"
        " all texts, near ones weighing most. Distance: to the nearest texts."
    )


# Figures and clusters


def _figures(each: SetFigures, name: str) -> Html:
    groups: dict[str, Figures] = {
        "all": each.whole,
        **{_generation(key): figures for key, figures in each.generations.items()},
        **each.operations,
    }
    rows = [
        [group, *(measure.text(figures) for measure in _SHOWN)] for group, figures in groups.items()
    ]
    return table(f"{name}: how diverse", ["", *(measure.label for measure in _SHOWN)], rows)


def _clusters(found: Survey, names: Sequence[str]) -> Html:
    head, counts = found.counted(names)
    rows = [
        [f"{place} · {shorten(cluster.name, _NAME)}", percent(cluster.share), *row]
        for place, (cluster, row) in enumerate(zip(found.clusters, counts, strict=True), 1)
    ]
    return folded(
        "The clusters, each by its most central instruction",
        table("Clusters", ["instruction", "share", *head], rows),
        class_="clusters",
    )


# The map


def _map(found: Survey, names: Sequence[str]) -> Html:
    says = (
        f"{number(len(found.points))} instructions; those that lie together mean something alike."
        f" Numbers are those of the clusters. The plane shows {percent(found.shown)} of what the"
        " clusters differ in, so some that lie together are apart. Point at one to read it; arrow"
        " keys go from one to the next."
    )
    dots = [Dot(point.x, point.y, f"c{_colour(point, names)}") for point in found.points]
    drawn = scatter(
        dots,
        [*_numbers(found)],
        id="map",
        aria_label="A map of instructions by meaning",
        aria_describedby="map-says",
    )
    return tag(
        "figure",
        tag("figcaption", tag("h3", text("A map")), tag("p", text(says), id="map-says")),
        tag("div", *_legend(found, names), id="map-groups", role="group", aria_label="Show only"),
        drawn,
        tag("div", id="point", role="status", aria_live="polite"),
        class_="card map",
    )


def _numbers(found: Survey) -> Iterator[Dot]:
    """Yield the number of each cluster, in the middle of its points."""
    for cluster in range(len(found.clusters)):
        own = [point for point in found.points if point.cluster == cluster]
        if own:
            x = sum(point.x for point in own) // len(own)
            y = sum(point.y for point in own) // len(own)
            yield Dot(x, y, str(cluster + 1))


def _legend(found: Survey, names: Sequence[str]) -> Iterator[Html]:
    """Yield a button for each group of points, in the colour of the group."""
    points = sorted(found.points, key=lambda point: (point.set_number, point.generation))
    for name, colour in {_group(point, names): _colour(point, names) for point in points}.items():
        dot = tag("span", class_=f"dot c{colour}")
        yield tag("button", dot, text(name), type="button", aria_pressed="false", data_group=name)


def _group(point: Point, names: Sequence[str]) -> str:
    return names[point.set_number] if len(names) > 1 else _generation(point.generation)


def _colour(point: Point, names: Sequence[str]) -> int:
    return (point.set_number + 1 if len(names) > 1 else point.generation) % _COLOURS


def _point(point: Point, names: Sequence[str]) -> dict[str, Any]:
    return {
        "id": point.line_id,
        "group": _group(point, names),
        "generation": point.generation,
        "operation": point.operation,
        "cluster": point.cluster + 1,
        **text_fields("text", shorten(point.text, _LONGEST)),
    }
