"""The outcome of every call is in the journal before it is used, and is never asked for twice."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.errors import (
    BudgetReached,
    CallFailed,
    CallRejected,
    InputError,
    StopRun,
    TryAgain,
)
from evolinstruct.llm.base import CallContext, CallId, Prefetched, Reply, Request, Usage
from evolinstruct.llm.journal import Journal, Place
from evolinstruct.llm.journal.client import JournalledClient, NotPrefetchedError, request_key
from tests.scripted import Scripted, reply

REQUEST = Request(
    call_id=CallId("c1", "answer", 0),
    context=CallContext(2, "deepen", "in-depth", None, "Why?"),
    messages=(("user", "Why?"),),
    model="m",
    temperature=1.0,
    top_p=0.9,
    max_tokens=100,
)


def ask(path: Path, client: Scripted, *requests: Request) -> list[Reply | Exception]:
    async def all_of_them() -> list[Reply | Exception]:
        journal = Journal(path)
        journalled = JournalledClient(client, journal, "scripted")
        try:
            return await asyncio.gather(
                *(journalled.complete(request) for request in requests), return_exceptions=True
            )
        finally:
            journal.close()

    return asyncio.run(all_of_them())


def test_a_reply_is_asked_for_once_and_comes_back_whole(tmp_path: Path) -> None:
    whole = Reply("Because\x00 of “this” 😀.", "stop", Usage(7, 9, 3, 2), "m-2026")
    client = Scripted(lambda _: whole)
    assert ask(tmp_path / "j", client, REQUEST) == [whole]
    assert ask(tmp_path / "j", client, REQUEST) == [whole]
    assert len(client.asked) == 1


def test_what_else_might_have_stood_in_a_reply_comes_back_with_it(tmp_path: Path) -> None:
    told = (((" 7", -0.25), ("8", -1.5)), (("é\u2028", 0.0),))
    whole = Reply("7", "stop", Usage(7, 9), "m", logprobs=told)
    plain = replace(REQUEST, call_id=CallId("c2", "answer"))
    client = Scripted(lambda request: whole if request.wants == "logprobs" else reply("8"))
    weighed = replace(REQUEST, wants="logprobs")
    assert ask(tmp_path / "j", client, weighed, plain) == [whole, reply("8")]
    # What is wanted of a reply is no part of the key: what was paid for is used, as it is.
    again = ask(tmp_path / "j", client, REQUEST, replace(plain, wants="logprobs"))
    assert again == [whole, reply("8")]
    assert len(client.asked) == 2
    with closing(Journal(tmp_path / "j", only_read=True)) as journal:
        found = journal.find(request_key("scripted", REQUEST), 100)
    assert found is not None
    assert found.logprobs == told
    with closing(sqlite3.connect(tmp_path / "j")) as db, db:
        db.execute("UPDATE logprobs SET said = replace(said, '8', '9')")
    (refused,) = ask(tmp_path / "j", client, weighed)
    assert isinstance(refused, InputError)
    assert "the logprobs of a reply are not as they were written" in str(refused)


@pytest.mark.parametrize(
    "end", [CallFailed("http_500", "gone", 6), CallRejected("too_long", "4096 at most")]
)
def test_how_a_call_ended_without_a_reply_is_remembered(tmp_path: Path, end: Exception) -> None:
    client = Scripted(lambda _: end)
    for _ in range(2):
        [got] = ask(tmp_path / "j", client, REQUEST)
        assert type(got) is type(end)
        assert vars(got) == vars(end)
    assert len(client.asked) == 1


@pytest.mark.parametrize("end", [StopRun("stop"), TryAgain("timeout", "slow")])
def test_a_stop_is_no_outcome_and_the_call_is_asked_again(tmp_path: Path, end: Exception) -> None:
    ask(tmp_path / "j", Scripted(lambda _: end), REQUEST)
    assert ask(tmp_path / "j", Scripted(lambda _: "now"), REQUEST) == [reply("now")]


@pytest.mark.parametrize(
    "change",
    [
        lambda r: replace(r, model="other"),
        lambda r: replace(r, messages=(("system", "Be brief."), ("user", "Why?"))),
        lambda r: replace(r, temperature=0.5),
        lambda r: replace(r, top_p=None),
        lambda r: replace(r, extra={"min_p": 0.1}),
        lambda r: replace(r, call_id=CallId("c2", "answer", 0)),
        lambda r: replace(r, call_id=CallId("c1", "compare", 0)),
        lambda r: replace(r, call_id=CallId("c1", "answer", 1)),
    ],
)
def test_whatever_is_asked_for_is_part_of_the_key(change: Callable[[Request], Request]) -> None:
    assert request_key("a", REQUEST) != request_key("a", change(REQUEST))


def test_the_client_is_part_of_the_key_but_limits_and_subject_are_not() -> None:
    assert request_key("a", REQUEST) != request_key("b", REQUEST)
    other = replace(REQUEST, max_tokens=7, context=replace(REQUEST.context, operation=None))
    assert request_key("a", REQUEST) == request_key("a", other)


def test_no_two_lists_of_parts_run_into_the_same_key() -> None:
    one = replace(REQUEST, messages=(("user", "a"), ("user", "b")))
    other = replace(REQUEST, messages=(("user", "a1:user4:b"),))
    assert request_key("a", one) != request_key("a", other)


def test_a_reply_cut_off_is_asked_again_only_when_more_is_allowed(tmp_path: Path) -> None:
    cut = Scripted(lambda _: reply("Beca", "length"))
    whole = Scripted(lambda _: "Because.")
    ask(tmp_path / "j", cut, REQUEST)
    assert ask(tmp_path / "j", whole, REQUEST) == [reply("Beca", "length")]
    assert ask(tmp_path / "j", whole, replace(REQUEST, max_tokens=200)) == [reply("Because.")]
    assert ask(tmp_path / "j", cut, replace(REQUEST, max_tokens=200)) == [reply("Because.")]


def test_an_outcome_that_cannot_be_stored_takes_no_other_with_it_afterwards(tmp_path: Path) -> None:
    replies = iter([Reply("too much", "stop", Usage(2**64), "m"), reply("fine")])
    client = Scripted(lambda _: next(replies))

    async def one_after_the_other() -> list[Reply | BaseException]:
        journal = Journal(tmp_path / "j")
        journalled = JournalledClient(client, journal, "scripted")
        asked = [journalled.complete(REQUEST) for _ in range(3)]
        found = [(await asyncio.gather(call, return_exceptions=True))[0] for call in asked]
        journal.close()
        return found

    first, *others = asyncio.run(one_after_the_other())
    assert isinstance(first, OverflowError)
    assert others == [reply("fine"), reply("fine")]


def test_calls_that_end_together_share_a_commit_and_each_gets_its_own(tmp_path: Path) -> None:
    requests = [replace(REQUEST, call_id=CallId(f"c{n}", "answer", 0)) for n in range(50)]
    replies = ask(tmp_path / "j", Scripted(lambda r: r.call_id.child_id), *requests)
    assert replies == [reply(f"c{n}") for n in range(50)]
    # Taken up to the last whole commit, the file holds them all.
    with closing(sqlite3.connect(tmp_path / "j")) as db:
        rows = db.execute("SELECT text FROM calls ORDER BY rowid").fetchall()
    assert [row[0] for row in rows] == [f"c{n}" for n in range(50)]


def test_replies_are_counted_and_failures_are_none(tmp_path: Path) -> None:
    failing = CallFailed("timeout", "slow", 4)
    client = Scripted(lambda r: failing if r.purpose == "compare" else "ok")
    second = replace(REQUEST, call_id=CallId("c2", "answer", 0))
    compare = replace(REQUEST, call_id=CallId("c2", "compare", 0))
    ask(tmp_path / "j", client, REQUEST, second, compare)
    journal = Journal(tmp_path / "j")
    assert journal.replies() == 2
    journal.close()


def test_a_damaged_or_newer_journal_is_refused_in_a_sentence(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"no database " * 100)
    with pytest.raises(InputError, match=r"garbage is damaged: file is not a database; restore"):
        Journal(garbage)
    newer = tmp_path / "newer"
    db = sqlite3.connect(newer)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(InputError, match=r"newer is from a newer version of evolinstruct"):
        Journal(newer)


# --- what is under way --------------------------------------------------------------------------


class Held:
    """A client that answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answers: asyncio.Queue[Reply | Exception] = asyncio.Queue()

    def for_request(self, request: Request) -> Held:
        return self

    async def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        if request.prefetched is not None:
            request.prefetched.sent()
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None: ...


def under_way(
    path: Path, scenario: Callable[[Held, JournalledClient, Journal], Coroutine[Any, Any, None]]
) -> None:
    async def whole() -> None:
        held, journal = Held(), Journal(path)
        client = JournalledClient(held, journal, "scripted")
        try:
            await scenario(held, client, journal)
        finally:
            await client.aclose()
            journal.close()

    asyncio.run(asyncio.wait_for(whole(), 10))


def ahead() -> Request:
    return REQUEST.ahead(Prefetched(lambda: None))


WHOLE = Reply("Because.", "stop", Usage(7, 9), "m-2026")


@pytest.mark.parametrize("order", [("prefetch", "complete"), ("complete", "prefetch")])
def test_a_call_under_way_is_waited_for_whoever_made_it(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    async def scenario(held: Held, client: JournalledClient, journal: Journal) -> None:
        asks = {"prefetch": client.prefetch, "complete": client.complete}
        waiters = []
        for name in order:
            request = ahead() if name == "prefetch" else REQUEST
            waiters.append(asyncio.create_task(asks[name](request)))
            await asyncio.sleep(0.01)
        held.answers.put_nowait(WHOLE)
        assert await asyncio.gather(*waiters) == [WHOLE, WHOLE]
        assert len(held.asked) == 1
        assert (client.calls.total(), client.replayed.total()) == (1, 0)
        assert journal.unused() == 0

    under_way(tmp_path / "j", scenario)


def test_a_prefetched_call_outlives_whoever_wanted_it_and_counts_as_unused(tmp_path: Path) -> None:
    async def scenario(held: Held, client: JournalledClient, journal: Journal) -> None:
        waiter = asyncio.create_task(client.prefetch(ahead()))
        await asyncio.sleep(0.01)
        waiter.cancel()
        held.answers.put_nowait(WHOLE)
        await asyncio.sleep(0.01)
        assert journal.unused() == 1
        assert await client.complete(REQUEST) == WHOLE
        assert (len(held.asked), journal.unused()) == (1, 0)

    under_way(tmp_path / "j", scenario)


@pytest.mark.parametrize(
    "end",
    [
        CallFailed("http_500", "gone", 6),
        TryAgain("http_429", "slow down"),
        BudgetReached("Enough."),
    ],
)
def test_a_prefetched_call_without_a_reply_leaves_nothing_and_the_run_asks_itself(
    tmp_path: Path, end: Exception
) -> None:
    async def scenario(held: Held, client: JournalledClient, journal: Journal) -> None:
        first = asyncio.create_task(client.prefetch(ahead()))
        await asyncio.sleep(0.01)
        own = asyncio.create_task(client.complete(REQUEST))
        await asyncio.sleep(0.01)
        held.answers.put_nowait(end)
        with pytest.raises(NotPrefetchedError) as refused:
            await first
        assert refused.value.again is isinstance(end, TryAgain)
        assert journal.outcomes() == 0
        held.answers.put_nowait(WHOLE)
        assert await own == WHOLE
        assert [request.prefetched is None for request in held.asked] == [False, True]

    under_way(tmp_path / "j", scenario)


def test_attempts_that_no_line_has_used_do_not_count_for_a_retry(tmp_path: Path) -> None:
    async def scenario(held: Held, client: JournalledClient, journal: Journal) -> None:
        held.answers.put_nowait(WHOLE)
        await client.complete(REQUEST)
        second = replace(REQUEST, call_id=replace(REQUEST.call_id, attempt=1))
        held.answers.put_nowait(WHOLE)
        await client.prefetch(second.ahead(Prefetched(lambda: None)))
        call_id = REQUEST.call_id
        journal.retire("failed", [Place(call_id.child_id, call_id.purpose, 1)])
        assert journal.newest(call_id).attempt == 1

    under_way(tmp_path / "j", scenario)
