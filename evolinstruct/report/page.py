"""The page of a report about runs: its sections in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evolinstruct.analysis.measurement import RunStatistics
from evolinstruct.analysis.runs import Run
from evolinstruct.report.charts import Chart, card
from evolinstruct.report.examples import show_losses, show_operations
from evolinstruct.report.frame import framed, section
from evolinstruct.report.markup import Html, data, join, table, tag, text
from evolinstruct.report.run_charts import charts, difficulty_charts
from evolinstruct.report.sample import Sample
from evolinstruct.report.selection import Selected, lead, show_selected
from evolinstruct.report.story import risen, tell, tell_difficulty
from evolinstruct.text import NONE, counted, listed


@dataclass(frozen=True, slots=True)
class Meaning:
    """How unlike in meaning the instructions are.

    Attributes:
        shown: the section about it.
        says: the same of each run in a sentence or two.
        points: the map, as plain data for the script.
    """

    shown: Html
    says: list[str]
    points: list[dict[str, Any]]


def compose(
    runs: Sequence[Run],
    measured: Sequence[RunStatistics],
    samples: Sequence[Sample],
    seed: int,
    meaning: Meaning | None = None,
    selected: Sequence[Selected | None] = (),
) -> str:
    """Return the page; without `meaning`, or what would be selected, it has no section of it."""
    names = names_of(runs)
    by_name = dict(zip(names, measured, strict=True))
    main = [
        section("story", "In short", tell(measured, names), _findings(measured, meaning, selected)),
        section("charts", "What became of the instructions", _charts(charts(by_name))),
        *_difficulty(by_name, samples),
        section(
            "operations",
            "What each operation does",
            tag("p", _legend(), class_="hint"),
            show_operations(runs, measured, samples, seed),
        ),
        *([section("diversity", "What is alike", meaning.shown)] if meaning else []),
        *_selection(runs, names, selected),
        section("instructions", "The instructions", _explorer(samples, seed)),
        section("recipe", "How it was made", *_recipes(measured, names)),
    ]
    has_scores = any(found.difficulties for found in measured)
    return framed(
        listed(names),
        "Evolved instructions",
        _links(
            has_scores=has_scores,
            has_meaning=meaning is not None,
            has_selection=any(selected),
        ),
        main,
        "page.js",
        end=data("data", _embedded(names, samples, meaning)),
    )


def names_of(runs: Sequence[Run]) -> list[str]:
    """Return the runs' names, short where that tells them apart; one given twice has a number."""
    short = [run.path.resolve().name for run in runs]
    names = short if len({*short}) == len(short) else [str(run.path) for run in runs]
    return [
        f"{name} ({names[:place].count(name) + 1})" if name in names[:place] else name
        for place, name in enumerate(names)
    ]


def _links(*, has_scores: bool, has_meaning: bool, has_selection: bool) -> dict[str, str]:
    """Return the sections, by their ids."""
    return {
        "story": "In short",
        "charts": "Charts",
        **({"difficulty": "Difficulty"} if has_scores else {}),
        "operations": "Operations",
        **({"diversity": "Diversity"} if has_meaning else {}),
        **({"selection": "Selection"} if has_selection else {}),
        "instructions": "Instructions",
        "recipe": "Recipe",
    }


def _legend() -> Html:
    return join(
        [
            text("Sampled rewrites that were kept: "),
            tag("ins", text("words added")),
            text(", "),
            tag("del", text("words removed")),
            text("."),
        ]
    )


def _difficulty(runs: Mapping[str, RunStatistics], samples: Sequence[Sample]) -> Iterator[Html]:
    """Yield a section on difficulty, if it was scored in a run."""
    scored = {name: run for name, run in runs.items() if run.difficulties is not None}
    if scored:
        yield section(
            "difficulty",
            "Did they get harder?",
            *(tell_difficulty(run, name if len(runs) > 1 else "") for name, run in scored.items()),
            _charts(difficulty_charts(scored)),
            show_losses([*scored.values()], samples),
        )


def _findings(
    measured: Sequence[RunStatistics], meaning: Meaning | None, selected: Sequence[Selected | None]
) -> Html:
    """Return what sections further down found out of one run, with the way there."""
    if len(measured) > 1:
        return Html("")
    found = measured[0].difficulties
    says = [
        *([("difficulty", "Difficulty", risen(found))] if found is not None else []),
        *([("diversity", "Diversity", meaning.says[0])] if meaning else []),
        *(("selection", "Selection", lead(each)) for each in selected if each is not None),
    ]
    items = [
        tag("li", tag("a", text(title), href=f"#{name}"), text(f": {said}"))
        for name, title, said in says
    ]
    return tag("ul", *items, class_="findings") if items else Html("")


def _selection(
    runs: Sequence[Run], names: Sequence[str], selected: Sequence[Selected | None]
) -> Iterator[Html]:
    """Yield a section on what would be selected, where a run is scored."""
    shown = [
        show_selected(found, run, name if len(names) > 1 else "")
        for found, run, name in zip(selected, runs, names, strict=False)
        if found is not None
    ]
    if shown:
        yield section("selection", "What would be selected", *shown)


def _charts(found: Iterable[Chart]) -> Html:
    return tag("div", *map(card, found), class_="charts")


def _explorer(samples: Sequence[Sample], seed: int) -> Html:
    """Return the elements that the script of the page fills with the table."""
    return join(
        [
            tag("p", text(_what_is_here(samples, seed)), class_="hint"),
            tag(
                "noscript",
                tag("p", text("This table needs JavaScript; nothing else on the page does.")),
            ),
            tag("form", id="filters", role="search", aria_label="Filter the instructions"),
            tag("p", id="count", role="status", aria_live="polite"),
            tag("div", id="rows"),
            tag("div", id="pages"),
            tag("dialog", id="family", aria_labelledby="family-title"),
        ]
    )


def _what_is_here(samples: Sequence[Sample], seed: int) -> str:
    rows = sum(sample.rows for sample in samples)
    every = sum(sample.all_rows for sample in samples)
    opens = "A row opens its family: what every generation made of its seed."
    if all(sample.is_whole for sample in samples):
        return f"All {counted(rows, 'line')}: seeds, kept, rejected and failed. {opens}"
    families = sum(len(sample.families) for sample in samples)
    of = sum(sample.all_families for sample in samples)
    return (
        f"A sample of {rows:,} of {every:,} lines: {families:,} whole families of {of:,}, drawn by"
        f" the seed {seed}. The charts above count every line. {opens}"
    )


def _embedded(
    names: Sequence[str], samples: Sequence[Sample], meaning: Meaning | None
) -> dict[str, Any]:
    return {
        "points": meaning.points if meaning else [],
        "runs": [
            {"name": name, "families": sample.to_json()}
            for name, sample in zip(names, samples, strict=True)
        ],
    }


def _recipes(measured: Sequence[RunStatistics], names: Sequence[str]) -> Iterator[Html]:
    states = [found.state for found in measured]
    recipes = [state.recipe.model_dump() for state in states]
    settings = [[name, *(_setting(recipe[name]) for recipe in recipes)] for name in recipes[0]]
    settings += [
        ["prompt pack", *(state.pack for state in states)],
        ["seeds", *(_sources(state.seeds) for state in states)],
        ["begun", *(str(state.started or NONE) for state in states)],
        ["ended", *(str(state.ended or NONE) for state in states)],
        ["status", *(state.status for state in states)],
    ]
    yield table("The recipe", ["setting", *names], settings)
    programs = sorted({name for state in states for name in state.versions})
    rows = [[name, *(state.versions.get(name, NONE) for state in states)] for name in programs]
    yield table("The versions that made it", ["program", *names], rows)


def _setting(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {item}" for name, item in value.items()) or "default"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _sources(seeds: Any) -> str:
    paths = [str(name).rpartition("/")[2] for name in seeds.get("files", ())]
    return f"{', '.join(paths)} ({seeds.get('used', 0):,} used)"
