"""Measures of one instruction at a time: a number in a range, tags, and how often it is solved."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from math import sqrt

from evolinstruct.errors import CallFailed, CallRejected
from evolinstruct.llm.base import CallId, Reply, Request
from evolinstruct.prompts import Pack
from evolinstruct.reading import read_answer, read_number, read_tags, read_verdict
from evolinstruct.records import Kept
from evolinstruct.scoring.asking import Ask, Judge, NotJudgedError, context_of, shown
from evolinstruct.scoring.method import Judged, Method
from evolinstruct.scoring.scores import Score, Way, text_digest
from evolinstruct.scoring.texts import Texts
from evolinstruct.settings import Recipe

_NO_ANSWER = "no_answer"
_SURE = 1.645  # of a normal distribution: nine times in ten


def _texts(judge: Judge, line: Kept) -> dict[str, str]:
    """Return what fills the places of a prompt about one instruction.

    Raises:
        NotJudgedError: the answer is to be judged, and there is none.
    """
    if not judge.measure.reads_answer:
        return {"instruction": shown(line.instruction)}
    if not (line.output or "").strip():
        raise NotJudgedError(_NO_ANSWER)
    return {"instruction": shown(line.instruction), "answer": shown(line.output or "")}


class Rating(Method[Kept]):
    """Each instruction is given a number, or tags, whose number is its value."""

    calls_each = 1

    def __init__(self, judge: Judge) -> None:
        """Bind the judge."""
        self._judge = judge
        self.way = judge.way

    def items(self, texts: Texts) -> Iterator[Kept]:
        """Yield what is asked about at once: an instruction."""
        return texts.lines()

    def characters(self, item: Kept) -> int:
        """Return how long the prompt about an instruction is."""
        answer = shown(item.output or "") if self._judge.measure.reads_answer else ""
        own = len(shown(item.instruction)) + len(answer)
        return len(self._judge.measure.template.text) + own

    async def judge(self, item: Kept) -> Judged:
        """Ask for the number, or whatever the measure asks for."""
        try:
            value, tags = await self._asked(item, _texts(self._judge, item))
        except NotJudgedError as error:
            return Judged(failed=[str(error)])
        answer = item.output if self._judge.measure.reads_answer else None
        digest = text_digest(item.instruction, answer)
        return Judged([Score.of(item.id, self.way, value, None, 1, digest, tags)])

    async def _asked(self, line: Kept, texts: Mapping[str, str]) -> tuple[float, str | None]:
        bounds = self._judge.measure.least, self._judge.measure.most
        context = context_of(line, range=bounds)
        read = partial(read_number, least=bounds[0], most=bounds[1])
        return await self._judge.judged(line.id, 0, texts, context, read), None


class Tagging(Rating):
    """Each instruction is given tags; their number is its value."""

    async def _asked(self, line: Kept, texts: Mapping[str, str]) -> tuple[float, str | None]:
        tags = await self._judge.judged(line.id, 0, texts, context_of(line), read_tags)
        return float(len(tags)), json.dumps(tags, ensure_ascii=False)


# How often an instruction is solved

_FINAL = re.compile(
    r"(?:####|\\boxed\{|(?:answer|result|total|solution|sum|antwort|ergebnis|réponse|respuesta"
    r"|resposta|ответ|答案|答え|정답)(?: is| are|:|：|=| ist| est| es| é)?)[\s*$]*"
    r"(-?\d[\d,.\s]*(?:/\d+)?%?)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?\d[\d,.]*(?:/\d+)?%?")
_BRIEF = 12  # words: the only number of so short an answer is its result


class Solving(Method[Kept]):
    """Each instruction is answered several times; its value is the share that agree."""

    def __init__(self, ask: Ask, recipe: Recipe, pack: Pack, judge: Judge, times: int) -> None:
        """Bind the parts; `judge` tells whether two answers agree where their words do not."""
        self._ask = ask
        self._sampling = recipe.sampling("solve")
        self._pack = pack
        self._judge = judge
        self._times = times
        self.calls_each = times
        model = str(self._sampling["model"])
        self.way = Way(judge.way.measure, f"{judge.way.method}-{times}", model, judge.way.pack)

    def items(self, texts: Texts) -> Iterator[Kept]:
        """Yield what is asked about at once: an instruction."""
        return texts.lines()

    def characters(self, item: Kept) -> int:
        """Return how long the prompts about it are, without those that compare answers."""
        return self._times * len(item.instruction)

    async def judge(self, item: Kept) -> Judged:
        """Have it answered, and count the largest number of answers that agree."""
        asked = (self._answer(item, number) for number in range(self._times))
        answers = [answer for answer in await asyncio.gather(*asked) if answer]
        if len(answers) < 2:  # noqa: PLR2004 - one agrees with nobody
            return Judged(failed=["too_few_answers"])
        count = len(answers)
        share = await self._agreeing(item, answers) / count
        span, digest = _wilson(share, count), text_digest(item.instruction)
        return Judged([Score.of(item.id, self.way, round(share, 3), span, count, digest)])

    async def _answer(self, line: Kept, number: int) -> str:
        messages = self._pack.prompt("answer", child=line.instruction)
        request = Request(
            CallId(line.id, "solve", number), context_of(line), messages, **self._sampling
        )
        try:
            reply: Reply = await self._ask(request)
        except (CallRejected, CallFailed):
            return ""
        whole = reply.finish_reason != "length"
        return read_answer(reply.text, line.instruction).strip() if whole else ""

    async def _agreeing(self, line: Kept, answers: list[str]) -> int:
        """Return the size of the largest group of answers with the same result."""
        groups: list[list[str]] = []
        asked = 0
        for answer in answers:
            for group in groups:
                agree = same_result(group[0], answer)
                if agree is None:
                    agree = await self._judged_same(line, group[0], answer, asked)
                    asked += 1
                if agree:
                    group.append(answer)
                    break
            else:
                groups.append([answer])
        return max(map(len, groups))

    async def _judged_same(self, line: Kept, first: str, second: str, asked: int) -> bool:
        texts = {
            "instruction": shown(line.instruction),
            "first": shown(first),
            "second": shown(second),
        }
        context = context_of(line, parent=first)
        try:
            return await self._judge.judged(line.id, 2 * asked, texts, context, read_verdict)
        except NotJudgedError:
            return False


def same_result(one: str, other: str) -> bool | None:
    """Tell whether two answers have the same result by their words or numbers; None if unclear."""
    if _plain(one) == _plain(other):
        return True
    first, second = result_of(one), result_of(other)
    return None if first is None or second is None else first == second


def result_of(answer: str) -> str | None:
    """Return the number that an answer ends in or states as its result, in one form."""
    stated = _FINAL.findall(answer)
    if stated:
        return _number(stated[-1])
    numbers = _NUMBER.findall(answer)
    return _number(numbers[0]) if len(numbers) == 1 and len(answer.split()) <= _BRIEF else None


def _number(text: str) -> str:
    bare = re.sub(r"[,\s](?=\d{3}\b)", "", text.strip()).rstrip(".,")
    try:
        return f"{float(bare):g}"
    except ValueError:
        return bare


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _wilson(share: float, times: int) -> tuple[float, float]:
    """Return the interval of a share: Wilson's, nine times in ten."""
    square = _SURE**2
    middle = (share + square / (2 * times)) / (1 + square / times)
    half = (
        _SURE * sqrt(share * (1 - share) / times + square / (4 * times**2)) / (1 + square / times)
    )
    return round(max(0.0, middle - half), 3), round(min(1.0, middle + half), 3)
