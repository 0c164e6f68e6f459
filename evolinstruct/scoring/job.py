"""One `score` command: plans what is asked, asks through a session, and writes the scores.

Every call lies in the journal of the stage, so the same command goes on where one was stopped and
pays for nothing twice; the file of scores is written whole, from what is known by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from evolinstruct import defaults, prompts
from evolinstruct.errors import InputError, UsageError
from evolinstruct.judges import Ask, Missing, NotJudgedError
from evolinstruct.llm.base import Reply, Request
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.clients import with_client
from evolinstruct.llm.journal.client import NotInJournalError
from evolinstruct.llm.throttle import Sending
from evolinstruct.prompts import Measure, Pack
from evolinstruct.prompts.measures import AGREEMENT, PAIRWISE, PAPER, RANKING, RATING, TAGS
from evolinstruct.run.retries import FAILED
from evolinstruct.run.session import Session
from evolinstruct.run.stage_job import StageJob, StageSummary
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.run_dir.stage_files import StageDir
from evolinstruct.scoring.asking import MeasureJudge
from evolinstruct.scoring.method import Judged, Method
from evolinstruct.scoring.ordering import Pairwise, Ranking
from evolinstruct.scoring.rating import Rating, Solving, Tagging, Weighing
from evolinstruct.scoring.scores import (
    FILE,
    ScoreStore,
    Way,
    read_scores,
    write_scores,
)
from evolinstruct.scoring.texts import Texts, find_texts
from evolinstruct.settings import Settings
from evolinstruct.text import did_you_mean

_BY_MEASURE = (RANKING, RATING, TAGS, AGREEMENT, PAIRWISE, PAPER)
"""Methods of a measure in the order in which one is taken where none is named."""
_TEMPERATURE = 0.0
"""Of a judge, unless told otherwise: it is to say the same twice."""
_TOKENS = {"score": 60, "solve": 350}
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be scored, and how.

    Attributes:
        target: a run directory, or a file.
        out: where the files go; None beside those of the run.
        by: the measures.
        method: by which method; None for the usual one of each measure.
        sample: how many instructions are compared in pairs; None for all.
        times: how often each instruction is solved.
    """

    target: str
    out: str | None = None
    by: tuple[str, ...] = ("difficulty",)
    method: str | None = None
    sample: int | None = defaults.COMPARED
    times: int = defaults.SOLVED


@dataclass(frozen=True, slots=True)
class Expected:
    """What one measure is likely to take.

    Attributes:
        way: how it is measured.
        items: how many families, pairs or instructions are asked about.
        calls: how many calls, if every reply can be read.
        prompt_tokens: tokens in.
        completion_tokens: tokens out.
        cost: dollars; None where the price is unknown.
    """

    way: Way
    items: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        cost = None if self.cost is None else float(self.cost)
        said = {name: value for name, value in asdict(self).items() if name != "way"}
        return {**self.way._asdict(), **said, "cost": cost}


@dataclass(frozen=True, slots=True)
class Scored:
    """An event: one more item is judged.

    Attributes:
        way: how it is measured.
        done: items that are judged by now.
        items: how many there are.
        failed: judgements that are missing.
        spent: what was ever spent on scores in the directory.
        sending: how calls are being sent.
    """

    way: Way
    done: int
    items: int
    failed: int
    spent: Spending
    sending: Sending


@dataclass(slots=True)
class ScoreSummary(StageSummary):
    """How scoring ended.

    Attributes:
        scored: how many scores each way of measuring has.
        totals: the sum of their values.
        unanswered: how many instructions have no answer that could be judged.
        retried: how many calls are made once more; None where no retry is asked for.
        void: earlier scores that are left out: their texts have changed since, or are gone.
    """

    scored: Counter[Way] = field(default_factory=Counter)
    totals: dict[Way, float] = field(default_factory=dict)
    unanswered: int = 0
    retried: int | None = None
    void: int = 0

    def mean(self, way: Way) -> float | None:
        """Return the mean of the scores of one way of measuring; None if there are none."""
        count = self.scored[way]
        return self.totals[way] / count if count else None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        scored = [
            {**way._asdict(), "scores": count, "mean": self.mean(way)}
            for way, count in self.scored.items()
        ]
        return {
            **StageSummary.to_json(self),
            "scored": scored,
            "unanswered": self.unanswered,
            "retried": self.retried,
            "void": self.void,
        }


def prepare(wish: Wish, settings: Settings) -> ScoreJob:
    """Check everything that can be checked before a call, and change nothing.

    Raises:
        UsageError: a setting, a measure or a method is wrong.
        InputError: a file or the directory is wrong.
    """
    texts = find_texts(wish.target)
    directory = StageDir(_place(wish), "score", FILE)
    directory.check_place()
    folder = prompts.find(settings.recipe.prompts)
    return ScoreJob(wish, _judging(settings), texts, directory, prompts.read(folder))


def _place(wish: Wish) -> Path:
    if wish.out is not None:
        out = Path(wish.out)
        if RunDir(out).is_run and not (Path(wish.target).is_dir() and out.samefile(wish.target)):
            raise InputError(f"{out} is the directory of another run; name another one with -o.")
        return out
    if not Path(wish.target).is_dir():
        raise UsageError(f"{wish.target} is no run directory; name one for its scores with -o.")
    return Path(wish.target)


def _judging(settings: Settings) -> Settings:
    """Return the settings with a client, and a judge that says the same twice."""
    settings = with_client(settings)
    temperature = {"score": _TEMPERATURE, **settings.recipe.temperature}
    return replace(settings, recipe=settings.recipe.model_copy(update={"temperature": temperature}))


class ScoreJob(StageJob[ScoreSummary]):
    """Scores the texts of a run or a file by one measure after the other.

    Attributes:
        solves: whether a measure has instructions solved.
    """

    _dir: StageDir

    def __init__(
        self, wish: Wish, settings: Settings, texts: Texts, directory: StageDir, pack: Pack
    ) -> None:
        """Find the measures and make the clients; nothing is written yet.

        Raises:
            UsageError: a measure or a method is unknown, or the client is.
        """
        self._wish = wish
        self._texts = texts
        self._pack = pack
        if not wish.by:
            raise UsageError("--by: no measure is named; name one, such as --by difficulty.")
        known = prompts.known_measures(pack)
        self._measures = [_find_measure(known, name, wish.method) for name in wish.by]
        self.solves = any(measure.method == AGREEMENT for measure in self._measures)
        purposes = ["score", "solve"] if self.solves else ["score"]
        self._store = ScoreStore()
        super().__init__(settings, purposes, directory, ScoreSummary(directory.lines))

    def _method(self, measure: Measure, ask: Ask) -> Method[Any]:
        """Return what asks for a measure."""
        judge = MeasureJudge(ask, self._recipe, measure)
        match measure.method:
            case "ranking":
                return Ranking(judge, self._recipe.seed)
            case "pairwise":
                return Pairwise(judge, self._recipe.seed, self._wish.sample)
            case "paper":
                return Weighing(judge)
            case "tags":
                return Tagging(judge)
            case "agreement":
                return Solving(ask, self._recipe, self._pack, judge, self._wish.times)
            case _:
                return Rating(judge)

    # What it will take

    def expected(self) -> list[Expected]:
        """Return what each measure is likely to take, whatever the journal holds."""
        return [self._expected(measure) for measure in self._measures]

    def _expected(self, measure: Measure) -> Expected:
        method = self._method(measure, _nobody)
        items, totals = 0, dict[str, tuple[int, int]]()
        for item in method.items(self._texts):
            items += 1
            for purpose, calls, characters in method.takes(item):
                before = totals.get(purpose, (0, 0))
                totals[purpose] = before[0] + calls, before[1] + characters
        prompt = reply = 0
        cost: Decimal | None = Decimal(0)
        for purpose, (calls, characters) in totals.items():
            tokens = characters // _CHARACTERS_PER_TOKEN, calls * _TOKENS[purpose]
            prompt, reply = prompt + tokens[0], reply + tokens[1]
            model = self._recipe.setting("model", purpose) or ""
            likely = self._session.tariff.likely_cost(purpose, model, calls, *tokens)
            cost = None if cost is None or likely is None else cost + likely
        calls = sum(calls for calls, _ in totals.values())
        return Expected(method.way, items, calls, prompt, reply, cost)

    # Scoring

    async def events(self, *, retry: str | None = None) -> AsyncGenerator[Scored]:
        """Score, from wherever an earlier command left it; the file is there in the end.

        Args:
            retry: ask once more for what is ``failed``: the judgements that are missing.

        Raises:
            UsageError: `retry` is another word.
            InputError: a file cannot be read or written, or there is nothing to retry.
            StopRun: it ended early; the same command goes on.
        """
        if retry is not None:
            self._check_retry(retry)
        with self._store as store:
            if self._dir.lines.exists():  # a file that holds no scores must stay as it is
                store.add(read_scores(self._dir.lines), is_new=False)
            async with self._opened() as session:
                if retry is not None:
                    await self._retire_missing(session)
                for measure in self._measures:
                    async for event in self._scored(measure, session, store):
                        yield event
                session.journal.end_retries()

    # Asking once more

    def _check_retry(self, what: str) -> None:
        if what != FAILED:
            hint = did_you_mean(what, [FAILED])
            raise UsageError(f"--retry: no judgement is {what!r}{hint}; there is {FAILED}.")
        if not self._dir.state():
            raise InputError(
                f"{self._dir.path} holds no scores, so there is nothing to retry; leave --retry"
                " out."
            )

    async def _retire_missing(self, session: Session) -> None:
        """Have the calls made once more that did not bring a judgement, as the journal tells."""

        async def recall(request: Request) -> Reply:
            try:
                return await session.recall(request)
            except NotInJournalError as error:
                raise NotJudgedError(Missing("not_asked")) from error

        self.summary.retried = 0
        for measure in self._measures:
            method = self._method(measure, recall)
            found = method.results(self._texts, session.ahead, self._working)
            async with aclosing(found) as results:
                missing = [each async for judged in results for each in judged.missing]
            places = [place for each in missing for place in each.places]
            word = " ".join((FAILED, *method.way))
            self.summary.retried += session.journal.retire(word, places)

    async def _scored(
        self, measure: Measure, session: Session, store: ScoreStore
    ) -> AsyncGenerator[Scored]:
        method = self._method(measure, session.ask)
        items = sum(1 for _ in method.items(self._texts))
        done = 0
        async with aclosing(method.results(self._texts, session.ahead, self._working)) as results:
            async for judged in results:
                store.add(judged.scores, is_new=True)
                self._count(method.way, judged)
                done += 1
                failed = self.summary.failed.total()
                yield Scored(
                    method.way, min(done, items), items, failed, session.spent, session.sending()
                )
        store.drop_older(method.way)

    def _asked(self) -> int:
        return self.summary.failed.total() + self.summary.scored.total()

    def _count(self, way: Way, judged: Judged) -> None:
        summary = self.summary
        summary.scored[way] += len(judged.scores)
        summary.totals[way] = sum(
            (each.value for each in judged.scores), summary.totals.get(way, 0.0)
        )
        summary.failed.update(each.why for each in judged.missing)
        summary.unanswered += judged.unanswered

    # What is remembered

    def _write(self) -> dict[str, Any]:
        self.summary.void = write_scores(self._dir.lines, self._store, self._texts.lines())
        asked = {
            "by": list(self._wish.by),
            "method": self._wish.method,
            "sample": self._wish.sample,
            "times": self._wish.times,
        }
        return {
            "target": self._wish.target,
            "asked": asked,
            "pack": {"name": self._pack.name, "digest": self._pack.digest},
        }


def _find_measure(
    known: Mapping[tuple[str, str], Measure], name: str, wanted: str | None
) -> Measure:
    """Return a measure by its name, and by the method that is wanted or the usual one.

    Raises:
        UsageError: the measure is unknown, or not measured by that method.
    """
    methods = sorted(how for measure, how in known if measure == name and how in _BY_MEASURE)
    if not methods:
        names = sorted({measure for measure, how in known if how in _BY_MEASURE})
        raise UsageError(
            f"--by: unknown measure {name!r}{did_you_mean(name, names)}; there are"
            f" {', '.join(names)}, and a file in a pack's folder measures adds one."
        )
    method = wanted or next(how for how in _BY_MEASURE if how in methods)
    if method not in methods:
        raise UsageError(
            f"--method: {name} is not measured by {method!r}{did_you_mean(method, methods)};"
            f" there {'are' if len(methods) > 1 else 'is'} {', '.join(methods)}."
        )
    return known[name, method]


async def _nobody(request: Request) -> Reply:
    """Stand in for a client where nothing is asked."""
    raise AssertionError(request.purpose)
