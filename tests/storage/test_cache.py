"""Caches: what was put is found, nothing else is, and a Redis that goes away takes nobody along."""

import time
from collections.abc import Iterator
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.redis_server import SLACK, RedisServer, until

from sutdol.storage.cache import OBJECTS, Memory, Shared, key
from sutdol.storage.redis import WAIT, Redis

parts = st.lists(st.text(st.characters(codec=None), max_size=5), max_size=4)


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    one = Redis.open(server.url, rest=0.1)
    yield one
    one.close()


@given(parts, parts)
def test_keys_are_equal_only_for_equal_parts(one: list[str], other: list[str]) -> None:
    assert (key(*one) == key(*other)) == (one == other)


def test_a_key_does_not_hold_its_text() -> None:
    assert "bread" not in key("guard", "guard-v1", "bread")
    assert len(key("a")) == 64


def test_memory_gives_what_was_put() -> None:
    memory = Memory()
    memory.put_many({"a": b"1", "b": b"2"})
    memory.put_many({"a": b"3"})
    assert memory.get_many(["b", "c", "a", "a"]) == {"a": b"3", "b": b"2"}


def test_memory_lets_go_of_what_was_used_longest_ago() -> None:
    memory = Memory(most=2)
    memory.put_many({"a": b"1", "b": b"2"})
    memory.get_many(["a"])
    memory.put_many({"c": b"3"})
    assert memory.get_many(["a", "b", "c"]) == {"a": b"1", "c": b"3"}


def test_memory_is_bounded_by_bytes() -> None:
    memory = Memory(most_bytes=3 * (OBJECTS + 100))
    for number in range(10):
        memory.put_many({str(number): bytes(100)})
    assert list(memory.get_many([str(number) for number in range(10)])) == ["7", "8", "9"]


def test_memory_does_not_empty_itself_for_one_huge_value() -> None:
    memory = Memory(most_bytes=1_000)
    memory.put_many({"a": b"1", "huge": bytes(2_000)})
    assert memory.get_many(["a", "huge"]) == {"a": b"1"}


def test_memory_replaces_a_value_without_counting_it_twice() -> None:
    memory = Memory(most_bytes=2 * (OBJECTS + 10))
    for _ in range(10):
        memory.put_many({"a": bytes(10), "b": bytes(10)})
    assert set(memory.get_many(["a", "b"])) == {"a", "b"}


def test_any_thread_may_ask_memory() -> None:
    memory = Memory(most=50)
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(2_000):
            name = str((turn * number) % 100)
            memory.put_many({name: name.encode()})
            found = memory.get_many([name, str(turn % 100)])
            wrong.extend(one for one, value in found.items() if value != one.encode())

    workers = [Thread(target=work, args=(number,)) for number in range(1, 5)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert wrong == []
    assert len(memory.get_many([str(number) for number in range(100)])) == 50


def test_two_processes_share_what_one_put(server: RedisServer, redis: Redis) -> None:
    other = Redis.open(server.url)
    Shared(redis).put_many({"a": b"1", "b": b"2"})
    assert Shared(other).get_many(["b", "c", "a"]) == {"a": b"1", "b": b"2"}
    other.close()


def test_all_that_is_written_carries_our_name_and_an_end(redis: Redis) -> None:
    Shared(redis, seconds=50).put_many({"a": b"1", "b": b"2"})
    names = redis.ask(lambda client: client.keys("*"))
    assert sorted(names) == [b"sutdol:cache:a", b"sutdol:cache:b"]
    assert all(0 < redis.ask(lambda client, one=one: client.ttl(one)) <= 50 for one in names)


@pytest.mark.parametrize("stored", [b"", b"2", b"b1", b"bb1"])
def test_a_value_that_was_not_written_under_its_key_is_none(redis: Redis, stored: bytes) -> None:
    redis.ask(lambda client: client.set("sutdol:cache:a", stored))
    assert Shared(redis).get_many(["a"]) == {}


def test_a_key_that_holds_something_else_is_none(redis: Redis) -> None:
    redis.ask(lambda client: client.rpush("sutdol:cache:a", b"1"))
    Shared(redis).put_many({"b": b"2"})
    assert Shared(redis).get_many(["a", "b"]) == {"b": b"2"}


def test_a_full_redis_refuses_to_write_and_is_still_read(redis: Redis) -> None:
    shared = Shared(redis)
    shared.put_many({"a": b"1"})
    redis.ask(lambda client: client.config_set("maxmemory", 1))
    shared.put_many({"b": b"2"})
    assert shared.get_many(["a", "b"]) == {"a": b"1"}


def test_a_killed_redis_is_an_empty_cache_until_it_is_back(
    server: RedisServer, redis: Redis
) -> None:
    shared = Shared(redis)
    shared.put_many({"a": b"1"})
    server.kill()
    assert shared.get_many(["a"]) == {}
    shared.put_many({"a": b"1"})
    server.start()

    def works() -> bool:
        shared.put_many({"a": b"2"})
        return shared.get_many(["a"]) == {"a": b"2"}

    until(works)


def test_a_frozen_redis_costs_one_wait_in_all(server: RedisServer, redis: Redis) -> None:
    shared = Shared(redis)
    shared.put_many({"a": b"1"})
    server.freeze()
    start = time.perf_counter()
    for _ in range(500):
        assert shared.get_many(["a"]) == {}
        shared.put_many({"b": bytes(1_000)})
    assert time.perf_counter() - start < WAIT + SLACK
    server.thaw()
    until(lambda: shared.get_many(["a"]) == {"a": b"1"})


def test_nothing_asked_nothing_sent(server: RedisServer, redis: Redis) -> None:
    server.freeze()
    start = time.perf_counter()
    assert Shared(redis).get_many([]) == {}
    Shared(redis).put_many({})
    assert time.perf_counter() - start < WAIT
