"""`tune` through its doors: the loop, the pack that it writes, and what stands beside it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from evolinstruct import prompts
from evolinstruct.reading import read_method
from tests.command_line import enter, evolinstruct
from tests.judges import shown
from tests.loopback import Answer, Ask, Server, error, reply, serve
from tests.test_judging_page import Shown

OFFLINE = "--client offline"
SMALL = "--development 6 --mini-batch 3 --rounds 2 --steps 3 --candidates 2"
CARE = "Write every version with care."
_STARTING = re.compile(r"#Starting Instruction#:\n(.*?)\n\n#Revised", re.DOTALL)
_METHOD = re.compile(r"The way to change it:\n(.*?)\n\nReply in two parts", re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(tmp_path, monkeypatch)
    Path("seeds.txt").write_text("".join(f"Explain thing {n}.\n" for n in range(12)))
    return tmp_path


def purpose_of(ask: Ask) -> str:
    """Return what a prompt of the pack `general` asks for."""
    signs = {
        "#Better Method#": "optimize",
        "#Cases#": "analyse",
        "#Verdict#": "compare",
        "#Order#": "score",
        "#Revised Instruction#": "evolve",
    }
    return next((name for sign, name in signs.items() if sign in ask.prompt), "answer")


def starting(ask: Ask) -> str:
    """Return the instruction that is to be rewritten."""
    found = _STARTING.search(ask.prompt)
    assert found is not None
    return found[1]


class Model:
    """A server's model that rewrites well only by a method that asks for care.

    Attributes:
        asked: the purposes and prompts, as they came.
    """

    def __init__(self, *written: str) -> None:
        """Remember the methods that it writes in turn; the last one again and again."""
        self._written = list(written)
        self.asked: list[tuple[str, str]] = []

    def __call__(self, ask: Ask) -> Answer:
        purpose = purpose_of(ask)
        self.asked.append((purpose, ask.prompt))
        return reply(getattr(self, purpose)(ask))

    def evolve(self, ask: Ask) -> str:
        if not self.rewrites_well(ask):
            return "I'm sorry, but I can't help with that."
        return f"<new_instruction>\n{starting(ask)} Name two causes.\n</new_instruction>"

    def rewrites_well(self, ask: Ask) -> bool:
        return CARE in ask.prompt or "1" in starting(ask)

    def compare(self, _: Ask) -> str:
        return "Not Equal"

    def answer(self, ask: Ask) -> str:
        return f"There is much to be said: {ask.prompt} The first cause is age, the second is rust."

    def analyse(self, _: Ask) -> str:
        return "Case 1 was turned down. The method says nothing about care."

    def optimize(self, _: Ask) -> str:
        written = self._written.pop(0) if len(self._written) > 1 else self._written[0]
        return f"Care is missing.\n<method>\n{written}\n</method>"

    def methods(self) -> set[str]:
        """Return the methods that it was asked to rewrite by."""
        found = (_METHOD.search(prompt) for purpose, prompt in self.asked if purpose == "evolve")
        return {match[1] for match in found if match}


def tune(line: str, out: str = "pack") -> Result:
    return evolinstruct(f"tune seeds.txt -o {out} {SMALL} {line}")


def asked(server: Server, line: str = "", out: str = "pack") -> Result:
    """Tune with a server behind all purposes, one call after the other."""
    way = f"--model some-model --base-url {server.url} --concurrency 1"
    return tune(f"{way} {line}", out)


def trials(out: str = "pack") -> list[dict[str, Any]]:
    lines = (Path(out) / "tuning/trials.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def pack_of(out: str = "pack") -> dict[str, bytes]:
    """Return the files whose bytes are promised: those of the pack, and the trials."""
    found = {str(path.relative_to(out)): path for path in Path(out).rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if not name.startswith("tuning/") or name.endswith(".jsonl")
    }


def rates(found: Iterable[dict[str, Any]]) -> list[tuple[int, int, bool]]:
    return [(each["tried"], each["failures"], each["chosen"]) for each in found]


# The loop


def test_a_method_that_fails_less_often_takes_the_place_of_the_one_before() -> None:
    with serve(Model(f"Make it harder by one step. {CARE}")) as server:
        told = asked(server)
    assert told.exit_code == 0, told.output
    assert "candidate 1 is next; candidate 2: it was tried already." in told.output
    assert "Ended, because nothing failed any more." in told.output
    own, better, again = trials()
    assert (own["tried"], own["chosen"], own["step"], own["candidate"]) == (6, True, 0, 0)
    assert own["failures"] > 0
    assert json.loads(own["rules"]) == {"rewrite_unusable": own["failures"]}
    assert (better["tried"], better["failures"], better["chosen"]) == (6, 0, True)
    assert "nothing about care" in better["feedback"]
    assert again["refused"] == "it was tried already"
    written = Path("pack/operations/tuned.txt").read_text()
    assert written.endswith(f"---\nMake it harder by one step. {CARE}\n")


def test_where_all_candidates_are_worse_the_pack_keeps_its_method_and_that_is_said() -> None:
    class Spoiling(Model):
        def rewrites_well(self, ask: Ask) -> bool:
            return (
                "any" not in ask.prompt.split("The way to change it:")[1] and "2" not in ask.prompt
            )

    with serve(Spoiling("Do it in any way you like.", "Do any of these things.")) as server:
        told = asked(server)
    assert told.exit_code == 0, told.output
    assert "the pack keeps the method that it had" in told.output
    own, *others = trials()
    assert [each["failures"] for each in others] == [6, 6]
    assert [each["chosen"] for each in (own, *others)] == [True, False, False]
    assert own["method"] in Path("pack/operations/tuned.txt").read_text()


def test_it_ends_after_the_most_steps() -> None:
    class Slow(Model):
        def rewrites_well(self, ask: Ask) -> bool:
            """Rewrite the better, the more often care is asked for."""
            digit = int(re.findall(r"\d+", starting(ask))[0])
            return digit < 6 + 2 * ask.prompt.count("care!")

    written = [f"Write it with {'care! ' * count}and a plan." for count in (1, 1, 2, 2, 3, 3)]
    with serve(Slow(*written)) as server:
        told = evolinstruct(
            "tune seeds.txt -o pack --development 9 --mini-batch 3 --rounds 1 --steps 2"
            f" --candidates 2 --model m --base-url {server.url} --concurrency 1"
        )
    assert told.exit_code == 0, told.output
    assert "Ended, because the most steps were made." in told.output
    assert [each["step"] for each in trials() if each["chosen"]] == [0, 1, 2]


def test_methods_are_tried_on_instructions_that_nobody_learnt_from() -> None:
    model = Model(f"Make it harder by one step. {CARE}")
    with serve(model) as server:
        asked(server)
    cases = [prompt for purpose, prompt in model.asked if purpose == "analyse"]
    learnt = set(re.findall(r"Stage 0:\n(.*)", "\n".join(cases)))
    tried = {
        starting(Ask({"messages": [{"content": prompt}]}, {}, 0, ""))
        for purpose, prompt in model.asked
        if purpose == "evolve" and CARE in prompt
    }
    assert len(learnt) == 3
    assert len(tried) == 6
    assert not learnt & tried


def test_the_optimizing_model_sees_each_round_and_what_the_rules_found() -> None:
    model = Model(f"Make it harder by one step. {CARE}")
    with serve(model) as server:
        asked(server)
    cases = next(prompt for purpose, prompt in model.asked if purpose == "analyse")
    assert re.search(r"Case 3\nStage 0:\nExplain thing \d+\.\nStage 1.*\nStage 2", cases, re.DOTALL)
    assert "(rejected by rewrite_unusable: " in cases
    optimized = next(prompt for purpose, prompt in model.asked if purpose == "optimize")
    assert "Case 1 was turned down." in optimized
    assert "{{method}}" in optimized


# What a candidate may be


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("Work on {{instruction}} alone, with care.", "it holds a placeholder"),
        ("#Given Text#: make it harder in one way.", "it holds the label #Given Text#"),
        ("Write it between <new_instruction> and the end.", "it holds the mark <new_instruction>"),
        ("Be harder.", "it has 2 words, and may have 5 to"),
        ("word " * 900, "it has 900 words, and may have 5 to"),
    ],
)
def test_a_candidate_that_would_disorder_the_pack_is_told_and_not_tried(
    method: str, why: str
) -> None:
    model = Model(method)
    with serve(model) as server:
        told = asked(server)
    assert told.exit_code == 0, told.output
    assert why in told.output
    assert "none fit to be tried" in told.output
    assert [each["tried"] for each in trials()] == [6, 0, 0]
    assert not any(method.strip() in found for found in model.methods())


def test_a_candidate_that_repeats_a_case_is_not_tried() -> None:
    words = "Explain why the old green ferry of number {} never leaves on a Monday.\n"
    Path("seeds.txt").write_text("".join(words.format(n) for n in range(12)))
    with serve(Model("Do as in: Explain why the old green ferry of number five leaves.")) as server:
        asked(server)
    assert [each["refused"] for each in trials()[1:]] == [
        "it repeats a case: explain why the old green ferry of number",
        "it was tried already",
    ]


def test_a_reply_that_is_cut_off_says_nothing_or_is_refused_is_told_and_no_failure() -> None:
    model = Model(f"Make it harder by one step. {CARE}")

    def odd(ask: Ask) -> Answer:
        if purpose_of(ask) == "analyse":
            return (reply(""), reply("Case 1", finish="length"), reply("All failed."))[ask.nth % 3]
        if purpose_of(ask) == "optimize":
            return error(400, "no such talk", code="content_filter")
        return model(ask)

    with serve(odd) as server:
        told = asked(server, "--candidates 3")
    assert told.exit_code == 0, told.output
    assert [each["refused"] for each in trials()[1:]] == [
        "the analysis says nothing",
        "the reply to analyse was cut off; raise --max-tokens analyse=N",
        "the call to optimize was refused (refused_by_service)",
    ]


def test_a_reply_without_a_method_is_told() -> None:
    class Silent(Model):
        def optimize(self, _: Ask) -> str:
            return "I would leave it as it is."

    with serve(Silent()) as server:
        told = asked(server)
    assert told.exit_code == 0, told.output
    assert "candidate 1: the reply holds no method between its marks" in told.output


@pytest.mark.parametrize(
    ("said", "method"),
    [
        ("Causes first.\n<method>\nDo it so.\n</method>", "Do it so."),
        ("<method>Do it so.\nAnd so.</method>\nThat should help.", "Do it so.\nAnd so."),
        ("<think>\n<method>\nNot yet\n</method>\n</think>\n<METHOD>\nDo it.\n</METHOD>", "Do it."),
        ("It goes between <method> and </method>.\n<method>\nDo it.\n</method>", "Do it."),
        ("<method>\nA draft.\n</method>\nBetter:\n<method>\nDo it.\n</method>", "Do it."),
        ("<method>\n```text\nDo it.\n```\n</method>", "Do it."),
        ("Here it is:\n```\nDo it.\n```\n", "Do it."),
        ("<method>\nDo it, and the mark is forgotten.", "Do it, and the mark is forgotten."),
        ("```\nOne.\n```\nor\n```\nAnother.\n```", None),
        ("~~~text\nDo it.\n~~~\n", "Do it."),
        ("```text\n" * 200_000, None),  # read in no time
        ("I would leave the <method> as it is.", None),
        ("<method>\n</method>", None),
        ("", None),
    ],
)
def test_a_method_is_read_from_between_its_marks(said: str, method: str | None) -> None:
    assert read_method(said) == method


# The pack


def test_the_pack_is_an_ordinary_one() -> None:
    assert tune(OFFLINE).exit_code == 0
    told = evolinstruct("prompts check pack")
    assert (told.exit_code, "general_tuned is in order: 3 operations" in told.output) == (0, True)
    run = evolinstruct(f"evolve seeds.txt -o run -g 2 --prompts pack {OFFLINE}")
    assert run.exit_code == 0, run.output
    kept = [json.loads(line) for line in Path("run/generation-1.jsonl").read_text().splitlines()]
    assert {line["operation"] for line in kept} <= {"tuned", "complicate_input", "in_breadth"}
    assert not Path("run/prompts/tuning").exists()


def test_a_tuned_pack_is_tuned_further_from_its_own_method() -> None:
    assert tune(OFFLINE).exit_code == 0
    assert tune(f"--from pack {OFFLINE}", "second").exit_code == 0
    first, second = trials()[-1], trials("second")[0]
    assert second["method"] in {each["method"] for each in trials() if each["chosen"]}
    assert first["step"] >= 1
    assert 'name = "general_tuned"' in Path("second/pack.toml").read_text()


def test_a_pack_with_checks_keeps_them_and_their_calls_are_foreseen() -> None:
    told = tune(f"--from code --no-answers {OFFLINE}")
    assert told.exit_code == 0, told.output
    assert "[checks.unit_tests]\nleast = 3\n" in Path("pack/pack.toml").read_text()
    assert evolinstruct("prompts check pack").exit_code == 0
    said = json.loads(tune(f"--from code --dry-run --json {OFFLINE}", "other").stdout)["expected"]
    asked_for = {each["purpose"]: each["calls"] for each in said}
    assert (asked_for["tests"], asked_for["run"]) == (6 + 3 * 2 * 6, (2 + 2) * (6 + 3 * 2 * 6))


def test_a_pack_may_word_what_the_optimizing_model_is_asked_and_is_the_same_for_runs() -> None:
    assert evolinstruct("prompts copy general mine").exit_code == 0
    before = prompts.read(Path("mine")).digest
    Path("mine/analyse.txt").write_text("Mine: {{method}}\n#Cases#\n{{cases}}")
    assert prompts.read(Path("mine")).digest == before
    model = Model(f"Make it harder by one step. {CARE}")
    with serve(model) as server:
        assert asked(server, "--from mine").exit_code == 0
    assert all(said.startswith("Mine: ") for name, said in model.asked if name == "analyse")
    Path("mine/optimize.txt").write_text("{{method}} {{feedback}}")
    told = tune(f"--from mine {OFFLINE}", "other")
    assert told.exit_code == 1
    assert "the placeholder '{{prompt}}' is missing" in told.output


def test_files_are_the_same_at_any_concurrency() -> None:
    found = []
    for number, way in enumerate(("--concurrency 1", "--concurrency 7", "")):
        told = tune(f"{OFFLINE} {way}", f"pack-{number}")
        assert told.exit_code == 0, told.output
        found.append(pack_of(f"pack-{number}"))
    assert found[0] == found[1] == found[2]
    assert "operations/tuned.txt" in found[0]


def test_the_same_command_asks_nothing_twice() -> None:
    with serve(Model(f"Make it harder by one step. {CARE}")) as server:
        assert asked(server).exit_code == 0
        before, calls = pack_of(), server.counts.asked.total()
        assert asked(server).exit_code == 0
        assert (pack_of(), server.counts.asked.total()) == (before, calls)


# Gain


def harder(ask: Ask) -> str:
    """Put the text with more causes behind the other one; anchors in between, as they come."""
    texts = shown(ask)
    return " < ".join(sorted(texts, key=lambda label: texts[label].count("cause")))


def test_a_rewrite_that_is_ranked_no_harder_than_its_seed_fails_where_gain_is_asked_for() -> None:
    class Ranking(Model):
        def evolve(self, ask: Ask) -> str:
            more = (
                "Name two causes, and the cause of each cause." if CARE in ask.prompt else "Please."
            )
            return f"<new_instruction>\n{starting(ask)} {more}\n</new_instruction>"

        def score(self, ask: Ask) -> str:
            return harder(ask)

    with serve(Ranking(f"Make it harder by one step. {CARE}")) as server:
        assert asked(server, out="without").exit_code == 0
        told = asked(server, "--gain")
    assert told.exit_code == 0, told.output
    assert [each["failures"] for each in trials("without")] == [0]
    own, better, _ = trials()
    assert json.loads(own["rules"]) == {"no_difficulty_gained": 6}
    assert (better["failures"], better["chosen"]) == (0, True)


def test_a_rewrite_of_which_nobody_tells_its_place_has_no_outcome() -> None:
    class Undecided(Model):
        def score(self, _: Ask) -> str:
            return "It depends."

    with serve(Undecided(f"Make it harder by one step. {CARE}")) as server:
        told = asked(server, "--gain --steps 1")
    assert told.exit_code == 3, told.output
    assert "no_judgement" in told.output
    own = trials()[0]
    assert (own["tried"] + own["missing"], own["missing"] > 0) == (6, True)


# The page


def test_the_report_of_a_tuned_pack_shows_the_curve_and_every_method() -> None:
    hostile = "Beware of </script><img src=x> and write every version with care & more."
    with serve(Model(f"{hostile} {CARE}")) as server:
        asked(server)
    told = evolinstruct("report pack -o page.html")
    assert told.exit_code == 0, told.output
    page = Shown(Path("page.html").read_text())
    assert "The failure rate fell from" in page.text
    for title in ("Failure rate by step", "Why", "What each step took", "Case 1 was turned down."):
        assert title in page.text
    assert "Step 1, candidate 2: not tried: it was tried already" in page.text
    assert hostile in page.text
    assert "<img src=x>" not in Path("page.html").read_text()


def test_the_report_says_where_nothing_failed_less_often() -> None:
    with serve(Model("Do it in any way you like.")) as server:
        asked(server)
    assert evolinstruct("report pack -o page.html").exit_code == 0
    text = Shown(Path("page.html").read_text()).text
    assert "No method failed less often than the pack's own" in text


def test_a_tuned_pack_and_a_run_have_no_page_together() -> None:
    assert tune(OFFLINE).exit_code == 0
    told = evolinstruct("report pack run -o page.html")
    assert told.exit_code == 2
    assert "pack is a tuned pack, which has a page of its own; name it alone." in told.output


# What it takes, and where it stops


def test_a_dry_run_says_the_most_that_it_takes_and_writes_nothing() -> None:
    prices = "--model a --model optimize=b --base-url http://localhost:9 --price-in 1 --price-out 2"
    told = tune(f"{prices} --price-in optimize=50 --dry-run --json --gain")
    assert told.exit_code == 0, told.output
    found = {each["purpose"]: each for each in json.loads(told.stdout)["expected"]}
    assert {name: (each["model"], each["calls"]) for name, each in found.items()} == {
        "evolve": ("a", 6 + 3 * (2 * 6 + 3 * 2)),
        "compare": ("a", 6 + 3 * (2 * 6 + 3 * 2)),
        "answer": ("a", 6 + 3 * 2 * 6),
        "analyse": ("a", 3 * 2),
        "optimize": ("b", 3 * 2),
        "score": ("a", 2 * (6 + 3 * 2 * 6)),
    }
    tokens = found["optimize"]["prompt_tokens"], found["optimize"]["completion_tokens"]
    assert found["optimize"]["cost"] == pytest.approx((50 * tokens[0] + 2 * tokens[1]) / 1e6)
    assert "At most about" in told.output
    assert not Path("pack").exists()
    bare = tune(f"{OFFLINE} --no-compare --no-answers --dry-run --json")
    asked_for = [each["purpose"] for each in json.loads(bare.stdout)["expected"]]
    assert asked_for == ["evolve", "analyse", "optimize"]


def test_what_is_asked_is_never_more_than_the_dry_run_says() -> None:
    said = json.loads(tune(f"{OFFLINE} --dry-run --json").stdout)["expected"]
    made = json.loads(tune(f"{OFFLINE} --json").stdout)["calls"]
    most = {each["purpose"]: each["calls"] for each in said}
    assert made.keys() <= most.keys()
    assert all(0 < made[name] <= 1.2 * most[name] for name in made)


@pytest.mark.slow
def test_a_cap_stops_it_and_the_same_command_with_a_higher_one_goes_on() -> None:
    with serve(Model(f"Make it harder by one step. {CARE}")) as server:
        assert asked(server, out="whole").exit_code == 0
        needed = server.counts.asked.total()
    with serve(Model(f"Make it harder by one step. {CARE}")) as server:
        for most in range(5, needed, 5):
            told = asked(server, f"--max-calls {most}")
            assert told.exit_code == 4, told.output
            assert server.counts.asked.total() == most
        assert asked(server).exit_code == 0
        assert server.counts.asked.total() == needed
    assert pack_of() == pack_of("whole")


def test_a_command_that_comes_less_far_than_an_earlier_one_leaves_its_pack() -> None:
    assert tune(OFFLINE).exit_code == 0
    before = pack_of()
    told = tune(f"{OFFLINE} --model other --max-calls 20")
    assert told.exit_code == 4, told.output
    assert pack_of() == before


def test_replies_that_are_missing_are_counted_and_told() -> None:
    model = Model(f"Make it harder by one step. {CARE}")

    def failing(ask: Ask) -> Answer:
        if purpose_of(ask) == "answer" and "thing 10." in ask.prompt:
            return error(418)
        if purpose_of(ask) == "optimize" and ask.nth == 0:
            return error(418)
        return model(ask)

    with serve(failing) as server:
        told = evolinstruct(
            "tune seeds.txt -o pack --development 11 --mini-batch 1 --rounds 1 --steps 1"
            f" --candidates 2 --model some-model --base-url {server.url} --concurrency 1"
        )
    assert told.exit_code == 3, told.output
    assert "3 outcomes missing: 3 http_418." in told.output
    own, refused, tried = trials()
    assert [(each["tried"], each["missing"]) for each in (own, tried)] == [(10, 1), (10, 1)]
    assert refused["refused"] == "the call to optimize failed (http_418)"
    assert tried["chosen"]


def test_a_candidate_is_not_chosen_for_outcomes_that_are_missing() -> None:
    model = Model(f"Make it harder by one step. {CARE}")

    def failing(ask: Ask) -> Answer:
        is_tried = purpose_of(ask) == "evolve" and CARE in ask.prompt
        return error(418) if is_tried and "thing 1" not in ask.prompt else model(ask)

    with serve(failing) as server:
        told = asked(server, "--candidates 1")
    assert told.exit_code == 3, told.output
    own, candidate = trials()
    assert (candidate["failures"], candidate["tried"] > 0, candidate["chosen"]) == (0, True, False)
    assert candidate["missing"] >= own["failures"]
    assert f"candidate 1: {candidate['missing']} outcomes missing" in told.output
    assert own["method"] in Path("pack/operations/tuned.txt").read_text()


# What is refused


def test_too_few_seeds_are_refused_with_what_is_needed() -> None:
    told = evolinstruct(f"tune seeds.txt -o pack {OFFLINE}")
    assert told.exit_code == 2
    assert (
        "Tuning needs 50 instructions to try methods on and 10 others to learn from" in told.output
    )
    assert "there are 12 seeds" in told.output
    assert not Path("pack").exists()


def test_a_folder_that_holds_something_else_is_refused() -> None:
    Path("pack").mkdir()
    Path("pack/notes.txt").write_text("mine")
    told = tune(OFFLINE)
    assert told.exit_code == 1
    assert "pack is not empty, and nothing there says that tune made it" in told.output
    assert [path.name for path in Path("pack").iterdir()] == ["notes.txt"]


def test_a_pack_that_somebody_changed_is_not_written_over() -> None:
    assert tune(OFFLINE).exit_code == 0
    Path("pack/compare.txt").write_text("{{parent}} {{child}} #Verdict#")
    told = tune(OFFLINE)
    assert told.exit_code == 1
    assert "pack/compare.txt is not as tune wrote it" in told.output


def test_the_pack_that_is_tuned_is_not_written_over() -> None:
    assert tune(OFFLINE).exit_code == 0
    told = tune(f"--from pack {OFFLINE}")
    assert told.exit_code == 2
    assert "this is the pack that is tuned" in told.output


def test_a_pack_without_a_method_of_its_own_is_refused() -> None:
    evolinstruct("prompts copy general plain")
    shutil.copy("plain/operations/in_breadth.txt", "kept.txt")
    for path in Path("plain/operations").iterdir():
        path.unlink()
    shutil.move("kept.txt", "plain/operations/in_breadth.txt")
    told = tune(f"--from plain {OFFLINE}")
    assert told.exit_code == 2
    assert (
        "The pack general cannot be tuned: no in-depth operation of it has a frame" in told.output
    )


def test_damaged_files_of_the_history_are_named() -> None:
    assert tune(OFFLINE).exit_code == 0
    state = Path("pack/tuning/tune.json")
    whole = state.read_text()
    state.write_text(whole.replace('"made": ', '"made": "x", "was": '))
    told = tune(OFFLINE)
    assert (told.exit_code, "is not as it was written (made: 'x')" in told.output) == (1, True)
    state.write_text(whole)
    Path("pack/tuning/trials.jsonl").write_text('{"step": "one"}\n{}\n')
    for line in (f"tune seeds.txt -o pack {SMALL} {OFFLINE}", "report pack -o page.html"):
        told = evolinstruct(line)
        assert told.exit_code == 1
        assert "trials.jsonl" in told.output
        assert "move it away and run the same `evolinstruct tune` again" in told.output
    Path("pack/tuning/trials.jsonl").unlink()
    assert tune(OFFLINE).exit_code == 0
    assert evolinstruct("report pack -o page.html").exit_code == 0


def test_a_service_that_never_answers_ends_it_before_any_method_is_written() -> None:
    with serve(lambda _: error(400)) as server:
        told = asked(server)
    assert told.exit_code in {1, 5}, told.output
    assert not Path("pack/pack.toml").exists()
