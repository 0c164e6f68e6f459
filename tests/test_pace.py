"""The law that finds how much a service takes, tried on services in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf

import pytest

from evolinstruct.llm.base import Limits
from evolinstruct.llm.throttle.limits import Announced, Bucket
from evolinstruct.llm.throttle.pace import Pace
from tests.simulated import (
    CLOSED,
    Batching,
    End,
    Limited,
    Noisy,
    Queueing,
    Service,
    Traffic,
    mixed,
    simulate,
)

SECONDS = 75.0
MOST = 512


def auto(service: Service, seconds: float = SECONDS) -> Traffic:
    return simulate(service, seconds, lambda clock: Pace(clock, MOST))


def fixed(service: Service, concurrency: int, seconds: float = SECONDS) -> Traffic:
    return simulate(service, seconds, lambda clock: Pace(clock, concurrency, fixed=True))


def limited(rate: float, *seconds: float, **more: float) -> Callable[[], Service]:
    return lambda: Limited(rate, mixed(*seconds), **more)  # type: ignore[arg-type]


def queueing(capacity: int, *seconds: float) -> Callable[[], Service]:
    return lambda: Queueing(capacity, mixed(*seconds))


A_MINUTE = {"burst": 500.0}
SERVERS: dict[str, tuple[Callable[[], Service], float]] = {
    "20 a second at 0.2 s": (limited(20, 0.2), 20),
    "20 a second at 2 s": (limited(20, 2), 20),
    "200 a second at 0.2 s": (limited(200, 0.2), 200),
    "200 a second at 2 s": (limited(200, 2), 200),
    "200 a second at both": (limited(200, 0.2, 2), 200),
    "800 a second at 0.2 s": (limited(800, 0.2), 800),
    "800 a second at both, as far as 512 go": (limited(800, 0.2, 2), MOST / 1.1),
    "capacity 8 at 0.2 s": (queueing(8, 0.2), 40),
    "capacity 8 at 2 s": (queueing(8, 2), 4),
    "capacity 64 at 0.2 s": (queueing(64, 0.2), 320),
    "capacity 64 at 2 s": (queueing(64, 2), 32),
    "500 a minute at 0.2 s": (limited(500 / 60, 0.2, **A_MINUTE), 500 / 60),
    "500 a minute at 2 s": (limited(500 / 60, 2, **A_MINUTE), 500 / 60),
    "500 a minute, announced": (limited(500 / 60, 0.2, **A_MINUTE, announces=True), 500 / 60),
    "a local model that slows down": (lambda: Batching(1.0, 64), 56.9),
}
"""Each with the replies a second that the best fixed setting gets in the long run."""


MANY = ("200 ", "800 ", "capacity 64 at 0.2 ")
"""Servers of so many calls that it takes long to simulate them."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * name.startswith(MANY)) for name in SERVERS],
)
def test_from_second_15_on_it_gets_nine_tenths_of_what_there_is_and_few_refusals(name: str) -> None:
    make, best = SERVERS[name]
    traffic = auto(make())
    assert traffic.rate(15, SECONDS) >= 0.9 * best
    assert traffic.refused_in(60) <= max(20, 0.02 * traffic.ended_in(60))


@pytest.mark.parametrize(
    ("name", "setting"), [("20 a second at 0.2 s", 4), ("capacity 8 at 2 s", 8)]
)
def test_what_is_called_best_is_what_the_right_fixed_setting_gets(name: str, setting: int) -> None:
    make, best = SERVERS[name]
    assert fixed(make(), setting).rate(15, SECONDS) == pytest.approx(best, rel=0.02)


def test_announced_limits_are_never_run_into() -> None:
    assert auto(limited(500 / 60, 0.2, **A_MINUTE, announces=True)()).refusals == []


def test_a_saturated_server_is_not_flooded() -> None:
    windows = auto(queueing(8, 0.2)()).windows
    assert max(windows[10:]) <= 24


@pytest.mark.slow
def test_a_rest_ends_and_more_is_tried_when_the_server_grows() -> None:
    service = Queueing(8, mixed(0.2))
    pace: list[Pace] = []

    def make(clock: Callable[[], float]) -> Pace:
        pace.append(Pace(clock, MOST))
        return pace[0]

    grows = _Growing(service, 30.0, 64)
    assert simulate(grows, 120, make).rate(90, 120) >= 0.9 * 320


class _Growing:
    """Has another capacity from some second on."""

    def __init__(self, service: Queueing, at: float, capacity: int) -> None:
        self._service, self._at, self._capacity = service, at, capacity

    def ask(self, now: float) -> object:
        if now >= self._at:
            self._service.capacity = self._capacity
        return self._service.ask(now)


@pytest.mark.slow
def test_random_refusals_and_failures_do_not_slow_it_down() -> None:
    stormy = Noisy(Queueing(256, mixed(0.2)), refusals=0.02, failures=0.08, retry_after=0.001)
    assert auto(stormy).rate(15, SECONDS) >= 0.9 * 0.9 * 1280


def test_after_a_refusal_nothing_is_sent_until_the_service_says() -> None:
    traffic = auto(limited(20, 0.2, burst=20.0)(), 30)
    first = traffic.refusals[0]
    burst = [at for at in traffic.sends if first < at < first + 0.99]
    assert burst == []


def test_a_burst_of_refusals_is_one_cut() -> None:
    now = 0.0
    pace = Pace(lambda: now, MOST)
    burst = [pace.on_sent() for _ in range(8)]
    now = 0.1
    pace.on_refused(burst[0], 1.0, None)
    cut = pace.rate
    for sent in burst[1:]:
        pace.on_refused(sent, 1.0, None)
    assert (pace.rate, pace.in_flight, pace.pause) == (cut, 0, 1.0)


def test_a_fixed_number_is_kept_whatever_comes_but_a_pause() -> None:
    now = 0.0
    pace = Pace(lambda: now, 4, fixed=True)
    for _ in range(20):
        pace.on_refused(pace.on_sent(), 0.5, None)
        pace.on_lost(pace.on_sent())
    assert (pace.limit, pace.wait()) == (4, 0.5)
    now = 0.5
    assert pace.wait() == 0


@pytest.mark.parametrize("rpm", [1, 30, 60, 600, pytest.param(12_000, marks=pytest.mark.slow)])
def test_no_minute_holds_more_calls_than_the_user_allows(rpm: int) -> None:
    make = partial(Pace, most=MOST, rpm=rpm)
    seconds = 130
    sends = simulate(Queueing(MOST, mixed(0.2)), seconds, make).sends
    last = 0
    most = 0
    for n, at in enumerate(sends):
        while sends[last] <= at - 60 + 1e-6:
            last += 1
        most = max(most, n - last + 1)
    assert 0.97 * rpm * seconds / 60 - 60 <= len(sends)
    assert most <= rpm


def test_tokens_are_settled_by_what_was_used() -> None:
    bucket = Bucket(6_000)
    bucket.take(1_000)
    assert bucket.wait(0.0) > 9
    bucket.take(-1_000)
    assert bucket.wait(0.0) == 0


def test_what_comes_back_meanwhile_is_the_rate_when_nothing_is_left() -> None:
    announced = Announced()
    announced.see(500, 0, 60.0, 0.0)
    assert announced.rate == pytest.approx(500 / 60)


SLOW: dict[str, tuple[int, float, float, float, int]] = {
    "one slot, 1 s a call": (1, 1, 30, 0.95, 0),
    "one slot, 5 s a call": (1, 5, 60, 0.95, 0),
    "one slot, 20 s a call": (1, 20, 300, 0.95, 0),
    "one slot, 20 s a call, and little time": (1, 20, 60, 0.8, 6),
    "one slot, 20 s a call, and hardly time for one": (1, 20, 30, 0.7, 12),
    "4 slots, 5 s a call": (4, 5, 30, 0.95, 0),
    "4 slots, 20 s a call": (4, 20, 300, 0.95, 0),
    "4 slots, 20 s a call, and little time": (4, 20, 60, 0.75, 15),
}
"""Slots, seconds of a call, the timeout, the least share of what can be got, the most lost."""


def slow(
    slots: int, seconds: float, timeout: float, *, notices: bool = True, minutes: float = 10
) -> Traffic:
    """Ask a server that answers in order, and that notices or does not when a call is given up."""
    service = Queueing(slots, mixed(seconds), timeout if notices else inf)
    make = partial(Pace, most=MOST, timeout=timeout)
    return simulate(service, minutes * 60, make, timeout=timeout)


@pytest.mark.parametrize("name", SLOW)
def test_a_small_server_is_not_overrun(name: str) -> None:
    slots, seconds, timeout, share, lost = SLOW[name]
    traffic = slow(slots, seconds, timeout)
    assert len(traffic.replies) >= share * slots * 600 / seconds
    assert len(traffic.lost) <= lost


@pytest.mark.parametrize(("seconds", "share"), [(5.0, 0.85), (10.0, 0.8), (20.0, 0.55)])
def test_a_server_that_works_on_for_calls_given_up_gets_through_them(
    seconds: float, share: float
) -> None:
    traffic = slow(1, seconds, 30.0, notices=False)
    assert len(traffic.replies) >= share * 600 / seconds


def test_few_calls_are_sent_before_the_first_reply() -> None:
    sends = auto(queueing(MOST, 5.0)(), 10).sends
    assert sum(at < 4 for at in sends) == 3


def test_a_service_that_takes_long_but_many_at_once_gets_many() -> None:
    traffic = slow(MOST, 100.0, 300.0, minutes=1_200 / 60)
    assert (traffic.lost, traffic.windows[-1]) == ([], MOST)


def paced(replies: int, *, fixed: bool = False) -> tuple[Pace, list[float]]:
    """Return a pace of 64 with a latency of a second after so many replies, and its clock."""
    now = [0.0]
    pace = Pace(lambda: now[0], 64, fixed=fixed)
    while replies:
        together = [pace.on_sent() for _ in range(min(pace.limit, replies))]
        now[0] += 1
        for sent in together:
            pace.on_reply(sent)
        replies -= len(together)
    return pace, now


def test_a_call_lost_while_none_was_answered_leaves_one_under_way() -> None:
    pace, now = paced(200)
    burst = [pace.on_sent() for _ in range(20)]
    now[0] += 30
    for sent in burst:
        pace.on_lost(sent)
    assert (pace.limit, pace.in_flight) == (1, 0)


def test_a_call_lost_among_many_that_were_answered_changes_nothing() -> None:
    pace, now = paced(200)
    before, lost = pace.limit, pace.on_sent()
    for _ in range(30):
        together = [pace.on_sent() for _ in range(20)]
        now[0] += 1
        for sent in together:
            pace.on_reply(sent)
    pace.on_lost(lost)
    assert pace.limit >= before


def test_a_connection_closed_at_once_is_a_refusal() -> None:
    pace, now = paced(200)
    sent = [pace.on_sent() for _ in range(5)][-1]
    now[0] += 0.01
    pace.on_lost(sent)
    assert (pace.limit, pace.in_flight, pace.pause) == (5, 4, 0.5)


@pytest.mark.slow
def test_a_stall_of_a_large_service_is_made_up_for() -> None:
    service = _Stalling(Queueing(200, mixed(1)), 100.0, 140.0)
    traffic = simulate(service, 240, partial(Pace, most=MOST, timeout=30.0), timeout=30.0)
    assert traffic.rate(105, 145) == 0
    assert traffic.rate(200, 240) >= 0.9 * 200


class _Stalling:
    """Answers nothing that comes between two seconds."""

    def __init__(self, service: Queueing, start: float, end: float) -> None:
        self._service, self._start, self._end = service, start, end

    def ask(self, now: float) -> End:
        return End(inf) if self._start <= now < self._end else self._service.ask(now)


def test_random_closed_connections_do_not_slow_it_down() -> None:
    stormy = Noisy(Queueing(64, mixed(0.2)), refusals=0.0, failures=0.04, ending=CLOSED)
    assert auto(stormy).rate(15, SECONDS) >= 0.9 * 0.96 * 320


def test_errors_of_the_service_shrink_nothing() -> None:
    now = 0.0
    pace = Pace(lambda: now, MOST)
    before = (pace.limit, pace.rate)
    for _ in range(50):
        pace.on_sent()
        pace.on_failed()
    assert ((pace.limit, pace.rate), pace.in_flight) == (before, 0)


def test_an_announced_limit_of_a_day_leaves_a_call_a_minute_at_least() -> None:
    now = 0.0
    pace = Pace(lambda: now, 8)
    pace.on_reply(pace.on_sent(0.0), None, Limits(50, 0, 86_400.0))
    now = 60.0
    assert pace.wait() == 0
