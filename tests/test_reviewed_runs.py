"""A run with reviews: what people rejected is dropped, what they edited goes on as they want it."""

from __future__ import annotations

import asyncio
import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evolinstruct.analysis.refilter import Refilter, refilter
from evolinstruct.analysis.replay import replaying
from evolinstruct.analysis.runs import Run
from evolinstruct.api import prepare
from evolinstruct.elimination import choose
from evolinstruct.errors import CallFailed, InputError, Interrupted, UsageError
from evolinstruct.llm.base import ClientOptions, Request
from evolinstruct.records import Kept
from evolinstruct.run.events import LineWritten
from evolinstruct.run.job import Job
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.reviews import NONE, Decision, Said, review_file
from tests.runs import check_invariants, data_files, evolve, said_by, tasks, write_seeds
from tests.scripted import Scripted, obedient
from tests.test_job import CHAOS

OBEDIENT = "tests.scripted:Obedient"
ASKED: dict[str, object] = {"client": OBEDIENT, "generations": 2}


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(4))


@pytest.fixture
def run(tmp_path: Path, seeds: Path) -> Path:
    """A finished run of four seeds, two generations, of which everything was kept."""
    evolve(seeds, tmp_path / "run", **ASKED)
    return tmp_path / "run"


def line(run: Path, number: int, generation: int = 1) -> Kept:
    return list(Run(run).instructions(generation))[number]


def decide(run: Path, number: int, said: Said | None, *more: object, name: str = "ann") -> Kept:
    """Decide about the line of a seed in generation 1; return it as it was."""
    about = line(run, number)
    flat.append(review_file(run, name), Run(run).reviews().decide(about, said, *more))  # type: ignore[arg-type]
    return about


def apply(seeds: Path, run: Path, **changes: object) -> list[str]:
    """Apply what was decided; return what is said."""
    job = prepare(seeds, run, **{**ASKED, **changes}, reviews=True)  # type: ignore[arg-type]
    return said_by(job, update=True)


def calls(seeds: Path, run: Path, **changes: object) -> dict[str, int]:
    """Apply what was decided; return the calls that it took."""
    return evolve(seeds, run, update=True, reviews=True, **{**ASKED, **changes}).calls


# --- what is applied ----------------------------------------------------------------------------


def test_what_is_rejected_is_dropped_and_its_parent_evolved_again(run: Path, seeds: Path) -> None:
    gone, others = decide(run, 1, "rejected", "too easy"), data_files(run)
    assert calls(seeds, run) == {"evolve": 1, "compare": 1, "answer": 1}
    (rejected,) = Run(run).rejections()
    assert (rejected.rule, rejected.evidence) == ("reviewer", "too easy")
    assert (rejected.instruction, rejected.output) == (gone.instruction, gone.output)
    assert line(run, 1, 2).parent_id == gone.seed_id
    check_invariants(run, 2)
    for number in (0, 2, 3):
        raw = others["generation-2.jsonl"].splitlines()[number]
        assert raw in (run / "generation-2.jsonl").read_bytes()


def test_what_is_edited_goes_on_as_the_person_wants_it(run: Path, seeds: Path) -> None:
    decide(run, 1, "edited", None, ("Say it anew.", "So be it."))
    assert calls(seeds, run) == {"evolve": 1, "compare": 1, "answer": 1}  # of what follows
    edited = line(run, 1)
    assert (edited.instruction, edited.output) == ("Say it anew.", "So be it.")
    assert line(run, 1, 2).instruction.startswith("Say it anew.")


def test_an_edited_instruction_without_an_answer_is_answered_anew(run: Path, seeds: Path) -> None:
    decide(run, 1, "edited", None, ("Say it anew.", None))
    forecast = prepare(seeds, run, **ASKED, reviews=True).forecast(update=True)  # type: ignore[arg-type]
    taken = calls(seeds, run)
    assert taken == {"evolve": 1, "compare": 1, "answer": 2}
    assert forecast.calls["answer"] == 9
    assert line(run, 1).output == "The answer to 'Say it anew.' is long and wise."


def test_what_is_accepted_changes_nothing_and_needs_no_update(run: Path, seeds: Path) -> None:
    files = data_files(run)
    decide(run, 1, "accepted")
    evolve(seeds, run, **ASKED, reviews=True)
    assert data_files(run) == files


@pytest.mark.slow
def test_to_apply_decisions_twice_changes_nothing(run: Path, seeds: Path) -> None:
    decide(run, 1, "edited", None, ("Say it anew.", None))
    decide(run, 2, "rejected")
    apply(seeds, run)
    files = data_files(run)
    assert any("nothing is asked" in each for each in apply(seeds, run))
    for path in [*run.glob("generation-*"), *run.glob("gate.sqlite*")]:
        path.unlink()
    assert calls(seeds, run) == {}
    assert data_files(run) == files


@pytest.mark.slow
def test_what_is_taken_back_is_as_if_it_had_not_been_decided(run: Path, seeds: Path) -> None:
    files = data_files(run)
    decide(run, 1, "rejected")
    apply(seeds, run)
    (rejected,) = Run(run).rejections()
    flat.append(review_file(run, "ann"), NONE.decide(rejected, None))
    assert calls(seeds, run) == {}
    assert data_files(run) == files


def test_seeds_stay_as_they_are_and_it_is_said(run: Path, seeds: Path) -> None:
    seed, files = line(run, 0, 0), data_files(run)
    flat.append(review_file(run, "ann"), NONE.decide(seed, "rejected"))
    assert any("1 decision about seeds, or" in each for each in apply(seeds, run))
    assert data_files(run) == files


def test_without_decisions_nothing_changes_and_it_is_said(run: Path, seeds: Path) -> None:
    files = data_files(run)
    assert f"Nobody has decided about a line in {run}/reviews" in apply(seeds, run)[0]
    assert data_files(run) == files


# --- the recipe ---------------------------------------------------------------------------------


def test_changed_decisions_need_an_update(run: Path, seeds: Path) -> None:
    about = decide(run, 1, "rejected")
    with pytest.raises(InputError, match=r"people reject or edit were 0, now 1\. Add --update"):
        evolve(seeds, run, **ASKED, reviews=True)
    apply(seeds, run)
    evolve(seeds, run, **ASKED, reviews=True)
    flat.append(review_file(run, "bob"), NONE.decide(about, "accepted"))
    with pytest.raises(InputError, match="people reject or edit were 1, they differ"):
        evolve(seeds, run, **ASKED, reviews=True)
    with pytest.raises(InputError, match="people reject or edit were 1, now 0"):
        evolve(seeds, run, **ASKED)


def test_the_rule_is_switched_by_reviews_alone(seeds: Path, tmp_path: Path) -> None:
    for switch in (True, False):
        with pytest.raises(UsageError, match=r"what people decide in reviews/; --reviews applies"):
            evolve(seeds, tmp_path / "run", rules={"reviewer": switch})


# --- several people -----------------------------------------------------------------------------


def test_a_conflict_is_not_applied_and_is_listed(run: Path, seeds: Path) -> None:
    files = data_files(run)
    differ = decide(run, 1, "rejected")
    decide(run, 1, "edited", None, ("Say it anew.", None), name="bob")
    said = apply(seeds, run)
    assert f"Reviewers differ about 1 line ({differ.id}), where nothing is applied" in said[-1]
    assert data_files(run) == files


@pytest.mark.slow
def test_an_edit_that_was_applied_can_be_rejected_by_another(run: Path, seeds: Path) -> None:
    files = data_files(run)
    decide(run, 1, "edited", None, ("Say it anew.", None))
    apply(seeds, run)
    decide(run, 1, "accepted", name="bob")  # of the text that the edit has made
    assert any("nothing is asked" in each for each in apply(seeds, run))
    decide(run, 1, "rejected", name="bob")
    apply(seeds, run)
    assert data_files(run) == files


# --- texts that change --------------------------------------------------------------------------


class Moody(Scripted):
    """Rewrites each time otherwise; fails to answer what people edit, at first."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | CallFailed:
        attempt = request.call_id.attempt
        if request.purpose == "answer" and "anew" in request.context.instruction and not attempt:
            return CallFailed("http_500", "down", 6)
        said = obedient(request)
        return str(said) if request.purpose == "compare" else f"{said} ({attempt})"


def test_a_decision_about_a_text_that_has_changed_is_void(run: Path, seeds: Path) -> None:
    decide(run, 1, "rejected")
    changed = {"client": "tests.test_reviewed_runs:Moody"}
    assert "1 decision about seeds, or about other texts" in apply(seeds, run, **changed)[-1]
    assert list(Run(run).rejections()) == []


@pytest.mark.slow
def test_an_edit_outlives_a_service_that_failed_to_answer_it(tmp_path: Path, seeds: Path) -> None:
    run, asked = tmp_path / "run", {**ASKED, "client": "tests.test_reviewed_runs:Moody"}
    evolve(seeds, run, **asked)
    decide(run, 1, "edited", None, ("Say it anew.", None))
    apply(seeds, run, **asked)
    assert [each.purpose for each in Run(run).failures(1)] == ["answer"]
    said_by(prepare(seeds, run, **asked, reviews=True), retry="failed")  # type: ignore[arg-type]
    assert line(run, 1).output == "The answer to 'Say it anew.' is long and wise. (1)"


@pytest.mark.slow
def test_retry_asks_for_another_rewrite_of_what_was_rejected(tmp_path: Path, seeds: Path) -> None:
    run, asked = tmp_path / "run", {**ASKED, "client": "tests.test_reviewed_runs:Moody"}
    evolve(seeds, run, **asked)
    gone = decide(run, 1, "rejected")
    apply(seeds, run, **asked)
    said_by(prepare(seeds, run, **asked, reviews=True), retry="reviewer")  # type: ignore[arg-type]
    assert list(Run(run).rejections()) == []
    assert line(run, 1).instruction == gone.instruction.replace("(0)", "(1)")


# --- the gate -----------------------------------------------------------------------------------

SAME = "Explain to a child, in three short steps, what such a thing is good for."


class Alike(Scripted):
    """Makes one text of the first two seeds."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str:
        first = any(f"number {n} " in request.context.instruction for n in (0, 1))
        is_alike = request.purpose == "evolve" and request.context.generation == 1 and first
        return SAME if is_alike else str(obedient(request))


def test_what_duplicated_a_rejected_text_comes_back_and_is_counted(
    tmp_path: Path, seeds: Path
) -> None:
    run, asked = tmp_path / "run", {**ASKED, "client": "tests.test_reviewed_runs:Alike"}
    evolve(seeds, run, **asked)
    assert [each.rule for each in Run(run).rejections(1)] == ["duplicate"]
    decide(run, 0, "rejected", "dull")
    said = apply(seeds, run, **asked)
    for number in (1, 2):
        assert any(
            f"Generation {number}: 1 line of families that nobody decided about" in each
            for each in said
        )
    assert [each.rule for each in Run(run).rejections(1)] == ["reviewer"]
    assert line(run, 0).instruction == SAME
    check_invariants(run, 2)


def test_an_edited_text_passes_the_gate_as_any_other(run: Path, seeds: Path) -> None:
    decide(run, 1, "edited", None, (line(run, 0).instruction, "So be it."))
    apply(seeds, run)
    (rejected,) = Run(run).rejections(1)
    assert (rejected.rule, rejected.seed_id) == ("duplicate", line(run, 1, 0).seed_id)


# --- any order, any concurrency, any kill -------------------------------------------------------


def decide_at_random(run: Path, dice: random.Random) -> None:
    """Let two people decide about some of what was kept, as if they had read it."""
    kept = [each for each in Run(run).instructions() if each.generation]
    for name in ("ann", "bob"):
        made = [_decision(each, dice) for each in kept if dice.random() < 0.6]
        flat.append(review_file(run, name), *made)


def _decision(about: Kept, dice: random.Random) -> Decision:
    said: Said = dice.choice(["accepted", "rejected", "edited", "edited"])
    texts = (dice.choice(["Say it anew.", "Ask it anew."]), dice.choice([None, "So be it."]))
    return NONE.decide(about, said, dice.choice([None, "dull"]), texts)


def interrupt(job: Job, after: int) -> None:
    """Apply what was decided, and stop after so many lines."""

    async def some() -> None:
        lines = 0
        async for event in job.events(update=True):
            lines += isinstance(event, LineWritten)
            if lines == after:
                job.interrupt()

    with suppress(Interrupted):
        asyncio.run(some())


@pytest.mark.parametrize("number", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_bytes_depend_on_nothing_but_seeds_settings_replies_and_decisions(
    tmp_path_factory: pytest.TempPathFactory, number: int
) -> None:
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        dice=st.randoms(use_true_random=False),
        size=st.integers(2, 10),
        concurrency=st.integers(1, 9),
        after=st.integers(1, 30),
        prefetch=st.booleans(),
    )
    def holds(dice: random.Random, size: int, concurrency: int, after: int, prefetch: bool) -> None:
        folder = tmp_path_factory.mktemp("reviewed")
        seeds = write_seeds(folder / "seeds.jsonl", tasks(size))
        asked = {"client": CHAOS, "generations": 2}
        evolve(seeds, folder / "whole", **asked)
        decide_at_random(folder / "whole", dice)
        shutil.copytree(folder / "whole", folder / "broken")
        asked["reviews"] = True
        evolve(seeds, folder / "whole", update=True, **asked)
        check_invariants(folder / "whole", 2)
        asked |= {"concurrency": concurrency, "prefetch": prefetch}
        interrupt(prepare(seeds, folder / "broken", **asked), after)  # type: ignore[arg-type]
        evolve(seeds, folder / "broken", **asked)
        assert data_files(folder / "broken") == data_files(folder / "whole")

    holds()


# --- what reads the run -------------------------------------------------------------------------


def test_refilter_leaves_what_people_decided_alone(run: Path, seeds: Path) -> None:
    decide(run, 1, "edited", None, ("Anew.", "Sorry."))
    decide(run, 2, "rejected")
    apply(seeds, run)
    found = refilter(Refilter(Run(run), choose({}), compare=True))
    assert (found.dropped, found.let_through) == ({}, {})


def test_trace_shows_the_calls_of_an_edited_line(run: Path, seeds: Path) -> None:
    about = decide(run, 1, "edited", None, ("Say it anew.", None))
    apply(seeds, run)
    family = Run(run).family(about.id)
    with replaying(Run(run)) as replay:
        asked = [call.request.context.instruction for call in replay.step(family.steps[0])]
    assert asked[-2:] == [about.instruction, "Say it anew."]
