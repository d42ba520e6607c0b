"""The bus: readers wake at once, near and far, and are told to look themselves when in doubt."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event as Flag
from threading import Thread

import pytest
from tests.redis_server import SLACK, RedisServer, until

from sutdol.storage.bus import MOST, Bus, Event, Subscription
from sutdol.storage.redis import WAIT, Redis

LONG = 10.0  # seconds within which anything that comes has come


@contextmanager
def process(server: RedisServer, space: str = "", beat: float = 5.0) -> Iterator[Bus]:
    """A bus as another process would open it."""
    redis = Redis.open(server.url, space=space, rest=0.1)
    bus = Bus(redis, beat=beat)
    try:
        yield bus
    finally:
        bus.close()
        redis.close()


@pytest.fixture
def here(server: RedisServer) -> Iterator[Bus]:
    with process(server) as bus:
        yield bus


@pytest.fixture
def there(server: RedisServer) -> Iterator[Bus]:
    with process(server) as bus:
        yield bus


def event(topic: str, **body: object) -> Event:
    return Event(topic=topic, body=body)


@contextmanager
def listening(bus: Bus, *topics: str) -> Iterator[Subscription]:
    """A subscription that Redis knows of."""
    with bus.subscribe(topics) as events:
        assert events.wait(LONG) is None
        yield events


def test_those_who_listen_to_a_topic_hear_it_in_order() -> None:
    bus = Bus()
    with bus.subscribe(["a", "b"]) as both, bus.subscribe(["b"]) as one:
        bus.publish("a", {"n": 1})
        bus.publish("b", {"n": 2})
        bus.publish("c", {"n": 3})
        assert [both.wait(0), both.wait(0), both.wait(0)] == [
            event("a", n=1),
            event("b", n=2),
            None,
        ]
        assert [one.wait(0), one.wait(0)] == [event("b", n=2), None]


def test_what_was_said_before_and_after_is_not_heard() -> None:
    bus = Bus()
    bus.publish("a", {})
    with bus.subscribe(["a"]) as events:
        assert events.wait(0) is None
    bus.publish("a", {})
    assert events.wait(0) is None


def test_a_reader_wakes_at_once() -> None:
    bus = Bus()
    with bus.subscribe(["a"]) as events:
        Thread(target=bus.publish, args=("a", {"n": 1})).start()
        start = time.perf_counter()
        assert events.wait(LONG) == event("a", n=1)
        assert time.perf_counter() - start < 1


def test_silence_is_none_after_the_time_given() -> None:
    with Bus().subscribe(["a"]) as events:
        start = time.perf_counter()
        assert events.wait(0.05) is None
        assert time.perf_counter() - start >= 0.05


def test_a_slow_reader_is_told_that_it_missed_something_and_gets_the_last() -> None:
    bus = Bus()
    with bus.subscribe(["a"]) as events:
        for number in range(MOST + 5):
            bus.publish("a", {"n": number})
        assert events.wait(0) is None
        heard = [events.wait(0) for _ in range(MOST)]
        assert heard == [event("a", n=number) for number in range(5, MOST + 5)]
        assert events.wait(0) is None


def test_a_reader_that_was_not_too_slow_missed_nothing() -> None:
    bus = Bus()
    with bus.subscribe(["a"]) as events:
        for number in range(MOST):
            bus.publish("a", {"n": number})
        assert [events.wait(0) for _ in range(MOST)] == [event("a", n=n) for n in range(MOST)]


def test_a_reader_with_a_bell_of_its_own_is_rung() -> None:
    bus, rung = Bus(), Flag()
    with bus.subscribe(["a"], wake=rung.set) as events:
        bus.publish("b", {})
        assert not rung.is_set()
        bus.publish("a", {})
        assert rung.is_set()
        assert events.wait(0) == event("a")


def test_what_is_no_json_is_refused_near_as_well_as_far() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        Bus().publish("a", {"n": object()})


def test_a_body_is_the_same_near_and_far(here: Bus, there: Bus) -> None:
    with listening(here, "a") as near, listening(there, "a") as far:
        here.publish("a", {"pair": (1, 2), "text": "숫돌"})
        expected = event("a", pair=[1, 2], text="숫돌")
        assert [near.wait(LONG), far.wait(LONG)] == [expected, expected]


def test_another_process_hears_each_event_once_and_so_does_this_one(here: Bus, there: Bus) -> None:
    with listening(here, "a") as near, listening(there, "a") as far:
        for number in range(100):
            here.publish("a", {"n": number})
        expected = [event("a", n=number) for number in range(100)]
        assert [far.wait(LONG) for _ in expected] == expected
        assert [near.wait(LONG) for _ in expected] == expected
        there.publish("a", {"n": "last"})  # what was said here would come back before it
        assert near.wait(LONG) == event("a", n="last")
        assert far.wait(LONG) == event("a", n="last")
        assert (near.wait(0.1), far.wait(0.1)) == (None, None)


def test_deployments_that_share_a_redis_do_not_hear_each_other(
    server: RedisServer, here: Bus
) -> None:
    with process(server, "another") as other, listening(other, "a") as far:
        with listening(here, "a") as near:
            here.publish("a", {"n": 1})
            assert near.wait(LONG) == event("a", n=1)
        other.publish("a", {"n": 2})
        assert far.wait(LONG) == event("a", n=2)


def test_when_redis_comes_back_readers_look_and_hear_again(
    server: RedisServer, here: Bus, there: Bus
) -> None:
    with listening(here, "a") as near, listening(there, "a") as far:
        server.kill()
        here.publish("a", {"n": 1})
        assert near.wait(LONG) == event("a", n=1)
        server.start()
        assert far.wait(LONG) is None  # it may have missed something, and it has

        def heard() -> bool:
            here.publish("a", {"n": 2})
            return far.wait(0.05) == event("a", n=2)

        until(heard)


def test_a_frozen_redis_delays_who_publishes_by_one_wait(
    server: RedisServer, here: Bus, there: Bus
) -> None:
    with listening(here, "a") as near, listening(there, "a"):
        here.publish("b", {})
        server.freeze()
        start = time.perf_counter()
        for number in range(200):
            here.publish("a", {"n": number})
        assert time.perf_counter() - start < WAIT + SLACK
        assert [near.wait(0) for _ in range(200)] == [event("a", n=n) for n in range(200)]
        server.thaw()


def test_a_redis_that_is_not_there_yet_is_found_later(server: RedisServer, here: Bus) -> None:
    server.kill()
    with here.subscribe(["a"]) as events:
        assert events.wait(0.3) is None
        server.start()
        start = time.perf_counter()
        assert events.wait(LONG) is None
        assert time.perf_counter() - start < LONG - 1


def test_a_redis_that_is_silent_because_nothing_happens_is_kept(server: RedisServer) -> None:
    with process(server, beat=0.5) as bus, listening(bus, "a") as events:
        start = time.perf_counter()
        assert events.wait(3.5) is None
        assert time.perf_counter() - start >= 3.4


def test_a_redis_that_froze_is_connected_to_anew(server: RedisServer) -> None:
    with process(server, beat=0.3) as bus, listening(bus, "a") as events:
        server.freeze()
        time.sleep(1)
        server.thaw()
        start = time.perf_counter()
        assert events.wait(LONG) is None  # what was published in the meantime is lost
        assert time.perf_counter() - start < LONG - 1


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"7",
        b'{"from": "x", "topic": "a"}',
        b'{"from": "x", "topic": "a", "body": [1]}',
        b'{"from": 7, "topic": "a", "body": {}}',
    ],
)
def test_what_no_sutdol_published_is_passed_over(
    server: RedisServer, here: Bus, there: Bus, message: bytes
) -> None:
    stranger = Redis.open(server.url)
    with listening(here, "a") as events:
        stranger.ask(lambda client: client.publish(stranger.key("bus", "events"), message))
        there.publish("a", {"n": 1})
        assert events.wait(LONG) == event("a", n=1)
    stranger.close()


def test_closing_ends_the_thread_that_listens(server: RedisServer) -> None:
    with ExitStack() as stack:
        bus = stack.enter_context(process(server))
        stack.enter_context(listening(bus, "a"))
        start = time.perf_counter()
        bus.close()
        assert time.perf_counter() - start < 1.5
