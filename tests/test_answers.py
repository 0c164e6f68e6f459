"""How an instruction gets its answer: asked for several times, one taken, the others set aside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from evolinstruct import prompts
from evolinstruct.analysis.refilter import Refilter, refilter
from evolinstruct.analysis.runs import Run
from evolinstruct.checks import SEEN, Check, decode, encode
from evolinstruct.elimination import choose
from evolinstruct.errors import CallFailed, CallRejected, InputError
from evolinstruct.evolution.seeing import SEEING
from evolinstruct.llm.base import ClientOptions, Request
from evolinstruct.purposes import PURPOSES, Purpose
from evolinstruct.records import Failed, Rejected
from evolinstruct.run_dir.directory import RunDir
from tests.command_line import evolinstruct as typed
from tests.runs import check_invariants, data_files, evolve, write_seeds
from tests.scripted import Scripted, obedient

CLIENT = "tests.test_answers:Solver"


class Solver(Scripted):
    """Answers each attempt as `says` has it: a text, or what the call ends in."""

    says: ClassVar[list[str | Exception]] = []
    requests: ClassVar[list[Request]] = []

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Exception:
        self.requests.append(request)
        if request.purpose == "answer":
            return self.says[request.call_id.attempt]
        return obedient(request)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    Solver.requests.clear()


def pack_of(folder: Path, checks: str) -> Path:
    """Return a pack that is `general` with these checks."""
    shutil.copytree(prompts.find("general"), folder / "pack")
    about = folder / "pack" / "pack.toml"
    about.write_text(f"{about.read_text()}\n{checks}")
    return folder / "pack"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return pack_of(tmp_path, "[checks.agreement]\nanswers = 5\nleast = 0.6\n")


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    rows = [{"instruction": f"How many bees fly from {n} hives to flower {n}?"} for n in range(3)]
    return write_seeds(tmp_path / "seeds.jsonl", rows)


def solve(seeds: Path, pack: Path, out: Path, says: list[Any], **settings: Any) -> RunDir:
    Solver.says = says
    settings = {"client": CLIENT, "prompts": str(pack), "generations": 1, **settings}
    evolve(seeds, out, operations={"deepen": 1}, **settings)
    return RunDir(out)


def test_the_first_answer_of_the_most_that_agree_is_taken_and_the_others_are_set_aside(
    seeds: Path, pack: Path, tmp_path: Path
) -> None:
    says = ["Answer: 7", "The answer is 12.", "12", "Answer: 8", "It is 12"]
    run = solve(seeds, pack, tmp_path / "run", says)
    lines = list(run.read(1))
    assert len(lines) == 3
    for line in lines:
        assert line.output == "The answer is 12."
        assert json.loads(line.checks or "") == [
            {
                "name": "agreement",
                "args": {"answers": 5, "least": 0.6},
                "saw": {"agreed": 3, "answers": 5, "result": "12"},
            }
        ]
        why = ["outvoted", "agrees", "outvoted", "agrees"]
        assert json.loads(line.set_aside or "") == [
            {"output": output, "model": "scripted-model", "why": reason}
            for output, reason in zip([says[0], *says[2:]], why, strict=True)
        ]
    check_invariants(tmp_path / "run", 1)


def test_groups_of_equal_size_are_told_apart_by_their_places(
    seeds: Path, pack: Path, tmp_path: Path
) -> None:
    says = ["9", "Answer: 7", "Answer: 12", "12", "7"]
    run = solve(seeds, pack, tmp_path / "run", says)
    assert {line.output for line in run.read(1, Rejected)} == {"Answer: 7"}


def test_too_few_that_agree_are_a_rejection_with_what_was_seen_and_refilter_knows_it(
    seeds: Path, pack: Path, tmp_path: Path
) -> None:
    run = solve(seeds, pack, tmp_path / "run", ["1", "2", "3", "3", "4"])
    lines = list(run.read(1, Rejected))
    assert [(line.rule, line.evidence) for line in lines] == [
        ("check_failed", "agreement: 2 of 5 answers agree, a share of less than 0.6")
    ] * 3
    same = refilter(Refilter(Run(run.path), choose({}), compare=True))
    assert (same.dropped, same.let_through) == ({}, {})
    off = refilter(Refilter(Run(run.path), choose({"check_failed": False}), compare=True))
    assert (off.let_through["check_failed"], off.unanswered) == (3, 0)


def test_agreement_is_a_share_of_all_answers_that_were_asked_for(
    seeds: Path, pack: Path, tmp_path: Path
) -> None:
    """A pack asks for five answers; of ten, five that agree are no share of 0.6."""
    says = ["12"] * 5 + ["7", "8", "9", "Answer: 10", CallRejected("content_filter", "no")]
    run = solve(seeds, pack, tmp_path / "run", says, answers=10)
    rejected = list(run.read(1, Rejected))
    assert {line.evidence for line in rejected} == {
        "agreement: 5 of 10 answers agree, a share of less than 0.6"
    }
    assert len(rejected) == 3


def test_an_answer_that_is_refused_agrees_with_none_and_the_others_count(
    seeds: Path, pack: Path, tmp_path: Path
) -> None:
    refusal = CallRejected("refused_by_service", "no")
    run = solve(seeds, pack, tmp_path / "run", [refusal, "5", "5", refusal, "5"])
    for line in run.read(1):
        assert decode(line.checks)[0].saw == {"agreed": 3, "answers": 5, "result": "5"}
    none = solve(seeds, pack, tmp_path / "none", [refusal] * 5)
    assert {line.rule for line in none.read(1, Rejected)} == {"refused_by_service"}


def test_children_inherit_nothing_of_what_was_seen_and_seeds_are_read_again(
    seeds: Path, pack: Path, tmp_path: Path
) -> None:
    """A seed that the run answered has what was seen in generation 0, and is the same seed."""
    says = ["5"] * 5
    options: dict[str, Any] = {"answer_seeds": True, "generations": 2}
    run = solve(seeds, pack, tmp_path / "run", says, **options)
    for number in range(3):
        assert [len(decode(line.checks)) for line in run.read(number)] == [1, 1, 1]
    before = data_files(run.path)
    asked = len(Solver.requests)
    solve(seeds, pack, tmp_path / "run", says, **options)
    assert (data_files(run.path), len(Solver.requests)) == (before, asked)


def test_a_forecast_counts_every_answer_and_a_trace_shows_every_one(
    seeds: Path, pack: Path, tmp_path: Path
) -> None:
    line = f"evolve {seeds} -o {tmp_path}/run --client {CLIENT} --prompts {pack} -g 2"
    told = json.loads(typed(f"{line} --dry-run --json").stdout)
    assert told["calls"] == {"evolve": 6, "compare": 6, "answer": 30}
    by = {(row["generation"], row["purpose"]): row["calls"] for row in told["expected"]["by"]}
    assert 25 < by[1, "answer"] + by[2, "answer"] <= 30
    run = solve(seeds, pack, tmp_path / "run", ["5"] * 5)
    place = next(iter(run.read(1))).id
    assert typed(f"trace {run.path} {place} --calls").output.count("answer") >= 5


def test_what_was_seen_is_no_demand_of_the_instruction(tmp_path: Path) -> None:
    """So `verify` does not take it for one."""
    saw = {"agreed": 5, "answers": 5, "result": "5"}
    seen = Check("agreement", {"answers": 5, "least": 0.6}, saw=saw)
    rows = [
        {"checks": encode([seen]), "output": "5"},
        {"checks": encode([Check("no_digits"), seen]), "output": "Five."},
    ]
    told = typed(f"verify {write_seeds(tmp_path / 'rows.jsonl', rows)} --json")
    found = json.loads(told.stdout)
    assert (found["answers"], found["without_constraints"]) == (1, 1)
    assert found["constraints"] == {"no_digits": {"asked": 1, "met": 1}}


DAMAGED = {
    '[{"name": "agreement", "args": {"answers": 5}, "saw": {"agreed": 1, "answers": 5}}]': (
        "checks: the check agreement needs the arguments answers (a whole number from 2 to 20),"
        " least (a number from 0 to 1)."
    ),
    '[{"name": "agreement", "args": {"answers": 5, "least": 1}}]': (
        "checks: the check agreement lacks what it saw: agreed, answers, result."
    ),
    '[{"name": "agreement", "args": {"answers": 5, "least": 1}, "saw": {"agreed": true,'
    ' "answers": 5, "result": ""}}]': (
        "checks: the check agreement lacks what it saw: agreed, answers, result."
    ),
    '[{"name": "agreement", "args": {"answers": 5, "least": 1}, "declined": true, "saw": {"agreed":'
    ' 1, "answers": 5, "result": ""}}]': (
        "checks: the check agreement has an unknown key 'declined'."
    ),
}


@pytest.mark.parametrize("text", DAMAGED)
def test_what_was_seen_is_read_whole_or_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        decode(text)
    assert str(refused.value) == DAMAGED[text]


def test_every_check_sees_something() -> None:
    assert SEEING.keys() == SEEN.keys()


# Several answers, of which one is picked

GENERAL = prompts.find("general")


@pytest.mark.parametrize(
    ("says", "taken", "why"),
    [
        (["It is 7.", "It is 8.", "So 8"], "It is 8.", ["outvoted", "agrees"]),
        (["7", "8", "9"], "7", ["outvoted", "outvoted"]),
        (["Tides come and go.", "The moon.", "the  moon"], "The moon.", ["outvoted", "agrees"]),
    ],
)
def test_a_vote_takes_the_first_of_the_most_with_the_same_result(
    says: list[str], taken: str, why: list[str], seeds: Path, tmp_path: Path
) -> None:
    run = solve(seeds, GENERAL, tmp_path / "run", says, answers=3, pick="vote", eliminate=False)
    for line in run.read(1):
        assert (line.output, line.checks) == (taken, "[]")
        assert [each["why"] for each in json.loads(line.set_aside or "")] == why


class Judged(Solver):
    """Prefers the answer of more letters, or the one that is shown first where it cannot tell."""

    def _say(self, request: Request) -> str | Exception:
        if request.purpose != "judge":
            return super()._say(request)
        self.requests.append(request)
        (_, first), (_, second) = request.context.items
        return f"Verdict: {'B' if len(second) > len(first) else 'A'} is better"


def test_a_judge_is_asked_in_both_orders_and_of_those_that_are_level_the_first_is_taken(
    seeds: Path, tmp_path: Path
) -> None:
    says = ["A bee.", "Bees.", "A bee!", "Many bees."]
    run = solve(
        seeds, GENERAL, tmp_path / "run", says, client="tests.test_answers:Judged", answers=4,
        pick="judge", eliminate=False,
    )  # fmt: skip
    for line in run.read(1):
        assert line.output == "Many bees."
        found = [(each["output"], each["why"]) for each in json.loads(line.set_aside or "")]
        assert found == [
            ("Bees.", "not preferred"),
            ("A bee!", "level"),
            ("A bee.", "not preferred"),
        ]
    judged = [request for request in Solver.requests if request.purpose == "judge"]
    assert len(judged) == 3 * 3 * 2
    assert {request.temperature for request in judged} == {0.0}


class Broken(Judged):
    """Is asked for a judgement in vain, as long as `is_down`."""

    is_down: ClassVar[bool] = True

    def _say(self, request: Request) -> str | Exception:
        if request.purpose == "judge" and self.is_down:
            return CallFailed("http_500", "down", 6)
        return super()._say(request)


def test_a_judgement_that_failed_is_a_failed_line_which_a_retry_brings_back(
    seeds: Path, tmp_path: Path
) -> None:
    says, how = ["A bee.", "Many bees."], {"answers": 2, "pick": "judge", "eliminate": False}
    Broken.is_down = True
    run = solve(seeds, GENERAL, tmp_path / "run", says, client="tests.test_answers:Broken", **how)
    assert [(line.purpose, line.error) for line in run.read(1, Failed)] == [
        ("judge", "http_500")
    ] * 3
    Broken.is_down = False
    told = typed(
        f"evolve {seeds} -o {run.path} --client tests.test_answers:Broken -g 1 --answers 2"
        f" --pick judge --no-eliminate --operations deepen --prompts {GENERAL} --retry failed"
    )
    assert told.exit_code == 0, told.output
    assert [line.output for line in run.read(1)] == ["Many bees."] * 3


def test_verified_takes_the_first_answer_that_holds_and_asks_for_no_more(tmp_path: Path) -> None:
    seeds = write_seeds(
        tmp_path / "seeds.jsonl",
        [{"instruction": f"How do bees find their way to flower {n}?"} for n in range(6)],
    )
    settings: dict[str, Any] = {"prompts": "verifiable", "operations": {"verifiable": 1}}
    evolve(seeds, tmp_path / "run", generations=1, answers=8, pick="verified", **settings)
    evolve(seeds, tmp_path / "one", generations=1, answers=1, **settings)
    first = {line.id: line for line in RunDir(tmp_path / "one").read(1)}
    for line in RunDir(tmp_path / "run").read(1):
        failed = json.loads(line.set_aside or "")
        assert all(each["why"].startswith("failed: ") for each in failed)
        if not failed:
            assert line.output == first[line.id].output


REFUSED = {
    "--answers 3": "Of 3 answers one is taken; say how: --pick vote or --pick judge or --pick"
    " verified.",
    "--pick vote": "--pick vote takes one of several answers; ask for them: --answers 3.",
    "--answers 0 --evolve-answers 2": "--evolve-answers 2 has nothing to rewrite at --answers 0;"
    " leave one out.",
    "--answers 0 --pick vote": "--pick vote has nothing to take at --answers 0; leave one out.",
    "--answers 3 --pick verified": "--pick verified goes by checks, and the pack general has none;"
    " take --prompts verifiable, or another --pick.",
    "--answers 3 --pick vote --temperature 0": "3 answers at temperature 0 are 3 times the same"
    " one; set --temperature answer=0.7, or another above 0.",
    "--answers 21 --pick vote": "--answers must be 20 or less (given: 21).",
    "--answers 3 --no-answers": "--no-answers and --answers say the opposite; leave out one of"
    " them.",
    "--answers 3 --pick votes": "--pick: unknown way 'votes' (did you mean 'vote'?); there are"
    " vote, judge, verified.",
}


@pytest.mark.parametrize("words", REFUSED)
def test_settings_that_pick_nothing_are_refused_with_a_sentence(words: str, tmp_path: Path) -> None:
    told = typed(f"evolve starter -o {tmp_path}/run --client offline {words}")
    assert told.exit_code == 2, told.output
    assert " ".join(told.output.split()).endswith(REFUSED[words])


def test_no_answers_is_short_for_none_and_older_words_are_read(seeds: Path, tmp_path: Path) -> None:
    line = f"evolve {seeds} -o {tmp_path}/run --client offline -g 1 --dry-run --json"
    assert json.loads(typed(f"{line} --no-answers").stdout)["calls"]["answer"] == 0
    (tmp_path / "recipe.toml").write_text("answers = false\n")
    told = json.loads(typed(f"{line} --recipe {tmp_path}/recipe.toml").stdout)
    assert told["calls"]["answer"] == 0


def test_a_dry_run_prices_the_answers_and_the_judge(seeds: Path, tmp_path: Path) -> None:
    line = f"evolve {seeds} -o {tmp_path}/run --client offline -g 1 --dry-run --json"
    told = json.loads(typed(f"{line} --answers 4 --pick judge").stdout)
    assert told["calls"] == {"evolve": 3, "compare": 3, "answer": 12, "judge": 36}  # each once more
    by = {row["purpose"]: row for row in told["expected"]["by"]}
    assert 15 <= by["judge"]["calls"] <= 18
    assert by["judge"]["prompt_tokens"] > 700 * by["judge"]["calls"]


# Answers that are rewritten


class Improving(Judged):
    """Rewrites an answer as `rewrites` has it."""

    rewrites: ClassVar[list[str | Exception]] = []

    def _say(self, request: Request) -> str | Exception:
        if request.purpose != "improve":
            return super()._say(request)
        self.requests.append(request)
        return self.rewrites[request.call_id.attempt]


def test_a_rewrite_is_kept_only_where_both_orders_prefer_it(seeds: Path, tmp_path: Path) -> None:
    Improving.rewrites = [
        "Bees fly far.",
        "Bees fly fast",
        CallRejected("truncated", "too long"),
        "Most bees fly far.",
    ]
    run = solve(
        seeds, GENERAL, tmp_path / "run", ["Bees fly."], client="tests.test_answers:Improving",
        evolve_answers=4, eliminate=False,
    )  # fmt: skip
    for line in run.read(1):
        assert line.output == "Most bees fly far."
        found = [(each["output"], each["why"]) for each in json.loads(line.set_aside or "")]
        assert found == [
            ("Bees fly.", "not preferred"),
            ("Bees fly fast", "level"),
            ("Bees fly far.", "not preferred"),
        ]
    prompts_sent = [
        request.messages[0][1] for request in Solver.requests if request.purpose == "improve"
    ]
    assert sum("#Earlier Answer#:\nBees fly far." in text for text in prompts_sent) == 3 * 3


def test_a_rewrite_that_fails_a_check_is_set_aside_without_asking_the_judge(
    seeds: Path, pack: Path, tmp_path: Path
) -> None:
    Improving.rewrites = ["Answer: 6, surely", "It is plainly 5"]
    run = solve(
        seeds, pack, tmp_path / "run", ["5"] * 5, client="tests.test_answers:Improving",
        evolve_answers=2,
    )  # fmt: skip
    for line in run.read(1):
        assert line.output == "It is plainly 5"
        why = {each["output"]: each["why"] for each in json.loads(line.set_aside or "")}
        assert why["Answer: 6, surely"].startswith("failed: agreement: 0 of 5 answers agree")
    assert sum(request.purpose == "judge" for request in Solver.requests) == 3 * 2


@pytest.mark.slow
def test_rewrites_are_priced_and_capped_runs_end_as_whole_ones(seeds: Path, tmp_path: Path) -> None:
    line = f"evolve {seeds} -o {tmp_path}/run --client offline -g 1 --dry-run --json"
    told = json.loads(typed(f"{line} --evolve-answers 2").stdout)
    assert told["calls"] == {"evolve": 3, "compare": 3, "answer": 3, "improve": 6, "judge": 24}
    settings: dict[str, Any] = {"generations": 1, "evolve_answers": 2}
    evolve(seeds, tmp_path / "whole", **settings)
    for cap in (7, 12, 100):
        typed(
            f"evolve {seeds} -o {tmp_path}/capped --client offline -g 1 --evolve-answers 2"
            f" --max-calls {cap}"
        )
    assert data_files(tmp_path / "capped") == data_files(tmp_path / "whole")


# Pairs of a better answer and a worse one


def test_what_was_outvoted_not_preferred_or_failed_makes_a_pair_and_nothing_else(
    seeds: Path, tmp_path: Path
) -> None:
    says = ["It is 7.", "It is 8.", "So 8"]
    run = solve(seeds, GENERAL, tmp_path / "run", says, answers=3, pick="vote", eliminate=False)
    told = typed(f"export {run.path} -o {tmp_path}/dpo --format dpo --no-seeds")
    assert told.exit_code == 0, told.output
    assert "train: 3 rows in " in told.output
    rows = [json.loads(row) for row in (tmp_path / "dpo/train.jsonl").read_text().splitlines()]
    by_id = {line.id: line for line in run.read(1)}
    for row in rows:
        assert row["prompt"] == [{"role": "user", "content": by_id[row["id"]].instruction}]
        assert row["chosen"] == [{"role": "assistant", "content": "It is 8."}]
        assert row["rejected"] == [{"role": "assistant", "content": "It is 7."}]
    assert typed(f"export {run.path} -o {tmp_path}/chat --format chat").exit_code == 0
    assert "It is 7." not in (tmp_path / "chat/train.jsonl").read_text()


def test_an_answer_that_was_corrected_makes_a_pair_with_the_one_that_failed(
    tmp_path: Path,
) -> None:
    rows = [{"instruction": f"How do bees find their way to flower {n}?"} for n in range(30)]
    seeds = write_seeds(tmp_path / "seeds.jsonl", rows)
    settings: dict[str, Any] = {"prompts": "verifiable", "operations": {"verifiable": 1}}
    evolve(seeds, tmp_path / "run", generations=1, **settings)
    lines = list(RunDir(tmp_path / "run").read(1))
    corrected = [line for line in lines if line.set_aside != "[]"]
    assert corrected
    told = typed(f"export {tmp_path}/run -o {tmp_path}/dpo --format dpo-plain --no-seeds --json")
    assert json.loads(told.stdout)["rows"] == {"train": len(corrected)}
    assert json.loads(told.stdout)["unpaired"] == len(lines) - len(corrected)
    for line in corrected:
        (failed,) = json.loads(line.set_aside or "")
        assert failed["why"].startswith("failed: ")


def test_a_run_without_pairs_says_how_they_are_made(seeds: Path, tmp_path: Path) -> None:
    run = solve(seeds, GENERAL, tmp_path / "run", ["It is 7."])
    told = typed(f"export {run.path} -o {tmp_path}/dpo --format dpo")
    assert told.exit_code == 1
    assert " ".join(told.output.split()).endswith(
        "was taken in place of a worse one; evolve with --answers 4 and --pick judge or vote, or"
        " with the pack verifiable."
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("{", "these are no answers set aside"),
        ('[{"output": "7"}]', "these are no answers set aside"),
        ('[{"output": 7, "model": "m", "why": 9}]', "an answer set aside has texts alone"),
        ('[{"output": null, "model": "m", "why": "outvoted"}]', "has texts alone"),
    ],
)
def test_damaged_answers_set_aside_are_refused_with_their_line(
    seeds: Path, tmp_path: Path, field: str, said: str
) -> None:
    run = solve(seeds, GENERAL, tmp_path / "run", ["It is 7."])
    file = run.file(1)
    damaged = f'"set_aside": {json.dumps(field)}'
    file.write_text(file.read_text().replace('"set_aside": "[]"', damaged, 1))
    told = typed(f"export {run.path} -o {tmp_path}/dpo --format dpo --no-seeds")
    assert told.exit_code == 1
    line = json.loads(file.read_text().splitlines()[0])
    assert f"{line['id']}: set_aside: " in " ".join(told.output.split())
    assert said in " ".join(told.output.split())


# Purposes that work for a check


@pytest.fixture
def with_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Purpose(
        "hint",
        {"instruction": "child"},
        of_rewrites="answers",
        done="hinted",
        reply="text",
        tokens=50,
        for_check="agreement",
    )
    monkeypatch.setitem(PURPOSES, "hint", row)


@pytest.mark.usefixtures("with_purpose")
def test_a_purpose_of_a_check_is_asked_only_by_packs_that_name_the_check(
    seeds: Path, pack: Path, tmp_path: Path
) -> None:
    told = typed(f"prompts check {pack}")
    assert told.exit_code == 1
    assert f"{pack}/hint.txt: the file is missing; the check 'agreement' needs it." in told.output
    (pack / "hint.txt").write_text("Give one hint.\n{{instruction}}")
    assert typed(f"prompts check {pack}").exit_code == 0
    line = f"evolve {seeds} -o {tmp_path}/run --client offline -g 1 --dry-run --json"
    told = typed(f"{line} --prompts {pack} --model hint=small")
    assert json.loads(told.stdout)["calls"]["hint"] == 3
    assert "hint" not in json.loads(typed(line).stdout)["calls"]


@pytest.mark.slow
def test_the_files_are_the_same_at_any_concurrency_and_after_a_cap(
    tmp_path: Path, pack: Path
) -> None:
    rows = [{"instruction": f"Explain thing number {n} to a child."} for n in range(40)]
    seeds = write_seeds(tmp_path / "seeds.jsonl", rows)
    settings: dict[str, Any] = {"generations": 3, "prompts": str(pack)}
    evolve(seeds, tmp_path / "run", **settings)
    evolve(seeds, tmp_path / "one", concurrency=1, **settings)
    assert data_files(tmp_path / "one") == data_files(tmp_path / "run")
