"""Callers are kept within their requests and tokens."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sutdol.chat.quota import OverLimit, Quota, estimate
from sutdol.core.caller import Caller
from sutdol.storage.limits import Limits

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class World:
    """A clock, and what the database says was spent."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.spent = 0
        self.asked = 0

    def quota(self) -> Quota:
        limits = Limits(clock=lambda: self.seconds)
        return Quota(limits, self._spent, lambda: NOON + timedelta(seconds=self.seconds))

    def _spent(self, key: str, since: datetime) -> int:
        assert since == datetime(2026, 5, 4 + (self.seconds > 43_200), tzinfo=UTC)
        self.asked += 1
        return self.spent


def caller(**limits: int) -> Caller:
    return Caller(user="u", name="kim", role="user", key="k", **limits)


def reserve(quota: Quota, who: Caller, tokens: int) -> object:
    return asyncio.run(quota.reserve(who, tokens))


def test_whoever_has_no_limit_is_never_stopped() -> None:
    quota = World().quota()

    assert quota.request(caller()) is None
    assert reserve(quota, caller(), 10**9)


def test_requests_come_back_with_time() -> None:
    world = World()
    quota = world.quota()
    who = caller(rpm=2)
    quota.request(who)
    quota.request(who)
    with pytest.raises(OverLimit) as over:
        quota.request(who)
    assert 29 <= over.value.retry <= 30
    world.seconds += over.value.retry

    assert quota.request(who)


def test_tokens_are_reserved_and_settled() -> None:
    quota = World().quota()
    who = caller(tpm=1_000)
    first = asyncio.run(quota.reserve(who, 900))
    with pytest.raises(OverLimit):
        reserve(quota, who, 200)
    quota.settle(first, 100)
    second = asyncio.run(quota.reserve(who, 900))
    quota.settle(second, 1_500)

    with pytest.raises(OverLimit):
        reserve(quota, who, 1)


def test_a_question_larger_than_the_quota_needs_all_of_it() -> None:
    quota = World().quota()
    who = caller(tpm=100)

    assert reserve(quota, who, 5_000)
    with pytest.raises(OverLimit):
        reserve(quota, who, 5_000)


def test_a_days_tokens_are_counted_here_and_by_others() -> None:
    world = World()
    quota = world.quota()
    who = caller(daily_tokens=1_000)
    quota.settle(asyncio.run(quota.reserve(who, 10)), 400)
    reserve(quota, who, 10)
    assert world.asked == 1
    world.spent, world.seconds = 1_000, 11

    with pytest.raises(OverLimit) as over:
        reserve(quota, who, 10)
    assert 43_000 < over.value.retry < 43_200


def test_a_new_day_begins_at_midnight() -> None:
    world = World()
    quota = world.quota()
    who = caller(daily_tokens=1_000)
    quota.settle(asyncio.run(quota.reserve(who, 10)), 1_000)
    with pytest.raises(OverLimit):
        reserve(quota, who, 10)
    world.seconds = 43_201

    assert reserve(quota, who, 10)


def test_what_is_under_way_counts_for_the_day() -> None:
    quota = World().quota()
    who = caller(daily_tokens=1_000)
    first = asyncio.run(quota.reserve(who, 600))
    with pytest.raises(OverLimit, match="under way") as over:
        reserve(quota, who, 600)
    assert over.value.retry == 1.0
    second = asyncio.run(quota.reserve(who, 300))
    quota.settle(first, 10)
    quota.settle(second, 20)

    assert reserve(quota, who, 600)


def test_what_is_under_way_is_not_forgotten_when_the_database_is_asked_again() -> None:
    world = World()
    quota = world.quota()
    who = caller(daily_tokens=1_000)
    reserve(quota, who, 900)
    world.seconds = 11

    with pytest.raises(OverLimit, match="under way"):
        reserve(quota, who, 200)


def test_a_question_larger_than_the_day_may_be_asked_alone() -> None:
    quota = World().quota()
    who = caller(daily_tokens=100)
    quota.settle(asyncio.run(quota.reserve(who, 5_000)), 50)
    held = asyncio.run(quota.reserve(who, 5_000))
    with pytest.raises(OverLimit):
        reserve(quota, who, 1)
    quota.settle(held, 50)

    with pytest.raises(OverLimit, match="of today"):
        reserve(quota, who, 1)


def test_a_question_that_is_refused_holds_nothing() -> None:
    world = World()
    quota = world.quota()
    who = caller(tpm=100, daily_tokens=1_000)
    quota.settle(asyncio.run(quota.reserve(who, 100)), 100)
    for _ in range(9):
        with pytest.raises(OverLimit, match="a minute"):
            reserve(quota, who, 100)
    world.seconds = 61

    assert reserve(quota, who, 100)


def test_estimates_count_what_is_asked_and_what_may_be_answered() -> None:
    assert estimate(400, 50) == 150
    assert estimate(400, None) == 356
    assert estimate(400, 50, 3) == 250
    assert estimate(0, 0) == 0
