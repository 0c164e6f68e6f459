"""A report: one page that needs nothing else and on which whatever a model wrote is text."""

from __future__ import annotations

import html
import json
import re
import shutil
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evolinstruct import selection
from evolinstruct.analysis.runs import Run
from evolinstruct.errors import CallError, InputError
from evolinstruct.llm.base import Request
from evolinstruct.report import write_report
from tests.command_line import evolinstruct
from tests.runs import evolve, tasks, write_seeds
from tests.scripted import Scripted, obedient
from tests.written import score

EVIL = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
    "<svg onload=window.hacked=3></svg><!--<script> \u2028 \u202e <b style='color:red'>bold</b>"
)


class Hostile(Scripted):
    """Obeys, and adds markup to all that it says."""

    def __init__(self, options: object) -> None:
        super().__init__(with_markup)


def with_markup(request: Request) -> str | CallError:
    said = obedient(request)
    return f"{said} {EVIL}" if isinstance(said, str) and request.purpose != "compare" else said


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, and the texts of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside].append(data)

    def every(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def data(self) -> Any:
        return json.loads(self.raw["script"][0])


def make_run(folder: Path, name: str = "run", seeds: int = 12, **settings: Any) -> Path:
    rows = write_seeds(folder / f"{name}.jsonl", tasks(seeds))
    evolve(rows, folder / name, generations=2, **settings)
    return folder / name


def page_of(out: Path) -> Page:
    return Page(out.read_text())


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def hostile_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    rules = {"eliminate": False, "compare": False}
    return make_run(folder, "<b>&evil", client="tests.test_report:Hostile", **rules)


@pytest.mark.slow
def test_every_line_of_a_small_run_is_embedded_with_its_family(
    run_dir: Path, tmp_path: Path
) -> None:
    write_report([Run(run_dir)], tmp_path / "r.html")
    (run,) = page_of(tmp_path / "r.html").data["runs"]
    embedded = [
        [(line["id"], line["generation"], line["outcome"], text_of(line)) for line in family]
        for family in run["families"]
    ]
    expected = [
        [
            (family.seed.id, 0, "seed", family.seed.instruction),
            *(
                (line.id, line.generation, getattr(line, "rule", "kept"), line.instruction)
                for line in (step.line for step in family.steps)
            ),
        ]
        for family in Run(run_dir).families()
    ]
    assert embedded == expected


def text_of(line: dict[str, Any]) -> str:
    if "diff" in line:
        return "".join(text for sign, text in line["diff"] if sign >= 0)
    return line["text"]


@pytest.mark.slow
def test_a_large_run_is_embedded_as_whole_families_drawn_by_the_seed(
    run_dir: Path, tmp_path: Path
) -> None:
    drawn = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_report([Run(run_dir)], tmp_path / name, rows=12, seed=seed)
        page = page_of(tmp_path / name)
        drawn[name] = page.data["runs"][0]["families"]
        assert [len(family) for family in drawn[name]] == [3, 3, 3, 3]
        said = f"A sample of 12 of 36 lines: 4 whole families of 12, drawn by the seed {seed}."
        assert said in (tmp_path / name).read_text()
    assert drawn["a"] == drawn["b"] != drawn["c"]


def test_the_page_loads_and_runs_nothing_but_itself(hostile_dir: Path, tmp_path: Path) -> None:
    write_report([Run(hostile_dir)], tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    assert [script.get("type") for script in page.every("script")] == ["application/json", None]
    named = {
        name
        for _, attributes in page.elements
        for name in attributes
        if re.match("on|style$", name)
    }
    assert named == set()
    sources = [
        attributes[name]
        for _, attributes in page.elements
        for name in ("src", "href", "action", "srcset", "xlink:href")
        if name in attributes
    ]
    assert [source for source in sources if not re.fullmatch("#[a-z0-9]+", source)] == []
    assert {tag for tag, _ in page.elements} & {"img", "iframe", "link", "object", "b"} == set()


def test_what_a_model_wrote_is_embedded_to_the_character(hostile_dir: Path, tmp_path: Path) -> None:
    write_report([Run(hostile_dir)], tmp_path / "r.html")
    lines = [
        line
        for family in page_of(tmp_path / "r.html").data["runs"][0]["families"]
        for line in family
    ]
    evolved = [text_of(line) for line in lines if line["generation"]]
    assert len(evolved) == 24
    assert all(text.endswith(EVIL) for text in evolved)


def test_the_policy_names_the_pages_own_style_and_script_alone(
    run_dir: Path, tmp_path: Path
) -> None:
    write_report([Run(run_dir)], tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    (policy,) = [
        meta["content"]
        for meta in page.every("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    style, script = page.raw["style"][0], "".join(page.raw["script"][1:])
    assert policy == (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_every_chart_says_what_it_shows_and_has_a_table(run_dir: Path, tmp_path: Path) -> None:
    write_report([Run(run_dir)], tmp_path / "r.html")
    figures = re.findall("<figure.*?</figure>", (tmp_path / "r.html").read_text(), re.DOTALL)
    assert len(figures) == 8
    for figure in figures:
        page = Page(figure)
        (drawing,) = page.every("svg")
        assert drawing["role"] == "img"
        assert drawing["aria-label"]
        assert len(page.every("desc")) == 1
        assert len(page.every("table")) == 1
        assert len(page.every("caption")) == 1


def test_charts_take_their_colours_from_the_page(run_dir: Path, tmp_path: Path) -> None:
    write_report([Run(run_dir)], tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    colours = {
        attributes[name]
        for _, attributes in page.elements
        for name in ("fill", "stroke")
        if name in attributes
    }
    assert [
        c for c in colours if not re.fullmatch(r"none|transparent|var\(--[a-z0-9-]+\)", c)
    ] == []
    known = set(re.findall(r"(--[a-z0-9-]+):", page.raw["style"][0]))
    assert {c[4:-1] for c in colours if c.startswith("var")} <= known


@pytest.mark.slow
def test_several_runs_stand_side_by_side_with_a_mark_where_they_differ(
    run_dir: Path, tmp_path: Path
) -> None:
    other = make_run(tmp_path, "other", seeds=15, seed=7)
    write_report([Run(run_dir), Run(other)], tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    assert [run["name"] for run in page.data["runs"]] == ["run", "other"]
    text = (tmp_path / "r.html").read_text()
    seeds = '<tr class="differs"><th scope="row">≠ seeds</th><td>12</td><td>15</td></tr>'
    assert seeds in text
    generations = '<tr class="same"><th scope="row">generations</th><td>2</td><td>2</td></tr>'
    assert generations in text
    assert len(page.every("figure")) == 8


@pytest.mark.slow
def test_a_run_that_is_given_twice_is_shown_twice(run_dir: Path, tmp_path: Path) -> None:
    write_report([Run(run_dir), Run(run_dir)], tmp_path / "r.html")
    names = [run["name"] for run in page_of(tmp_path / "r.html").data["runs"]]
    assert names == [str(run_dir), f"{run_dir} (2)"]


@pytest.mark.slow
def test_a_scored_run_tells_whether_it_got_harder_and_what_did_not(tmp_path: Path) -> None:
    run = make_run(tmp_path, client="tests.test_report:Hostile", eliminate=False, compare=False)
    write_report([Run(run)], tmp_path / "plain.html")
    assert "Did they get harder?" not in (tmp_path / "plain.html").read_text()
    score(run, lambda line: 5 - line.generation)
    write_report([Run(run)], tmp_path / "r.html")
    text, page = (tmp_path / "r.html").read_text(), page_of(tmp_path / "r.html")
    assert "is 1.00 points easier than its family" in text
    assert "(-1.00 to -1.00); 100.0% of the rewrites did not get harder" in text
    assert "The mean goes from 5.00 to 3.00" in text
    assert "Of the rewrites that did not get harder, the 5 that lost most." in text
    assert {"href": "#difficulty"} in page.every("a")
    assert len(page.every("figure")) == 10
    assert page.every("img") == []
    shown = "difficulty 4.00 → 3.00"
    assert text.count(shown) + text.count("difficulty 5.00 → 4.00") == 5


@pytest.mark.slow
def test_of_several_runs_the_scored_ones_tell_of_difficulty(run_dir: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path, "other")
    score(other, lambda line: line.generation)
    write_report([Run(run_dir), Run(other)], tmp_path / "r.html")
    assert len(page_of(tmp_path / "r.html").every("figure")) == 10
    text = (tmp_path / "r.html").read_text()
    assert '<strong dir="auto">other</strong>: An instruction of the last generation' in text


def test_a_report_is_written_anew_and_any_other_file_is_left_alone(
    run_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "r.html"
    write_report([Run(run_dir)], out)
    first = out.read_bytes()
    write_report([Run(run_dir)], out)
    assert out.read_bytes() == first
    out.write_text("<p>my own page</p>")
    with pytest.raises(InputError, match=r"r\.html exists and is not a report; name another"):
        write_report([Run(run_dir)], out)
    assert out.read_text() == "<p>my own page</p>"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html"]


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("folder", "is a directory; name a file in it"),
        ("missing/r.html", "There is no directory"),
    ],
)
def test_a_place_that_cannot_be_written_is_said(
    run_dir: Path, tmp_path: Path, out: str, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    result = evolinstruct(f"report {run_dir} -o {tmp_path / out}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in " ".join(result.stderr.split())


def embedded(run_dir: Path) -> Path:
    """Embed a run's instructions by their letters, as `diversity` does with a model."""
    np = pytest.importorskip("numpy", reason="numpy")
    from evolinstruct.diversity import store  # noqa: PLC0415 - needs an extra
    from evolinstruct.diversity.vectors import quantised  # noqa: PLC0415 - needs an extra

    with store.opened(run_dir / store.FOLDER / store.NAME) as kept:
        kept.use("letters")
        for line in Run(run_dir).instructions():
            counts = np.array([[float(line.instruction.count(each)) for each in "abcdefghij"]])
            kept.add("letters", [(store.digest_of(line.instruction), quantised(counts).tobytes())])
    return run_dir


@pytest.mark.slow
def test_a_run_whose_instructions_are_embedded_has_a_map_of_them(tmp_path: Path) -> None:
    pytest.importorskip("numpy", reason="numpy")
    from evolinstruct.analysis.diversity import known  # noqa: PLC0415 - needs an extra
    from evolinstruct.diversity.survey import Options  # noqa: PLC0415 - needs an extra

    run_dir = make_run(tmp_path)
    write_report([Run(run_dir)], tmp_path / "r.html")
    assert page_of(tmp_path / "r.html").data["points"] == []
    assert 'id="diversity"' not in (tmp_path / "r.html").read_text()

    write_report([Run(embedded(run_dir))], tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    lines = {line.id: line for line in Run(run_dir).instructions()}
    assert {point["id"]: point["text"][:300] for point in page.data["points"]} == {
        line.id: line.instruction[:300] for line in lines.values()
    }
    assert len(page.every("circle")) == len(page.data["points"])
    groups = [button["data-group"] for button in page.every("button") if "data-group" in button]
    assert groups == ["the seeds", "generation 1", "generation 2"]
    said = html.unescape((tmp_path / "r.html").read_text())
    assert "the Vendi score is" in said
    found = known([Run(run_dir)], Options())
    assert found is not None
    assert found.pairs
    for pair in found.pairs[:5]:
        assert all(" ".join(each.split())[:60] in said for each in pair.texts)


def selected_in(path: Path) -> str:
    """Return the section on what would be selected, without its tags."""
    section = path.read_text().partition('<section id="selection"')[2].partition("</section>")[0]
    return html.unescape(re.sub("<[^>]+>", " ", section))


@pytest.mark.slow
def test_a_report_shows_what_would_be_selected_where_instructions_are_scored(
    tmp_path: Path,
) -> None:
    run_dir = make_run(tmp_path)
    write_report([Run(run_dir)], tmp_path / "r.html")
    assert 'id="selection"' not in (tmp_path / "r.html").read_text()

    evolinstruct(f"score {run_dir} --client offline --by difficulty,quality -q")
    write_report([Run(run_dir)], tmp_path / "r.html")
    said = selected_in(tmp_path / "r.html")
    count = -(-len(list(Run(run_dir).instructions())) // 10)
    assert f"The best {count} instruction" in said
    assert "Nothing is embedded, so some may say nearly the same." in said
    chosen = selection.select(selection.Wish(run_dir, count), lambda _: None)
    texts = {line.id: line.instruction for line in Run(run_dir).instructions()}
    places = [said.index(" ".join(texts[line_id].split())[:60]) for line_id, _ in chosen.chosen]
    assert places == sorted(places)

    pytest.importorskip("numpy", reason="numpy")
    write_report([Run(embedded(run_dir))], tmp_path / "r.html")
    assert f"evolinstruct select {run_dir} -n {count} -o best.jsonl" in selected_in(
        tmp_path / "r.html"
    )
    assert "--apart 0.9" in selected_in(tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    links = [each.get("href") for each in page.every("a")]
    assert [links.count(f"#{name}") for name in ("difficulty", "diversity", "selection")] == [2] * 3


def test_scores_that_go_with_no_other_select_nothing(tmp_path: Path) -> None:
    run_dir = make_run(tmp_path)
    score(run_dir, lambda line: 3 if line.generation else None)
    write_report([Run(run_dir)], tmp_path / "r.html")
    assert "by difficulty, have 3 down to 3" in selected_in(tmp_path / "r.html")


def test_a_map_of_hostile_texts_is_no_markup(hostile_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / hostile_dir.name
    shutil.copytree(hostile_dir, copy)
    write_report([Run(embedded(copy))], tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    assert any(EVIL[:40] in point["text"] for point in page.data["points"])
    assert not [attributes for tag, attributes in page.elements if tag in {"img", "b"}]
    assert len(page.every("script")) == 2
