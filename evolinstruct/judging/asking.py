"""Asking models: contestants for their answers, and judges for verdicts in both orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from evolinstruct.errors import CallFailed, CallRejected
from evolinstruct.judges import Ask, Judge, Missing, NotJudgedError, gathered
from evolinstruct.judging.contest import Contest, Pair, Question, Text
from evolinstruct.judging.contestants import Contestant, Model
from evolinstruct.judging.verdicts import Verdict
from evolinstruct.llm.base import CallContext, CallId, Reply, Request
from evolinstruct.preference import JUDGE, Said, of_two_orders, said_of, turned
from evolinstruct.prompts import Measure, Pack
from evolinstruct.reading import read_answer
from evolinstruct.settings import Recipe

ANSWER = "answer"
_TRUNCATED, _EMPTY = "truncated", "no_answer"


@dataclass(slots=True)
class Outcome:
    """What came of one question.

    Attributes:
        texts: what each contestant says to it.
        verdicts: what each judge says of each pair.
        failed: why answers and verdicts are missing, a short name each.
    """

    texts: list[Text] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Asking:
    """Has questions answered by contestants, and the answers judged."""

    def __init__(
        self,
        ask: Ask,
        recipe: Recipe,
        pack: Pack,
        measure: Measure,
        contestants: Sequence[Contestant],
        judges: Sequence[Model],
    ) -> None:
        """Bind the parts; `measure` words what judges are asked."""
        self._ask = ask
        self._answering = recipe.sampling(ANSWER)
        self._pack = pack
        self._measure = measure
        self._contestants = contestants
        sampling = recipe.sampling(JUDGE)
        self._judges = {
            name_of(judge, recipe): Judge(
                partial(_at, ask, judge),
                JUDGE,
                {**sampling, "model": judge.name},
                measure.render,
            )
            for judge in judges
        }

    async def asked(self, question: Question) -> Outcome:
        """Have a question answered, and each two answers judged.

        Raises:
            StopRun: no further call can have a reply.
        """
        said = await gathered(self._text(question, each) for each in self._contestants)
        known = {(question.id, each.contestant): each.text for each in said if each.text}
        names = [each.name for each in self._contestants]
        pairs = Contest(names, [question], known).pairs()
        found = await gathered(
            self._verdict(pair, name, judge)
            for pair in pairs
            for name, judge in self._judges.items()
        )
        failed = [each.error for each in said if each.error]
        failed += [each.error for each in found if each.error]
        return Outcome(said, found, failed)

    async def _text(self, question: Question, contestant: Contestant) -> Text:
        """Return what a contestant says; where a file says nothing, there is no text."""
        if contestant.model is None:
            return Text(question.id, contestant.name, None, contestant.texts.get(question.id))
        answer, error = await self._answer(question, contestant, contestant.model)
        return Text(question.id, contestant.name, contestant.model.name, answer, error)

    async def _answer(
        self, question: Question, contestant: Contestant, model: Model
    ) -> tuple[str | None, str | None]:
        """Ask for an answer; return it, or why there is none."""
        request = Request(
            CallId(f"{question.id}:{contestant.name}", ANSWER),
            CallContext(0, None, None, None, question.instruction),
            self._pack.prompt(ANSWER, child=question.instruction),
            **{**self._answering, "model": model.name},
        )
        try:
            reply = await _at(self._ask, model, request)
        except (CallRejected, CallFailed) as error:
            return None, error.error
        if reply.finish_reason == "length":
            return None, _TRUNCATED
        answer = read_answer(reply.text, question.instruction)
        return (answer, None) if answer else (None, _EMPTY)

    async def _verdict(self, pair: Pair, name: str, judge: Judge) -> Verdict:
        """Ask a judge in both orders."""
        as_given, back = await gathered(self._said(each, judge) for each in (pair, pair.turned()))
        errors = [each.why for each in (as_given, back) if isinstance(each, Missing)]
        given = None if isinstance(as_given, Missing) else as_given
        other = None if isinstance(back, Missing) else turned(back)
        verdict, flipped = of_two_orders(given, other)
        return Verdict(
            question_id=pair.question.id,
            first=pair.first,
            second=pair.second,
            judge=name,
            pack=self._measure.pack,
            verdict=verdict,
            as_given=given,
            turned=other,
            flipped=flipped,
            skill=pair.question.skill,
            band=pair.question.band,
            first_length=len(pair.first_text),
            second_length=len(pair.second_text),
            text_digest=pair.text_digest,
            error=errors[0] if errors else None,
        )

    async def _said(self, pair: Pair, judge: Judge) -> Said | Missing:
        """Return which one of a pair a judge finds better, shown in its order."""
        place = ":".join((pair.question.id, pair.first, pair.second))
        texts = pair.question.instruction, pair.first_text, pair.second_text
        try:
            return await said_of(judge, place, *texts)
        except NotJudgedError as error:
            return error.missing


async def _at(ask: Ask, model: Model, request: Request) -> Reply:
    return await ask(replace(request, server=model.server))


def name_of(judge: Model, recipe: Recipe) -> str:
    """Return what a judge is called: its model, or a client that has only one."""
    return judge.name or recipe.client
