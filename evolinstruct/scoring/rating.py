"""Measures of one instruction at a time: a number in a range, tags, and how often it is solved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Literal

from evolinstruct.errors import CallFailed, CallRejected
from evolinstruct.intervals import of_share
from evolinstruct.judges import Ask, Missing, NotJudgedError, all_judged, place_of, shown
from evolinstruct.llm.base import CallId, Reply, Request
from evolinstruct.prompts import Pack
from evolinstruct.reading import (
    read_answer,
    read_number,
    read_tags,
    read_verdict,
    same_result,
    weigh_number,
)
from evolinstruct.records import Kept, text_digest
from evolinstruct.scoring.asking import MeasureJudge, context_of
from evolinstruct.scoring.method import ByItem, Judged, Take
from evolinstruct.scoring.scores import Score, Way
from evolinstruct.scoring.texts import Texts
from evolinstruct.settings import Recipe


def _texts(judge: MeasureJudge, line: Kept) -> dict[str, str]:
    """Return what fills the places of a prompt about one instruction."""
    if not judge.measure.reads_answer:
        return {"instruction": shown(line.instruction)}
    return {"instruction": shown(line.instruction), "answer": shown(line.output or "")}


class Rating(ByItem[Kept]):
    """Each instruction is given a number."""

    _wants: Literal["text", "logprobs"] = "text"

    def __init__(self, judge: MeasureJudge) -> None:
        """Bind the judge."""
        self._judge = judge
        self.way = judge.way

    def items(self, texts: Texts) -> Iterator[Kept]:
        """Yield what is asked about at once: an instruction."""
        return texts.lines()

    def takes(self, item: Kept) -> Iterator[Take]:
        """Yield what judging an instruction takes; nothing where it lacks the answer."""
        if not self._lacks_answer(item):
            texts = sum(map(len, _texts(self._judge, item).values()))
            yield Take("score", 1, len(self._judge.measure.template.text) + texts)

    async def judge(self, item: Kept) -> Judged:
        """Ask for the number, or whatever the measure asks for."""
        if self._lacks_answer(item):
            return Judged(unanswered=1)
        try:
            value, tags = await self._asked(item, _texts(self._judge, item))
        except NotJudgedError as error:
            return Judged(missing=[error.missing])
        answer = item.output if self._judge.measure.reads_answer else None
        digest = text_digest(item.instruction, answer)
        return Judged([Score.of(item.id, self.way, value, None, 1, digest, tags)])

    def _lacks_answer(self, line: Kept) -> bool:
        return self._judge.measure.reads_answer and not (line.output or "").strip()

    async def _asked(self, line: Kept, texts: Mapping[str, str]) -> tuple[float, str | None]:
        measure = self._judge.measure
        context = context_of(line, range=(measure.least, measure.most))
        return await self._judge.judged(line.id, texts, context, self._read, self._wants), None

    def _read(self, reply: Reply) -> float | None:
        bounds = self._judge.measure.least, self._judge.measure.most
        return read_number(reply.text, *bounds)


class Weighing(Rating):
    """Each instruction is given the mean of the numbers that a judge weighs, where that is told.

    Numbers that are given one by one crowd on a few; the mean also tells how near the next one was.
    """

    _wants = "logprobs"

    def _read(self, reply: Reply) -> float | None:
        number = super()._read(reply)
        if number is None:
            return None
        measure = self._judge.measure
        mean = weigh_number(number, reply.logprobs, measure.least, measure.most)
        return number if mean is None else round(mean, 2)


class Tagging(Rating):
    """Each instruction is given tags; their number is its value."""

    async def _asked(self, line: Kept, texts: Mapping[str, str]) -> tuple[float, str | None]:
        tags = await self._judge.judged(
            line.id, texts, context_of(line), lambda reply: read_tags(reply.text)
        )
        return float(len(tags)), json.dumps(tags, ensure_ascii=False)


# How often an instruction is solved

_ANSWER = 1_400  # characters of an answer, usually


class Solving(ByItem[Kept]):
    """Each instruction is answered several times; its value is the share that agree."""

    def __init__(
        self, ask: Ask, recipe: Recipe, pack: Pack, judge: MeasureJudge, times: int
    ) -> None:
        """Bind the parts; `judge` tells whether two answers agree where their words do not."""
        self._ask = ask
        self._sampling = recipe.sampling("solve")
        self._pack = pack
        self._judge = judge
        self._times = times
        model = str(self._sampling["model"])
        self.way = Way(judge.way.measure, f"{judge.way.method}-{times}", model, judge.way.pack)

    def items(self, texts: Texts) -> Iterator[Kept]:
        """Yield what is asked about at once: an instruction."""
        return texts.lines()

    def takes(self, item: Kept) -> Iterator[Take]:
        """Yield what its answers take, and what comparing each with the first one does."""
        own = len(item.instruction)
        yield Take("solve", self._times, self._times * own)
        compared = len(self._judge.measure.template.text) + own + 2 * _ANSWER
        yield Take("score", self._times - 1, (self._times - 1) * compared)

    async def judge(self, item: Kept) -> Judged:
        """Have it answered, and count the largest number of answers that agree."""
        answers, gone = await all_judged(self._answer(item, n) for n in range(self._times))
        if len(answers) < 2:  # noqa: PLR2004 - one agrees with nobody
            places = tuple(place for each in gone for place in each.places)
            return Judged(missing=[Missing("too_few_answers", places)])
        count, missing = len(answers), list[Missing]()
        share = await self._agreeing(item, answers, missing) / count
        low, high = of_share(share, count)
        span, digest = (round(low, 3), round(high, 3)), text_digest(item.instruction)
        return Judged([Score.of(item.id, self.way, round(share, 3), span, count, digest)], missing)

    async def _answer(self, line: Kept, number: int) -> str:
        messages = self._pack.prompt("answer", child=line.instruction)
        call_id = CallId(f"{line.id}/{number} {self.way.model}", "solve")
        request = Request(call_id, context_of(line), messages, **self._sampling)
        try:
            reply: Reply = await self._ask(request)
        except (CallRejected, CallFailed) as error:
            raise NotJudgedError(Missing(error.error, (place_of(request),))) from error
        answer = read_answer(reply.text, line.instruction)
        if not answer or reply.finish_reason == "length":
            raise NotJudgedError(Missing("no_answer", (place_of(request),)))
        return answer

    async def _agreeing(self, line: Kept, answers: list[str], missing: list[Missing]) -> int:
        """Return the size of the largest group of answers with the same result.

        Two answers of which nobody tells count as different; `missing` gets why.
        """
        groups: list[list[str]] = []
        asked = 0
        for answer in answers:
            for group in groups:
                agree = same_result(group[0], answer)
                if agree is None:
                    agree = await self._judged_same(line, group[0], answer, asked, missing)
                    asked += 1
                if agree:
                    group.append(answer)
                    break
            else:
                groups.append([answer])
        return max(map(len, groups))

    async def _judged_same(
        self, line: Kept, first: str, second: str, asked: int, missing: list[Missing]
    ) -> bool:
        texts = {
            "instruction": shown(line.instruction),
            "first": shown(first),
            "second": shown(second),
        }
        context = context_of(line, parent=first)
        about = f"{line.id}/{asked}"
        try:
            return await self._judge.judged(
                about, texts, context, lambda reply: read_verdict(reply.text)
            )
        except NotJudgedError as error:
            missing.append(error.missing)
            return False
