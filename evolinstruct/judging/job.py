"""One `judge` command: plans what is asked, asks through a session, and writes what came of it.

judge.json       what was asked, and how it went
judge.sqlite     the outcome of every call
questions.jsonl  the questions, texts.jsonl what contestants say: see `contest`
verdicts.jsonl   the verdicts of models, people/ those of people: see `verdicts`
summary.json     what they come to
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evolinstruct import prompts
from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError, TooLittleKept, UsageError
from evolinstruct.judging.asking import ANSWER, Asking, Outcome, name_of
from evolinstruct.judging.contest import (
    TEXTS,
    Contest,
    Pair,
    Question,
    read_contest,
    write_questions,
)
from evolinstruct.judging.contestants import Contestant, Model, read_contestants, read_model
from evolinstruct.judging.makers import kinships
from evolinstruct.judging.questions import read_questions
from evolinstruct.judging.results import Results, find_results
from evolinstruct.judging.statistics import visible
from evolinstruct.judging.verdicts import FILE, Verdict, read_verdicts
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.clients import Asked, with_client
from evolinstruct.llm.throttle import Sending
from evolinstruct.preference import JUDGE, TEMPERATURE, texts_shown
from evolinstruct.prompts import Measure, Pack
from evolinstruct.prompts.measures import PREFERENCE
from evolinstruct.purposes import PURPOSES
from evolinstruct.run.stage import Stage
from evolinstruct.run.stage_job import Expected, StageJob, StageSummary
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.run_dir.lines import LineFile
from evolinstruct.run_dir.stage_files import StageDir
from evolinstruct.settings import Recipe, Settings
from evolinstruct.text import did_you_mean

SUMMARY = "summary.json"
ANSWERS, INSTRUCTIONS = KINDS = ("answers", "instructions")
_PATIENCE = 20
"""After so many pairs without any verdict of a judge, it is asked no more."""
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be judged, and how.

    Attributes:
        out: the directory.
        questions: the file of questions, or of seeds.
        contestants: as the command line has them.
        judges: as the command line has them; none for the settings' model.
        of: answers, or instructions that were made from the questions.
        by: the measure that words what judges are asked; None for that of its kind.
    """

    out: str
    questions: str
    contestants: tuple[str, ...]
    judges: tuple[str, ...] = ()
    of: str = ANSWERS
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """An event: one more question is judged.

    Attributes:
        done: questions that are judged by now.
        questions: how many there are.
        failed: answers and verdicts that are missing.
        spent: what was ever spent on judging in the directory.
        sending: how calls are being sent.
    """

    done: int
    questions: int
    failed: int
    spent: Spending
    sending: Sending


@dataclass(slots=True)
class JudgeSummary(StageSummary):
    """How judging ended.

    Attributes:
        verdicts: how many verdicts there are.
        results: what they come to; None before the end.
    """

    verdicts: int = 0
    results: Results | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**StageSummary.to_json(self), "verdicts": self.verdicts}


def prepare(wish: Wish, settings: Settings) -> JudgeJob:
    """Check everything that can be checked before a call, and change nothing.

    Raises:
        UsageError: a setting, a contestant, a judge or a measure is wrong.
        InputError: a file or the directory is wrong.
    """
    if wish.of not in KINDS:
        raise UsageError(f"--of must be {' or '.join(KINDS)} (given: {wish.of!r}).")
    settings = _judging(settings)
    directory = _directory(wish.out)
    questions = read_questions(wish.questions)
    contestants = read_contestants(wish.contestants, questions, wish.of)
    pack = prompts.read(prompts.find(settings.recipe.prompts))
    measure = _measure(wish.by or wish.of, pack)
    judges = _judges(wish.judges, settings.recipe)
    return JudgeJob(wish, settings, directory, questions, contestants, judges, pack, measure)


def _judging(settings: Settings) -> Settings:
    """Return the settings with a client, and judges that say the same twice."""
    settings = with_client(settings)
    temperature = {JUDGE: TEMPERATURE, **settings.recipe.temperature}
    return replace(settings, recipe=settings.recipe.model_copy(update={"temperature": temperature}))


def _directory(out: str) -> StageDir:
    if RunDir(Path(out)).is_run:
        raise InputError(f"{out} is the directory of a run; name another one with -o.")
    directory = StageDir(Path(out), "judge", FILE)
    directory.check_place()
    return directory


def _measure(name: str, pack: Pack) -> Measure:
    known = prompts.known_measures(pack)
    names = sorted(measure for measure, method in known if method == PREFERENCE)
    if name not in names:
        raise UsageError(
            f"--by: unknown measure {name!r}{did_you_mean(name, names)}; there are"
            f" {', '.join(names)}, and a file in a pack's folder measures adds one (method"
            f" {PREFERENCE})."
        )
    return known[name, PREFERENCE]


def _judges(words: Sequence[str], recipe: Recipe) -> list[Model]:
    models = [read_model(each) for each in words]
    twice = [name for name, count in Counter(each.name for each in models).items() if count > 1]
    if twice:
        raise UsageError(f"--judge: {twice[0]} is named twice; name each judge once.")
    return models or [Model(recipe.setting("model", JUDGE) or "")]


def _shown(pair: Pair) -> dict[str, str]:
    return texts_shown(pair.question.instruction, pair.first_text, pair.second_text)


class JudgeJob(StageJob[JudgeSummary]):
    """Has questions answered and the answers judged.

    Attributes:
        remarks: what does not fit, or may mislead, a sentence each.
    """

    _dir: StageDir

    def __init__(
        self,
        wish: Wish,
        settings: Settings,
        directory: StageDir,
        questions: Sequence[Question],
        contestants: Sequence[Contestant],
        judges: Sequence[Model],
        pack: Pack,
        measure: Measure,
    ) -> None:
        """Make the clients; nothing is written yet.

        Raises:
            UsageError: the client is unknown, or lacks a setting.
            InputError: a key is missing.
        """
        self._wish = wish
        self._questions = questions
        self._contestants = contestants
        self._judges = judges
        self._pack = pack
        self._measure = measure
        self._verdicts: list[Verdict] = []
        self._texts: dict[tuple[str, str], str] = {}
        models = [each.model for each in contestants if each.model is not None]
        asked = [Asked(ANSWER, each.name, each.server) for each in models]
        asked += [Asked(JUDGE, each.name, each.server) for each in judges]
        super().__init__(settings, dict.fromkeys(asked), directory, JudgeSummary(directory.lines))
        names = [name_of(each, self._recipe) for each in judges]
        self._silent = dict.fromkeys(names, 0)
        known = [(each.name, each.known_as) for each in contestants]
        self.remarks = [remark for each in contestants for remark in each.remarks]
        self.remarks += kinships(names, known)

    # What it will take

    def expected(self) -> list[Expected]:
        """Return what each model is likely to be asked, whatever the journal holds."""
        models = [each.model for each in self._contestants if each.model is not None]
        answering = [self._expected(ANSWER, each, *self._answering()) for each in models]
        judging = [self._expected(JUDGE, each, *self._pairs()) for each in self._judges]
        return answering + judging

    @property
    def questions(self) -> int:
        """How many questions there are."""
        return len(self._questions)

    @property
    def visible(self) -> float:
        """How far from one half a win rate must be to be seen four times in five."""
        return visible(len(self._questions))

    def _expected(self, purpose: str, model: Model, calls: int, characters: int) -> Expected:
        tokens = characters // _CHARACTERS_PER_TOKEN, calls * (PURPOSES[purpose].tokens or 0)
        cost = self._session.tariff.likely_cost(purpose, model.name, calls, *tokens)
        return Expected(purpose, name_of(model, self._recipe), calls, *tokens, cost)

    def _answering(self) -> tuple[int, int]:
        characters = sum(len(each.instruction) for each in self._questions)
        return len(self._questions), characters

    def _pairs(self) -> tuple[int, int]:
        """Return how many verdicts a judge is asked for, and the characters of their prompts."""
        usual = "x" * (PURPOSES[ANSWER].tokens or 0) * _CHARACTERS_PER_TOKEN
        texts = {
            (question.id, each.name): usual if each.model else each.texts[question.id]
            for each in self._contestants
            for question in self._questions
            if each.model or question.id in each.texts
        }
        calls = characters = 0
        for pair in self._contest(texts).pairs():
            shown = sum(map(len, _shown(pair).values()))
            calls += 2
            characters += 2 * (shown + len(self._measure.template.text))
        return calls, characters

    def _contest(self, texts: dict[tuple[str, str], str]) -> Contest:
        return Contest([each.name for each in self._contestants], self._questions, texts)

    # Judging

    async def events(self) -> AsyncGenerator[Judged]:
        """Judge, from wherever an earlier command left it; the files are there in the end.

        Raises:
            InputError: a file cannot be read or written.
            StopRun: it ended early; the same command goes on.
        """
        async with self._opened() as session:
            write_questions(self._dir.path, self._questions)
            asking = Asking(
                session.ask,
                self._recipe,
                self._pack,
                self._measure,
                self._contestants,
                self._judges,
            )
            stage = Stage(asking.asked, session.ahead)
            self._working(stage)
            with LineFile(self._dir.path / TEXTS) as texts, LineFile(self._dir.lines) as verdicts:
                async with aclosing(stage.results(iter(self._questions))) as outcomes:
                    done = 0
                    async for outcome in outcomes:
                        done += 1
                        self._take(outcome, texts, verdicts)
                        failed = self.summary.failed.total()
                        count = len(self._questions)
                        yield Judged(done, count, failed, session.spent, session.sending())
                for file in (texts, verdicts):
                    file.finish()

    def _take(self, outcome: Outcome, texts: LineFile, verdicts: LineFile) -> None:
        """Write what came of a question.

        Raises:
            TooLittleKept: a judge has given no verdict so far.
        """
        for text in outcome.texts:
            texts.write(flat.encode(text))
            if text.text is not None:
                self._texts[text.question_id, text.contestant] = text.text
        for verdict in outcome.verdicts:
            verdicts.write(flat.encode(verdict))
        for file in (texts, verdicts):
            file.flush()
        self._verdicts += outcome.verdicts
        self.summary.failed.update(outcome.failed)
        self._refuse_silent(outcome.verdicts)

    def _refuse_silent(self, verdicts: Sequence[Verdict]) -> None:
        """Stop where the first verdicts of a judge are all missing: more money would buy none."""
        for verdict in verdicts:
            if verdict.verdict is not None:
                self._silent.pop(verdict.judge, None)
            elif verdict.judge in self._silent:
                self._silent[verdict.judge] += 1
                if self._silent[verdict.judge] == _PATIENCE:
                    raise TooLittleKept(
                        f"The judge {verdict.judge} gave no verdict on the first {_PATIENCE} pairs"
                        f" ({verdict.error}); name another one with --judge."
                    )

    def _asked(self) -> int:
        return self.summary.failed.total() + len(self._verdicts)

    def _write(self) -> dict[str, Any]:
        summary = self.summary
        summary.verdicts = sum(each.verdict is not None for each in self._verdicts)
        summary.results = find_results(self._dir.path, self._contest(self._texts), self._verdicts)
        write_summary(self._dir.path, summary.results, self._wish.of, self.remarks)
        return {
            "of": self._wish.of,
            "questions": self._wish.questions,
            "contestants": [
                {"name": each.name, "model": each.model.name if each.model else None}
                for each in self._contestants
            ],
            "judges": [name_of(each, self._recipe) for each in self._judges],
            "measure": {"name": self._measure.name, "pack": self._measure.pack},
            "remarks": self.remarks,
        }


def write_summary(directory: Path, results: Results, of: str, remarks: Sequence[str]) -> None:
    """Write what the verdicts come to.

    Raises:
        InputError: it cannot be written.
    """
    said = {"of": of, "remarks": list(remarks), **results.to_json()}
    with replaced(directory / SUMMARY) as file:
        file.write(json.dumps(said, ensure_ascii=False, indent=2).encode() + b"\n")


def recount(out: str) -> tuple[Results, list[str]]:
    """Write anew what the verdicts come to, with those of people so far, and without a call.

    Returns:
        The results, and what was remarked when the verdicts were asked for.

    Raises:
        InputError: the directory holds no verdicts, a file is damaged, or a command is writing it.
    """
    directory = _directory(out)
    contest = read_contest(directory.path)
    state = directory.state()
    of, remarks = str(state.get("of", ANSWERS)), list(state.get("remarks", []))
    directory.open()
    try:
        verdicts = read_verdicts(directory.path, contest.pairs())
        results = find_results(directory.path, contest, verdicts)
        write_summary(directory.path, results, of, remarks)
    finally:
        directory.close()
    return results, remarks
