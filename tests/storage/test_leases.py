"""Leases: one holder at a time, gone with its holder, and never in the way when Redis is."""

import time
from contextlib import ExitStack

import pytest
from tests.redis_server import SLACK, RedisServer, until

from sutdol.core.errors import Busy
from sutdol.storage.leases import lease
from sutdol.storage.redis import WAIT, Away, Redis


def kept(redis: Redis) -> list[bytes]:
    return list(redis.ask(lambda client: client.keys("*")))


def answers(redis: Redis) -> bool:
    try:
        return bool(redis.ask(lambda client: client.ping()))
    except Away:
        return False


def taken(redis: Redis, holder: str = "flow 9") -> bool:
    """Whether `cycle` is somebody else's."""
    try:
        with lease(redis, "cycle", holder):
            return False
    except Busy:
        return True


def test_a_second_holder_is_told_who_has_it(here: Redis, there: Redis) -> None:
    with lease(here, "cycle", "flow 7") as held:
        assert held
        with pytest.raises(Busy, match=r"^flow 7 holds 'cycle': wait for it"), ExitStack() as stack:
            stack.enter_context(lease(there, "cycle", "flow 8"))
        with lease(there, "another", "flow 8") as other:
            assert other
    with lease(there, "cycle", "flow 8") as held:
        assert held
    assert kept(here) == []


def test_it_is_free_again_when_the_work_broke_off(here: Redis, there: Redis) -> None:
    with pytest.raises(RuntimeError, match="broken"), lease(here, "cycle", "flow 7"):
        raise RuntimeError("broken")
    assert not taken(there)


def test_deployments_that_share_a_redis_do_not_share_leases(server: RedisServer) -> None:
    one, other = Redis.open(server.url, space="one"), Redis.open(server.url, space="other")
    with lease(one, "cycle", "flow 7"), lease(other, "cycle", "flow 7b") as held:
        assert held
    one.close()
    other.close()


def test_it_is_renewed_for_as_long_as_it_takes(here: Redis, there: Redis) -> None:
    with lease(here, "cycle", "flow 7", seconds=0.6):
        end = time.monotonic() + 2
        while time.monotonic() < end:
            assert taken(there)
            time.sleep(0.05)


def test_it_ends_after_its_holder_dies(here: Redis, there: Redis) -> None:
    """A killed process neither renews nor releases."""
    value = f"{32 * '0'}:flow 7"
    here.ask(lambda client: client.set(there.key("lease", "cycle"), value, px=300))
    assert taken(there)
    until(lambda: not taken(there), seconds=2)


def test_work_that_another_process_goes_on_with_takes_its_lease_along(
    here: Redis, there: Redis
) -> None:
    with lease(here, "cycle", "flow 7", seconds=0.3):
        with lease(there, "cycle", "flow 7") as held:
            assert held
            time.sleep(0.5)  # the old holder, should it live, neither renews nor takes it back
            assert taken(here, "flow 8")
        assert not taken(there, "flow 8")


def test_the_old_holder_does_not_release_the_new_ones(here: Redis, there: Redis) -> None:
    with ExitStack() as stack:
        with lease(here, "cycle", "flow 7"):
            stack.enter_context(lease(there, "cycle", "flow 7"))
        assert taken(here, "flow 8")


def test_it_is_taken_again_when_redis_comes_back_empty(
    server: RedisServer, here: Redis, there: Redis
) -> None:
    with lease(here, "cycle", "flow 7", seconds=0.6) as held:
        assert held
        server.kill()
        server.start()
        until(lambda: kept(there) != [])
        assert taken(there)
    assert kept(there) == []


def test_without_a_redis_there_is_none() -> None:
    with lease(None, "cycle", "flow 7") as held, lease(None, "cycle", "flow 8") as other:
        assert (held, other) == (False, False)


def test_a_dead_redis_is_not_in_the_way(server: RedisServer, here: Redis, there: Redis) -> None:
    server.kill()
    with lease(here, "cycle", "flow 7") as held, lease(there, "cycle", "flow 8") as other:
        assert (held, other) == (False, False)


def test_a_redis_that_freezes_in_the_middle_delays_the_end_by_one_wait(
    server: RedisServer, here: Redis, there: Redis
) -> None:
    with lease(here, "cycle", "flow 7", seconds=1) as held:
        assert held
        server.freeze()
        start = time.perf_counter()
    assert time.perf_counter() - start < 2 * WAIT + SLACK
    server.thaw()
    until(lambda: not taken(there))


def test_a_lease_whose_grant_was_lost_is_given_back(
    server: RedisServer, here: Redis, there: Redis
) -> None:
    """Redis froze before it answered: whether it granted the lease is not known."""
    here.ping()
    server.freeze()
    with lease(here, "cycle", "flow 7") as held:
        assert not held
        server.thaw()
        until(lambda: kept(there) != [])
        until(lambda: answers(here))
    assert kept(there) == []


@pytest.mark.parametrize(
    "stored", ["", "x", "\udcff".encode("utf-8", "surrogateescape"), "\n" * 99]
)
def test_a_holder_that_no_sutdol_wrote_is_not_repeated(here: Redis, stored: str) -> None:
    here.ask(lambda client: client.set(here.key("lease", "cycle"), stored))
    with pytest.raises(Busy, match=r"^Another process holds 'cycle'"), lease(here, "cycle", "f"):
        pass


def test_a_key_that_holds_something_else_is_not_in_the_way(here: Redis) -> None:
    here.ask(lambda client: client.rpush(here.key("lease", "cycle"), "x"))
    with lease(here, "cycle", "flow 7") as held:
        assert not held
