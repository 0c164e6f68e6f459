"""`select` takes the best by any expression, says why, and takes the same however it is asked."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.diversity import store
from evolinstruct.records import Kept, encode
from evolinstruct.selection.balance import in_rounds, quotas
from evolinstruct.selection.candidates import Candidate, sampled
from tests.command_line import enter, evolinstruct
from tests.written import kept, score, seed, write_run

COLOURS = ("red", "green", "blue", "white", "black", "brown")
FIELDS = ("rank", "value", "band", "taken_for")


def families() -> list[list[Kept]]:
    """Return six seeds, and two generations of each."""
    seeds = [seed(f"Name a {colour} thing.") for colour in COLOURS]
    first = [kept(line, 1, "deepen", f"{line.instruction} Say why.") for line in seeds]
    second = [kept(line, 2, "concretize", f"{line.instruction} Be brief.") for line in first]
    return [seeds, first, second]


FAMILIES = families()
EVERY = [line for lines in FAMILIES for line in lines]


def place(line: Kept) -> int:
    """Return the number of a line's family."""
    return [each.id for each in FAMILIES[0]].index(line.seed_id)


def difficulty(line: Kept) -> float:
    return 3 * line.generation + place(line) / 2


def quality(line: Kept) -> float:
    return 9 - place(line)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a scored run of six families and two generations."""
    enter(tmp_path, monkeypatch)
    path = write_run(tmp_path / "run", [[*lines] for lines in FAMILIES])
    score(path, difficulty)
    score(path, quality, "quality", "rating")
    return path


def select(words: str, target: str = "run") -> list[dict[str, Any]]:
    """Return the lines of a selection."""
    done = evolinstruct(f"select {target} -o out.jsonl {words}")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]


def facts(words: str, target: str = "run") -> dict[str, Any]:
    """Return what a selection says with --json."""
    found: dict[str, Any] = json.loads(
        evolinstruct(f"select {target} -o out.jsonl {words} --json").stdout
    )
    return found


def places(rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Return (generation, colour) of lines."""
    return [(row["generation"], row["instruction"].split()[2]) for row in rows]


# The best


def test_the_best_come_first_each_with_why_it_was_taken(run: Path) -> None:
    rows = select("-n 3")
    expected = sorted(EVERY, key=lambda line: -difficulty(line) * quality(line))[:3]
    assert [row["id"] for row in rows] == [line.id for line in expected]
    assert [[row[name] for name in FIELDS] for row in rows] == [
        [rank, difficulty(line) * quality(line), None, "value"]
        for rank, line in enumerate(expected, 1)
    ]
    assert all(json.loads(encode(line)).items() <= row.items() for line, row in zip(
        expected, rows, strict=True
    ))  # fmt: skip


def test_the_same_is_taken_however_often_and_in_whatever_order_lines_stand(run: Path) -> None:
    score(run, lambda _: 5, "tags", "tags")
    once = select("-n 7 --by tags")
    first = Path("out.jsonl").read_bytes()
    assert select("-n 7 --by tags") == once
    assert Path("out.jsonl").read_bytes() == first
    shuffled = [encode(line) for line in EVERY]
    random.Random(3).shuffle(shuffled)
    Path("lines.jsonl").write_bytes(b"".join(shuffled))
    select("-n 7 --by tags --scores run", "lines.jsonl")
    assert Path("out.jsonl").read_bytes() == first
    assert select("-n 7 --by tags --seed 1") != once


def test_a_selection_is_read_like_any_file_of_lines(run: Path) -> None:
    rows = select("-n 4")
    done = evolinstruct("show out.jsonl --json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == rows
    again = evolinstruct("select out.jsonl -n 2 -o less.jsonl --scores run")
    assert again.exit_code == 0
    assert places([json.loads(line) for line in Path("less.jsonl").read_text().splitlines()]) == (
        places(rows[:2])
    )


def test_filters_choose_from_what_it_is_taken(run: Path) -> None:
    rows = select("-n 9 -g 1-2 --operation deepen --min quality=6 --by quality")
    assert places(rows) == [(1, colour) for colour in COLOURS[:4]]


def test_copies_are_taken_once_and_an_answer_is_needed_where_others_have_one(run: Path) -> None:
    lines = [
        seed("Name a bird."),
        kept(seed("Name a tree."), 1, "deepen", "name  a BIRD."),
        kept(seed("Name a fish."), 1, "deepen", "Name a fish, and say why.", output=None),
    ]
    Path("lines.jsonl").write_bytes(b"".join(map(encode, lines)))
    said = facts("-n 3 --by words", "lines.jsonl")
    assert (said["taken"], said["passed_over"]) == (1, {"copy": 1, "no_answer": 1})
    Path("lines.jsonl").write_bytes(encode(lines[2]))
    assert facts("-n 3 --by words", "lines.jsonl")["taken"] == 1


@pytest.mark.parametrize(
    ("by", "value"),
    [
        ("difficulty", 7),
        ("difficulty.ranking - quality", 0),
        ("-difficulty + 2*3 - 1", -2),
        ("difficulty / 2 * 4", 14),
        ("2 - 1 - 1.5", -0.5),
        ("(difficulty + 1) * (quality - 1)", 48),
        ("min(difficulty, 3, quality) + max(1, words)", 11),
        ("--2", 2),
        (" 10 ", 10),
    ],
)
def test_an_expression_is_what_it_says(run: Path, by: str, value: float) -> None:
    rows = select(f"-n 1 --by='{by}' -g 2 --grep blue")
    assert [row["value"] for row in rows] == [value]


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("", "it ends too early"),
        ("difficulty*", "it ends too early"),
        ("(quality", "it ends too early"),
        ("quality)", "')' cannot stand where it stands"),
        ("quality 2", "'2' cannot stand where it stands"),
        ("min()", "')' cannot stand where it stands"),
        ("quality**2", "'*' cannot stand where it stands"),
        ("quality[0]", "'[' means nothing here"),
        ("__import__('os')", '"\'" means nothing here'),
        ("(" * 60 + "1" + ")" * 60, "its brackets are nested too deeply"),
        ("1+" * 300 + "1", "it has more than 500 characters"),
        ("qualty*2", "unknown measure 'qualty' (did you mean 'quality'?)"),
        ("__class__", "unknown measure '__class__'"),
        ("exec(1)", "'(' cannot stand where it stands"),
    ],
)
def test_what_is_no_expression_is_told(run: Path, by: str, said: str) -> None:
    done = evolinstruct(f'select run -n 1 -o out.jsonl --by="{by}"'.replace("\"'", "\"'"))
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert not Path("out.jsonl").exists()


# What is passed over


def test_what_has_no_score_or_no_value_is_passed_over_and_counted(run: Path) -> None:
    score(run, lambda line: place(line) if line.generation else None, "solved", "agreement-5")
    said = facts("-n 18 --by quality/solved")
    assert said["passed_over"] == {"no_score_of_solved": 6, "no_value": 2}
    assert (said["wanted"], said["taken"], said["considered"]) == (18, 10, 18)


def test_fewer_than_asked_for_are_taken_and_told(run: Path) -> None:
    done = evolinstruct("select run -n 100 -o out.jsonl")
    assert done.exit_code == 0
    assert "18 instructions of 18 taken; difficulty*quality is" in done.stderr
    assert "There are fewer than the 100 that were asked for." in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            "run -n 3 -o out.jsonl --by solved*difficulty.paper",
            1,
            "run has no scores of solved and difficulty by paper; run `evolinstruct score run --by"
            " solved` and `evolinstruct score run --by difficulty --method paper`.",
        ),
        ("run -n 3 -o out.jsonl --min quality=99", 1, "passes these filters, so nothing is"),
        ("run -n 3 -o out.jsonl --by 1/0", 1, "can be taken (no_value 18); nothing is written."),
        ("run -n 0 -o out.jsonl", 2, "-n must be a whole number from 1 up (given: 0)."),
        ("run -n 3 -o run/out.jsonl", 1, "run/out.jsonl lies among the files of a run"),
        ("lines.jsonl -n 3 -o lines.jsonl --by words", 1, "lines.jsonl is read here"),
        ("nowhere -n 3 -o out.jsonl", 1, "There is no directory nowhere; name that of a run."),
        ("run -n 3 -o out.jsonl --apart 2", 2, "--apart must be from -1 to 1"),
        ("run -n 3 -o out.jsonl --diverse facility --balance skill", 2, "leave one of them out"),
        ("run -n 3 -o out.jsonl --diverse much", 2, "must be k-centre or facility (given: much)"),
        ("run -n 20001 -o out.jsonl --diverse facility", 2, "facility takes at most 20,000"),
        ("run -n 3 -o out.jsonl --balance quality", 2, "it balances by difficulty or skill"),
        ("run -n 3 -o out.jsonl --balance skill", 1, "`evolinstruct score run --by tags`"),
        ("run -n 3 -o out.jsonl --balance difficulty=1-4", 2, "'1-4' is no band with its share"),
        ("run -n 3 -o out.jsonl --balance difficulty=4-1:9", 2, "'4-1' is no band from 1 to 10"),
        ("run -n 3 -o out.jsonl --balance difficulty=1-4:0", 2, "'1-4:0' is no band with its"),
        ("run -n 3 -o out.jsonl --scores seeds.txt", 1, "seeds.txt, line 1, is no score"),
    ],
)
def test_bad_input_gets_one_sentence(run: Path, words: str, code: int, said: str) -> None:
    Path("lines.jsonl").write_bytes(b"".join(map(encode, EVERY)))
    done = evolinstruct(f"select {words}")
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
    assert not Path("out.jsonl").exists()


def test_an_empty_file_has_nothing_to_take(run: Path) -> None:
    Path("lines.jsonl").write_bytes(b"")
    done = evolinstruct("select lines.jsonl -n 3 -o out.jsonl --by words")
    assert (done.exit_code, Path("out.jsonl").exists()) == (1, False)


# Likeness


ANGLES = {"red": (100, 0), "green": (99, 10), "blue": (0, 100), "white": (10, 99)}
"""Red and green are alike, and blue and white."""


@pytest.fixture
def embedded(run: Path) -> Path:
    """Return the run with embeddings of all seeds but the black and the brown one."""
    pytest.importorskip("numpy", reason="numpy")
    embed(run / "diversity", lambda line: ANGLES.get(line.instruction.split()[2]))
    return run


def embed(folder: Path, vector: Callable[[Kept], tuple[int, ...] | None]) -> None:
    with store.opened(folder / store.NAME) as kept_there:
        kept_there.use("handmade")
        kept_there.add(
            "handmade",
            (
                (store.digest_of(line.instruction), bytes(numbers))
                for line in FAMILIES[0]
                if (numbers := vector(line))
            ),
        )


def test_what_is_too_like_a_better_one_is_passed_over(embedded: Path) -> None:
    assert places(select("-n 4 -g 0 --by quality --apart 0.9")) == [(0, "red"), (0, "blue")]
    said = facts("-n 4 -g 0 --by quality --apart 0.9")
    assert said["passed_over"] == {"too_alike": 2, "not_embedded": 2}
    assert places(select("-n 2 -g 0 --by=-quality --apart 0.9")) == [(0, "white"), (0, "green")]
    assert facts("-n 1 -g 0 --by quality --apart 0.9")["passed_over"] == {
        "worth_less": 3,
        "not_embedded": 2,
    }
    assert len(select("-n 9 -g 0 --by quality --apart 1")) == 4


def test_a_diverse_selection_begins_with_the_best_and_goes_on_far_from_it(embedded: Path) -> None:
    rows = select("-n 3 -g 0 --by quality --diverse k-centre")
    assert places(rows) == [(0, "red"), (0, "blue"), (0, "green")]
    assert {row["taken_for"] for row in rows} == {"spread"}
    assert facts("-n 3 -g 0 --by quality --diverse k-centre")["passed_over"] == {
        "not_embedded": 2,
        "less_spread": 1,
    }


def test_a_selection_by_facility_location_has_one_of_each_kind_first(embedded: Path) -> None:
    rows = select("-n 3 -g 0 --by quality --diverse facility")
    assert places(rows) == [(0, "green"), (0, "blue"), (0, "red")]
    assert {row["taken_for"] for row in rows} == {"spread"}


def test_a_sample_is_drawn_by_ids_and_a_seed_whatever_the_order() -> None:
    pool = [Candidate(f"{n:x}", n, (), b"", b"") for n in range(300)]
    drawn = sampled(pool, 100, 0)
    assert (len(drawn), drawn) == (100, [each for each in pool if each in drawn])
    assert {each.id for each in sampled(pool[::-1], 100, 0)} == {each.id for each in drawn}
    assert sampled(pool, 100, 1) != drawn
    assert sampled(pool, 300, 0) == pool


def test_embeddings_may_lie_elsewhere(embedded: Path) -> None:
    (embedded / "diversity").rename("vectors")
    done = evolinstruct("select run -n 2 -o out.jsonl --diverse k-centre")
    assert "run has no embeddings, which tell what is alike; run `evolinstruct diversity run`" in (
        done.stderr
    )
    assert done.exit_code == 1
    assert len(select("-n 2 --diverse facility --embeddings vectors")) == 2
    Path("lines.jsonl").write_bytes(b"".join(map(encode, EVERY)))
    done = evolinstruct("select lines.jsonl -n 2 -o x.jsonl --by words --apart 0.9")
    assert "`evolinstruct diversity lines.jsonl -o .`, and name its folder by --embedd" in (
        done.stderr
    )


def test_without_the_extra_it_says_what_to_install(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    done = evolinstruct("select run -n 2 -o out.jsonl --apart 0.9")
    assert (done.exit_code, "pip install 'evolinstruct[diversity]'" in done.stderr) == (1, True)
    assert len(select("-n 2")) == 2


# Balance


def test_bands_of_difficulty_get_a_third_each(run: Path) -> None:
    rows = select("-n 6 --balance difficulty --by quality")
    assert Counter(row["band"] for row in rows) == {"1-4": 2, "5-7": 2, "8-10": 2}
    assert [row["value"] for row in rows] == sorted((row["value"] for row in rows), reverse=True)
    assert {row["taken_for"] for row in rows} == {"band"}
    assert facts("-n 6 --balance difficulty")["bands"] == {
        band: {"wanted": 2, "taken": 2} for band in ("1-4", "5-7", "8-10")
    }


def test_what_a_band_lacks_is_filled_with_the_best_of_the_others(run: Path) -> None:
    said = facts("-n 10 --balance difficulty=1-4:50,8-10:50 --by quality")
    # 0, 0.5 and 1 and so on up to 4.5: nine are within 1 to 4; 7.5 and more: three
    assert said["bands"]["8-10"] == {"wanted": 5, "taken": 3}
    assert said["bands"]["1-4"] == {"wanted": 5, "taken": 7}
    rows = select("-n 10 --balance difficulty=1-4:50,8-10:50 --by quality")
    assert Counter(row["taken_for"] for row in rows) == {"band": 8, "rest": 2}


def test_skills_are_taken_in_rounds(run: Path) -> None:
    # the best two are red and say the same; each round takes what brings something new
    tags = [["art"], ["art"], ["art", "law"], ["law"], ["sea"], []]
    score(run, lambda _: 1, "tags", "tags", tags=lambda line: tags[place(line)])
    rows = select("-n 4 --balance skill -g 0 --by quality")
    assert [(row["instruction"].split()[2], row["band"]) for row in rows] == [
        ("red", "art"),
        ("green", "art"),
        ("blue", "law"),
        ("black", "sea"),
    ]
    assert facts("-n 9 --balance skill -g 0 --by quality")["passed_over"] == {"in_no_band": 1}


def test_skills_are_taken_by_shares(run: Path) -> None:
    tags = [["art"], ["art"], ["art", "law"], ["law"], ["sea"], []]
    score(run, lambda _: 1, "tags", "tags", tags=lambda line: tags[place(line)])
    rows = select("-n 3 --balance skill=law:67,art:33 -g 0 --by quality")
    assert [(row["instruction"].split()[2], row["band"]) for row in rows] == [
        ("red", "art"),
        ("blue", "law"),
        ("white", "law"),
    ]


SKILLS = st.lists(st.frozensets(st.sampled_from("abcd"), max_size=3).map(sorted).map(tuple))


@given(SKILLS, st.integers(0, 12))
def test_rounds_are_those_of_the_plain_algorithm(bands: list[tuple[str, ...]], count: int) -> None:
    plain: list[int] = []
    while len(plain) < count:
        covered: set[str] = set()
        for number, skills in enumerate(bands):
            if number not in plain and not covered.issuperset(skills) and len(plain) < count:
                covered.update(skills)
                plain.append(number)
        if not covered:
            break
    assert [number for number, _ in in_rounds(bands, count)] == plain


@given(st.dictionaries(st.text(max_size=2), st.floats(0.01, 99), min_size=1), st.integers(0, 999))
def test_quotas_are_whole_numbers_near_their_shares(shares: dict[str, float], count: int) -> None:
    found = quotas(shares, count)
    assert sum(found.values()) == count
    whole = sum(shares.values())
    assert all(abs(found[name] - count * share / whole) < 1.001 for name, share in shares.items())


# Test sets


def test_nothing_of_a_family_that_is_exported_is_taken(run: Path) -> None:
    for words in ("--format chat", "--format alpaca", "--format sharegpt"):
        done = evolinstruct(f"export run -o data {words} --test 0.5 --force --no-seeds")
        assert done.exit_code == 0
        trained = {line.seed_id for line in EVERY if line.instruction in exported("data/train")}
        assert len(trained) == 3
        rows = select("-n 99 --by words --hold-out data/train.jsonl")
        assert {row["seed_id"] for row in rows} == {line.seed_id for line in EVERY} - trained
        assert facts("-n 99 --by words --hold-out data/train.jsonl")["passed_over"] == {
            "held_out": 9
        }
    done = evolinstruct("select run -n 9 -o out.jsonl --hold-out data")
    assert "can be taken (held_out 18)" in done.stderr


def exported(name: str) -> str:
    return Path(f"{name}.jsonl").read_text()


def test_a_run_or_a_selection_may_be_held_out(run: Path) -> None:
    first = select("-n 1")
    Path("out.jsonl").rename("first.jsonl")
    rest = select("-n 99 --hold-out first.jsonl")
    assert {row["seed_id"] for row in rest} == {line.seed_id for line in EVERY} - {
        first[0]["seed_id"]
    }
    assert "held_out 18" in evolinstruct("select run -n 9 -o x.jsonl --hold-out run").stderr


def test_a_file_that_holds_nothing_of_it_is_told(run: Path) -> None:
    done = evolinstruct("select run -n 9 -o out.jsonl --hold-out seeds.txt")
    assert done.exit_code == 0
    assert "Nothing of seeds.txt belongs to a family here" in done.stderr


# Export


def test_a_selection_is_exported_alone(run: Path) -> None:
    rows = select("-n 5")
    assert evolinstruct("export run -o data --format alpaca --only out.jsonl").exit_code == 0
    texts = [json.loads(line)["instruction"] for line in exported("data/train").splitlines()]
    assert sorted(texts) == sorted(row["instruction"] for row in rows)
    card = Path("data/README.md").read_text()
    assert "export run -o data --format alpaca --only out.jsonl" in card
    assert "It is a part of its run" in card


def test_families_of_a_selection_are_left_out_of_an_export(run: Path) -> None:
    chosen = {row["seed_id"] for row in select("-n 2 --by quality -g 0")}
    done = evolinstruct("export run -o data --format alpaca --without out.jsonl --no-shuffle")
    assert done.exit_code == 0
    texts = [json.loads(line)["instruction"] for line in exported("data/train").splitlines()]
    assert texts == [line.instruction for line in EVERY if line.seed_id not in chosen]


def test_a_selected_text_that_has_changed_is_not_exported_and_told(run: Path) -> None:
    select("-n 5")
    changed = Path("out.jsonl").read_text().replace("brown", "rusty", 1).replace("red", "pink", 1)
    Path("out.jsonl").write_text(changed)
    done = evolinstruct("export run -o data --format alpaca --only out.jsonl")
    lost = 5 - len(exported("data/train").splitlines())
    assert lost >= 1
    assert f"{lost} instruction" in done.stderr
    assert "of out.jsonl left out, because of the filters, or because run does not" in done.stderr


def test_what_is_no_selection_is_told(run: Path) -> None:
    Path("none.jsonl").write_text("")
    done = evolinstruct("export run -o data --format alpaca --only none.jsonl")
    assert done.exit_code == 2
    assert "--only none.jsonl: it has no instruction; name a file that `evolinstruct select`" in (
        done.stderr
    )
    assert evolinstruct("export run -o data --format alpaca --only seeds.txt").exit_code == 1


def test_ranks_rise_by_one_whatever_was_asked(embedded: Path) -> None:
    for words in ("", "--balance difficulty", "--diverse k-centre", "--diverse facility"):
        ranks = [row["rank"] for row in select(f"-n 4 {words}")]
        assert ranks[0] == 1
        assert all(after == before + 1 for before, after in pairwise(ranks))
