"""The index of a run's lines: what it finds, and that it follows the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolinstruct.analysis.line_index import LineIndex, Query
from evolinstruct.errors import InputError, UsageError
from evolinstruct.records import Failed, encode
from evolinstruct.run_dir.directory import RunDir
from tests.written import SEEDS, failed, family_lines, kept, score, seed, write_run

PATIENCE = 60.0


def opened(path: Path) -> LineIndex:
    index = LineIndex(path)
    assert index.refresh(PATIENCE)
    return index


def texts(index: LineIndex, query: Query) -> list[str]:
    """Return the texts of the lines that are found; of one that failed, its error."""
    found = index.find(query)
    assert found.total == len(found.lines)
    lines = [each.line for each in found.lines]
    return [line.error if isinstance(line, Failed) else line.instruction for line in lines]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LineIndex:
    run = write_run(tmp_path_factory.mktemp("index") / "run")
    score(run, lambda line: 3.0 + line.generation if line.seed_id == seed(SEEDS[0]).id else None)
    return opened(run)


RIVERS, TIDE = SEEDS[0], "请用三句话解释潮汐和月亮。"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("rivers", 3),
        ("RIV", 3),
        ("iver", 0),
        ("name three", 3),
        ('"three name"', 0),
        ("rhine", 10),  # in answers
        ("月亮", 1),
        ("亮月", 0),
        ("down", 2),  # in a message of the service
        ("prompt_leaked", 1),
        ('"', 15),
        ("--- ...", 15),
        ("rivers NOT name", 0),
        ("rivers*", 3),
        ('say "more more', 2),
    ],
)
def test_words_are_found_by_their_beginnings_and_phrases_as_they_stand(
    index: LineIndex, text: str, number: int
) -> None:
    assert index.find(Query(text=text)).total == number


def test_accents_and_the_beginning_of_an_id_lead_to_a_line(tmp_path: Path) -> None:
    line = seed("Où est le café ?")
    index = opened(write_run(tmp_path / "run", [[line, seed("A thé.")], []]))
    assert texts(index, Query(text="cafe ou")) == [line.instruction]
    assert texts(index, Query(text=line.id[:6])) == [line.instruction]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(generation=1, kind="failed"), ["http_500"]),
        (Query(rule="prompt_leaked"), ["Given prompt: tides."]),
        (Query(operation="add_constraints"), [TIDE]),
        (Query(generation=0, kind="seed", ranges={"words": (None, 3)}), [RIVERS]),
        (Query(ranges={"difficulty": (3.5, 4.0)}), [f"{RIVERS} Say {' '.join(['more'] * 12)}."]),
    ],
)
def test_filters_add_up(index: LineIndex, query: Query, expected: list[str]) -> None:
    assert texts(index, query) == expected


@pytest.mark.parametrize(
    ("sort", "is_falling", "generations"),
    [("difficulty", False, [0, 1, 2]), ("difficulty", True, [2, 1, 0]), ("words", True, [2, 1])],
)
def test_lines_are_sorted_and_those_without_a_value_come_last(
    index: LineIndex, sort: str, *, is_falling: bool, generations: list[int]
) -> None:
    lines = index.find(Query(sort=sort, is_falling=is_falling)).lines
    river = [each for each in lines if each.line.seed_id == seed(RIVERS).id]
    assert lines[: len(generations)] == river[: len(generations)]
    assert [each.line.generation for each in lines[: len(generations)]] == generations


def test_a_line_brings_its_parent_and_what_was_measured_of_it(index: LineIndex) -> None:
    (found,) = index.find(Query(text='"say more"', generation=1)).lines
    assert found.parent == seed(RIVERS)
    assert found.values == {"difficulty": 4.0}


def test_pages_follow_each_other_and_hold_every_line_once(index: LineIndex) -> None:
    pages = [index.find(Query(page=page, rows=4)).lines for page in range(5)]
    assert [len(page) for page in pages] == [4, 4, 4, 3, 0]
    assert len({(each.line.id, type(each.line)) for page in pages for each in page}) == 15


def test_the_lines_of_a_family_are_found_by_any_of_their_ids(index: LineIndex) -> None:
    lines = index.find(Query(generation=2)).lines
    family = index.family(lines[0].line.id)
    assert [line.generation for line in family] == [0, 1, 2]
    assert index.family("0" * 16) == []


def test_what_was_never_scored_is_named(index: LineIndex) -> None:
    with pytest.raises(
        UsageError, match="scored by 'dificulty' \\(did you mean 'difficulty'\\?\\)"
    ):
        index.find(Query(sort="dificulty"))


def test_scores_of_other_texts_count_nowhere_and_two_ways_have_two_names(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    score(run, lambda _: 9.0, digest=lambda _: "0" * 16)
    index = opened(run)
    assert index.measures() == []
    score(run, lambda line: 4.0 if line.generation == 1 else None)
    score(run, lambda line: 2.0 if not line.generation else None, "difficulty", "pairwise-1", "m")
    assert index.refresh(PATIENCE)
    assert index.measures() == ["difficulty", "difficulty.ranking"]
    assert index.find(Query(ranges={"difficulty.ranking": (4.0, None)})).total == 3
    assert index.find(Query(ranges={"difficulty": (None, 2.0)})).total == len(SEEDS)
    index.close()


# Following the files


def add(run: Path, content: bytes, name: str = "generation-2.jsonl") -> None:
    with (run / name).open("ab") as file:
        file.write(content)


def test_lines_that_are_added_are_found_once_they_are_whole(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    index = opened(run)
    line = encode(kept(seed(SEEDS[3]), 2, "deepen", "Describe a zebra."))
    add(run, line[:40])
    assert index.refresh(PATIENCE)
    assert texts(index, Query(text="zebra")) == []
    add(run, line[40:])
    assert index.refresh(PATIENCE)
    assert texts(index, Query(text="zebra")) == ["Describe a zebra."]
    assert sum(each.lines for each in index.counts()) == index.find(Query()).total == 16


def test_a_file_that_was_replaced_or_has_lost_lines_is_read_anew(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    index = opened(run)
    lines = family_lines()
    file = RunDir(run).file(1)
    file.write_bytes(b"".join(encode(line) for line in lines[1][:1]))  # shorter, in place
    assert index.refresh(PATIENCE)
    assert texts(index, Query(generation=1, kind="kept")) == [lines[1][0].instruction]
    other = tmp_path / "other"
    other.write_bytes(file.read_bytes().replace(b"more more", b"less more"))
    other.replace(file)
    assert index.refresh(PATIENCE)
    assert index.find(Query(text='"less more"', generation=1)).total == 1


def test_it_is_read_again_from_its_file_and_made_again_where_that_is_damaged(
    tmp_path: Path,
) -> None:
    run = write_run(tmp_path / "run")
    for content in (None, b"no database", b""):
        if content is not None:
            (run / "view.sqlite").write_bytes(content)
        index = opened(run)
        assert index.find(Query(text="rivers")).total == 3
        index.close()
    assert (run / "view.sqlite").stat().st_size > 0


def test_two_that_look_at_once_each_find_all(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    one, other = opened(run), opened(run)
    assert one.find(Query()).total == other.find(Query()).total == 15
    one.close()
    other.close()
    assert [path.name for path in run.iterdir() if "sqlite" in path.name] == ["view.sqlite"]


def test_what_is_closed_is_opened_again_by_who_looks_next(tmp_path: Path) -> None:
    index = opened(write_run(tmp_path / "run"))
    index.close()
    assert index.refresh(PATIENCE)
    assert index.find(Query()).total == 15


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (tmp_path / "precious").write_text("precious")
    (run / "view.sqlite").symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match=r"view\.sqlite is a link"):
        LineIndex(run).refresh(PATIENCE)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_line_that_is_none_is_told_with_its_place_and_again(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    add(run, b"{}\n")
    index = LineIndex(run)
    for _ in range(2):
        with pytest.raises(InputError, match=r"generation-2\.jsonl, at byte \d+, holds no line"):
            index.refresh(PATIENCE)


def test_a_run_is_read_on_by_every_command_that_writes_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [[seed(RIVERS)], [failed(seed(RIVERS), 1, "deepen")]])
    opened(run)
    RunDir(run).check_place()
