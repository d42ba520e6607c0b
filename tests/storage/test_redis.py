"""Redis by URL: short waits, no waits while it is away, and no password in any message."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from tests.redis_server import SLACK, RedisServer, redis_server, until

from sutdol.core.errors import Unavailable, UsageError
from sutdol.storage.redis import WAIT, Away, Redis, reachable

REST = 0.1


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    one = Redis.open(server.url, rest=REST)
    yield one
    one.close()


def answers(redis: Redis) -> bool:
    try:
        return bool(redis.ask(lambda client: client.ping()))
    except Away:
        return False


def seconds(redis: Redis) -> float:
    start = time.perf_counter()
    answers(redis)
    return time.perf_counter() - start


def test_it_answers(redis: Redis) -> None:
    redis.ask(lambda client: client.set("a", b"1"))
    assert redis.ask(lambda client: client.get("a")) == b"1"


def test_one_that_was_killed_and_started_again_is_asked_again(
    server: RedisServer, redis: Redis
) -> None:
    assert answers(redis)
    server.kill()
    assert not answers(redis)
    server.start()
    until(lambda: answers(redis))


def test_one_that_was_started_anew_between_two_questions_was_never_away(
    server: RedisServer, redis: Redis
) -> None:
    assert answers(redis)
    server.kill()
    server.start()
    assert answers(redis)


def test_a_frozen_one_costs_one_wait_and_then_nothing(server: RedisServer, redis: Redis) -> None:
    assert answers(redis)
    server.freeze()
    first = seconds(redis)
    later = [seconds(redis) for _ in range(1_000)]
    assert WAIT <= first < WAIT + SLACK
    assert sum(later) < SLACK
    server.thaw()
    until(lambda: answers(redis))


def test_a_frozen_one_that_was_never_asked_costs_as_little(server: RedisServer) -> None:
    server.freeze()
    redis = Redis.open(server.url)
    assert seconds(redis) < 2 * WAIT + SLACK
    redis.close()


def test_many_who_ask_a_frozen_one_together_wait_together(
    server: RedisServer, redis: Redis
) -> None:
    assert answers(redis)
    server.freeze()
    start = time.perf_counter()
    askers = [Thread(target=answers, args=(redis,)) for _ in range(20)]
    for one in askers:
        one.start()
    for one in askers:
        one.join()
    assert time.perf_counter() - start < 2 * WAIT + SLACK


def test_a_refused_command_does_not_stop_the_next(redis: Redis) -> None:
    redis.ask(lambda client: client.set("a", b"text"))
    with pytest.raises(Away, match="not an integer"):
        redis.ask(lambda client: client.incr("a"))
    assert answers(redis)


def test_what_answers_but_is_no_redis_is_away() -> None:
    """Whatever it says: another protocol, a number that is none, a list without end."""
    for reply in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b":x\r\n", b"$zz\r\n", b"*1\r\n" * 5_000):
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            redis = Redis.open(f"redis://127.0.0.1:{stranger.getsockname()[1]}")
            speaker = Thread(target=speak, args=(stranger, reply), daemon=True)
            speaker.start()
            assert not answers(redis)
            redis.close()


def speak(server: socket.socket, reply: bytes) -> None:
    try:
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(reply)
    except OSError:
        return


def test_a_socket_in_a_folder_works_as_well() -> None:
    # the folder of a test has too long a name for a socket
    with TemporaryDirectory() as folder:
        place = f"{folder}/redis.sock"
        with redis_server(Path(folder), "--unixsocket", place):
            redis = Redis.open(f"unix://{place}?db=1")
            assert answers(redis)
            assert redis.where == f"unix://{place}"
            redis.close()


def test_a_password_is_used_and_never_shown(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--requirepass", "hunter2/@") as server:
        right = f"redis://:hunter2%2F%40@127.0.0.1:{server.port}/0"
        redis = Redis.open(right)
        assert answers(redis)
        assert "hunter2" not in repr(redis) + repr(redis.client) + redis.where + str(vars(redis))
        redis.close()
        assert reachable(right)[0] == "ok"
        for wrong in (right.replace("r2", "r3"), server.url):
            state, said = reachable(wrong)
            assert state == "broken"
            assert f"redis://127.0.0.1:{server.port}/0 cannot be used" in said
            assert "hunter" not in said


def test_a_server_that_repeats_the_password_is_not_repeated() -> None:
    """As Redis 5 does with a command it does not know."""
    reply = b"-ERR unknown command `AUTH`, with args beginning with: `me`, `hunter2`, \r\n"
    with socket.create_server(("127.0.0.1", 0)) as old:
        Thread(target=speak, args=(old, reply), daemon=True).start()
        state, said = reachable(f"redis://me:hunter2@127.0.0.1:{old.getsockname()[1]}")
    assert state == "broken"
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "http://:hunter2@h",
        "redis:hunter2",
        "redis://:hunter2/@h:6379/0",
        "redis://:hunter2@h:port/0",
        "redis://:hunter2@h:99999",
        "redis://:hunter2@h:0",
        "redis://:hunter2@[::1",
        "redis://:hunter2@h/zero",
        "redis://:hunter2@h?db=zero",
        "redis://:hunter2@h?colour=hunter2",
        "redis://:hunter2@h?socket_timeout=hunter2",
        "rediss://:hunter2@h?ssl_cert_reqs=hunter2",
        "unix://:hunter2@",
        "unix:///run/hunter2.sock?protocol=3",
    ],
)
def test_a_bad_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match=r"^Setting redis_url is no address of a Redis \(") as told:
        Redis.open(url)
    assert "hunter2" not in str(told.value)
    assert told.value.__suppress_context__ or told.value.__context__ is None
    assert reachable(url)[0] == "broken"


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("redis://h", "redis://h:6379/0"),
        ("redis://", "redis://localhost:6379/0"),
        ("redis://me:pw@h:1/2", "redis://h:1/2"),
        ("redis://h?db=3", "redis://h:6379/3"),
        ("rediss://[::1]:7/0?ssl_cert_reqs=none", "rediss://[::1]:7/0"),
        ("unix:///run/r.sock?password=pw", "unix:///run/r.sock"),
    ],
)
def test_where_it_is_can_be_shown(url: str, where: str) -> None:
    redis = Redis.open(url)
    assert redis.where == where
    redis.close()


def test_doctor_hears_what_to_do(server: RedisServer) -> None:
    state, said = reachable(server.url)
    assert (state, said.partition(" in ")[0]) == ("ok", f"{server.url} answers")
    server.kill()
    state, said = reachable(server.url)
    assert state == "broken"
    assert "Connection refused" in said
    assert said.endswith("start that Redis or correct redis_url.")
    assert reachable(None)[0] == "absent"


def test_doctor_does_not_wait_for_a_frozen_one(server: RedisServer) -> None:
    server.freeze()
    start = time.perf_counter()
    state, said = reachable(server.url)
    assert time.perf_counter() - start < 2 * WAIT + SLACK
    assert (state, "Timeout" in said) == ("broken", True)


def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    """In a process of its own, in which `redis` cannot be imported."""
    code = (
        "import sys; sys.modules['redis'] = None\n"
        "from sutdol.storage.redis import reachable\n"
        "print(*reachable('redis://h'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "broken Redis needs an extra: pip install 'sutdol[redis]'"


def test_closing_ends_the_thread_that_looks_after_it(server: RedisServer) -> None:
    redis = Redis.open(server.url, rest=60)
    server.kill()
    before = set(threads())
    assert not answers(redis)
    (looking,) = set(threads()) - before
    redis.close()
    looking.join(5)
    assert not looking.is_alive()


def threads() -> list[Thread]:
    import threading

    return threading.enumerate()


def test_away_is_an_error_with_a_way_out() -> None:
    assert issubclass(Away, Unavailable)
