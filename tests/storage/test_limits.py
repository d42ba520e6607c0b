"""Rate limits: buckets that empty and fill, shared through Redis, and each on its own without."""

import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.redis_server import SLACK, RedisServer, until
from tests.storage.processes import finish, heard, start

from sutdol.core.errors import UsageError
from sutdol.storage.limits import Limit, Limits, Room
from sutdol.storage.redis import WAIT, Redis

REQUESTS = Limit(name="requests", most=6)  # one every ten seconds
TOKENS = Limit(name="tokens", most=1_000, seconds=100)
HOURLY = Limit(name="requests", most=50, seconds=3_600)  # too slow to fill during a test


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> Limits:
    return Limits(clock=clock)


def taken(limits: Limits, limit: Limit, tries: int, who: str = "a") -> int:
    """How many of so many tries came through."""
    return sum(limits.take(who, limit).retry == 0 for _ in range(tries))


def test_what_is_there_is_given_and_no_more(limits: Limits) -> None:
    assert limits.take("a", REQUESTS) == Room(limit=6, remaining=5, reset=10.0, retry=0.0)
    assert taken(limits, REQUESTS, 9) == 5
    assert limits.take("a", REQUESTS) == Room(limit=6, remaining=0, reset=60.0, retry=10.0)


def test_it_fills_steadily(limits: Limits, clock: Clock) -> None:
    taken(limits, REQUESTS, 6)
    clock.now += 9.9
    assert limits.take("a", REQUESTS).retry == pytest.approx(0.1)
    clock.now += 0.1
    assert taken(limits, REQUESTS, 2) == 1
    clock.now += 1_000
    assert taken(limits, REQUESTS, 9) == 6


def test_a_refusal_takes_nothing(limits: Limits, clock: Clock) -> None:
    limits.take("a", TOKENS, 600)
    assert limits.take("a", TOKENS, 500).retry == pytest.approx(10)
    assert limits.take("a", TOKENS, 400).retry == 0


def test_whoever_waits_as_long_as_told_is_let_in(limits: Limits, clock: Clock) -> None:
    limits.take("a", TOKENS, 950)
    clock.now += limits.take("a", TOKENS, 333).retry
    assert limits.take("a", TOKENS, 333).retry == 0


def test_everybody_and_every_limit_has_a_bucket_of_its_own(limits: Limits) -> None:
    daily = Limit(name="requests", most=6, seconds=86_400)
    assert [
        taken(limits, REQUESTS, 9),
        taken(limits, REQUESTS, 9, "b"),
        taken(limits, TOKENS, 9),
        taken(limits, daily, 9),
    ] == [6, 6, 9, 6]


def test_more_than_the_whole_bucket_is_always_refused(limits: Limits) -> None:
    assert limits.take("a", REQUESTS, 7) == Room(limit=6, remaining=6, reset=0.0, retry=60.0)
    assert limits.take("a", REQUESTS, 6).retry == 0


def test_what_was_used_is_settled_later(limits: Limits, clock: Clock) -> None:
    limits.take("a", TOKENS, 400)
    limits.settle("a", TOKENS, -300)
    assert limits.take("a", TOKENS, 0).remaining == 900
    limits.settle("a", TOKENS, 1_400)
    owing = limits.take("a", TOKENS, 0)
    assert owing.remaining == 0
    assert owing.reset == pytest.approx(150)
    assert limits.take("a", TOKENS, 0).retry == pytest.approx(50)
    clock.now += 60
    assert limits.take("a", TOKENS, 0).remaining == 100


def test_what_is_given_back_makes_no_bucket_larger(limits: Limits) -> None:
    limits.take("a", TOKENS, 100)
    limits.settle("a", TOKENS, -5_000)
    limits.settle("b", TOKENS, -5_000)
    assert [limits.take(who, TOKENS, 0).remaining for who in "ab"] == [1_000, 1_000]


def test_a_larger_limit_holds_at_once_and_keeps_what_was_used(limits: Limits) -> None:
    taken(limits, REQUESTS, 3)
    twice = Limit(name="requests", most=12)
    assert limits.take("a", twice, 0).remaining == 6


@given(st.integers(1, 10**8), st.floats(60, 100_000))
def test_rounding_costs_nobody_the_last_one(most: int, seconds: float) -> None:
    limits = Limits(clock=lambda: 123_456.789)
    limit = Limit(name="tokens", most=most, seconds=seconds)
    part = max(1, most // 7)
    takes = [part] * (most // part) + [1] * (most % part)
    assert [limits.take("a", limit, amount).retry for amount in takes] == [0] * len(takes)
    assert limits.take("a", limit).retry > 0


@pytest.mark.parametrize("wrong", [-1, -1_000])
def test_nothing_is_given_back_by_taking(limits: Limits, wrong: int) -> None:
    with pytest.raises(UsageError, match="give back with `settle`"):
        limits.take("a", TOKENS, wrong)


@pytest.mark.parametrize(("most", "seconds"), [(0, 60), (-1, 60), (1, 0), (1, float("nan"))])
def test_a_limit_that_lets_nobody_in_is_none(most: int, seconds: float) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        Limit(name="tokens", most=most, seconds=seconds)


def test_whoever_was_away_longest_is_forgotten_first(clock: Clock) -> None:
    limits = Limits(clock=clock, most=2)
    for who in ("a", "b", "a", "c"):
        limits.take(who, REQUESTS)
    assert [limits.take(who, REQUESTS, 0).remaining for who in "abc"] == [4, 6, 5]


def test_buckets_that_are_full_make_room_before_others(clock: Clock) -> None:
    limits = Limits(clock=clock, most=3)
    limits.take("long", Limit(name="requests", most=1, seconds=10_000))
    for who in ("a", "b"):
        limits.take(who, REQUESTS)
    clock.now += 60
    for who in ("c", "d"):
        limits.take(who, REQUESTS)
    assert limits.take("long", Limit(name="requests", most=1, seconds=10_000), 0).remaining == 0


def test_threads_together_take_no_more_than_there_is() -> None:
    limits = Limits(clock=lambda: 0.0)
    limit = Limit(name="tokens", most=5_000)
    counts: list[int] = []
    workers = [Thread(target=lambda: counts.append(taken(limits, limit, 2_000))) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert sum(counts) == 5_000


def test_a_take_is_cheap() -> None:
    """Measured at about 2 us; a busy machine may take longer."""
    limits = Limits()
    start_ = time.perf_counter()
    taken(limits, Limit(name="requests", most=10**9), 20_000)
    assert time.perf_counter() - start_ < 20_000 * 20e-6 + SLACK


def test_processes_with_one_redis_share_a_bucket(here: Redis, there: Redis) -> None:
    one, other = Limits(here), Limits(there)
    assert taken(one, HOURLY, 30) == 30
    room = other.take("a", HOURLY)
    assert (room.limit, room.remaining, room.retry) == (50, 19, 0)
    assert room.reset == pytest.approx(31 * 72, abs=2)
    assert taken(other, HOURLY, 30) == 19
    room = one.take("a", HOURLY)
    assert room.remaining == 0
    assert room.retry == pytest.approx(72, abs=2)
    assert one.take("a", HOURLY, 51).retry == 3_600
    other.settle("a", HOURLY, -10)
    assert one.take("a", HOURLY, 0).remaining == 10
    other.settle("a", HOURLY, 30)
    assert one.take("a", HOURLY, 0).reset == pytest.approx(70 * 72, abs=2)
    other.settle("a", HOURLY, -1_000)
    assert one.take("a", HOURLY, 0) == Room(limit=50, remaining=50, reset=0.0, retry=0.0)


def test_a_bucket_in_redis_fills_by_the_clock_of_redis(here: Redis) -> None:
    quick = Limit(name="requests", most=4, seconds=0.8)
    limits = Limits(here)
    assert taken(limits, quick, 4) == 4
    room = limits.take("a", quick)
    assert 0 < room.retry <= 0.2
    time.sleep(room.retry)
    assert limits.take("a", quick).retry == 0


def test_redis_forgets_buckets_that_are_full(here: Redis) -> None:
    taken(Limits(here), Limit(name="requests", most=4, seconds=0.2), 4)
    (name,) = here.ask(lambda client: client.keys("*"))
    assert "sutdol::limit:requests:0.2:" in str(name)
    until(lambda: here.ask(lambda client: client.keys("*")) == [], seconds=2)


def test_deployments_that_share_a_redis_do_not_share_buckets(server: RedisServer) -> None:
    both = [Redis.open(server.url, space=space) for space in ("one", "other")]
    assert [taken(Limits(redis), HOURLY, 60) for redis in both] == [50, 50]
    for redis in both:
        redis.close()


def test_large_buckets_in_redis_lose_nothing_to_rounding(here: Redis) -> None:
    large, limits = Limit(name="tokens", most=30_000_000, seconds=86_400), Limits(here)
    for _ in range(100):
        limits.take("a", large, 1)
    assert limits.take("a", large, 0).remaining == pytest.approx(30_000_000 - 100, abs=60)
    assert limits.take("a", large, 0).reset == pytest.approx(100 * 86_400 / 30_000_000, abs=0.2)


def test_two_processes_at_once_take_no_more_than_there_is(
    server: RedisServer, tmp_path: Path
) -> None:
    script = """
from sutdol.storage.limits import Limit, Limits
from sutdol.storage.redis import Redis
redis = Redis.open(url)
limits, limit = Limits(redis), Limit(name="requests", most=500, seconds=36_000)
limits.take("a", limit, 0)
print("ready", flush=True)
sys.stdin.readline()
print(sum(limits.take("a", limit).retry == 0 for _ in range(400)))
redis.close()
"""
    both = [start(script, server.url, tmp_path) for _ in range(2)]
    for one in both:
        assert heard(one) == "ready\n"
    for one in both:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    assert sum(int(finish(one)) for one in both) == 500


def test_without_redis_each_process_counts_for_itself_until_it_is_back(
    server: RedisServer, here: Redis, there: Redis
) -> None:
    one, other = Limits(here), Limits(there)
    assert taken(one, HOURLY, 50) == 50
    server.kill()
    assert [taken(one, HOURLY, 60), taken(other, HOURLY, 60)] == [50, 50]
    one.settle("a", HOURLY, -5)
    assert one.take("a", HOURLY, 0).remaining == 5
    server.start()
    until(lambda: other.take("a", HOURLY, 0).remaining == 50)  # the new one holds nothing
    until(lambda: one.take("a", HOURLY, 0).remaining == 50)
    assert taken(one, HOURLY, 30) == 30
    assert other.take("a", HOURLY, 0).remaining == 20


def test_a_redis_that_lost_its_scripts_learns_them_again(here: Redis) -> None:
    limits = Limits(here)
    taken(limits, HOURLY, 10)
    here.ask(lambda client: client.script_flush())
    assert limits.take("a", HOURLY).remaining == 39


def test_a_frozen_redis_costs_one_wait_in_all(server: RedisServer, here: Redis) -> None:
    limits = Limits(here)
    limits.take("a", HOURLY, 0)
    server.freeze()
    start_ = time.perf_counter()
    assert taken(limits, HOURLY, 500) == 50
    assert time.perf_counter() - start_ < WAIT + SLACK
    server.thaw()


def test_a_key_that_holds_something_else_is_not_in_the_way(here: Redis) -> None:
    limits = Limits(here)
    limits.take("a", HOURLY)
    (name,) = here.ask(lambda client: client.keys("*"))
    here.ask(lambda client: client.delete(name))
    here.ask(lambda client: client.rpush(name, "x"))
    assert taken(limits, HOURLY, 60) == 50


@pytest.mark.parametrize("who", ["", "a:b", "\ud800", "김" * 1_000, "\x00\n"])
def test_any_name_has_a_bucket_in_redis(here: Redis, there: Redis, who: str) -> None:
    taken(Limits(here), HOURLY, 3, who)
    assert Limits(there).take(who, HOURLY, 0).remaining == 47
