"""Tell readers, in this process and in others, that something happened, so that they look at once.

All that must not be lost stands in the database, and readers look there from time to time anyway:
an event only ends their wait. So Redis carries events by publish and subscribe and keeps none;
whatever may have been missed, while Redis was away or a reader too slow, is one more look.
"""

import json
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Condition, Lock, Thread
from threading import Event as Flag
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sutdol.storage.redis import Away, Redis

if TYPE_CHECKING:
    from redis.client import PubSub

MOST = 256  # events that wait for one subscriber; the oldest make room
STEP = 0.2  # seconds between two looks whether the bus was closed
BEAT = 5.0  # seconds of silence after which Redis is asked for a sign of life


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, in words of its topic."""

    topic: str
    body: Mapping[str, Any]


class Subscription:
    """The events of some topics from now on."""

    def __init__(self, topics: Collection[str], wake: Callable[[], None] | None) -> None:
        self._topics, self._wake = frozenset(topics), wake
        self._waiting: deque[Event] = deque(maxlen=MOST)
        self._missed = False
        self._bell = Condition()

    def wait(self, timeout: float) -> Event | None:
        """The next event; None when it is time to look into the database.

        That is after `timeout` seconds, and at once where events may have been missed.
        """
        with self._bell:
            self._bell.wait_for(lambda: self._waiting or self._missed, timeout)
            if self._missed or not self._waiting:
                self._missed = False
                return None
            return self._waiting.popleft()

    def offer(self, event: Event) -> None:
        if event.topic in self._topics:
            with self._bell:
                self._missed |= len(self._waiting) == MOST
                self._waiting.append(event)
                self._bell.notify()
            self._ring()

    def miss(self) -> None:
        """Say that events may have passed by."""
        with self._bell:
            self._missed = True
            self._bell.notify()
        self._ring()

    def _ring(self) -> None:
        if self._wake is not None:
            self._wake()


class Bus:
    """Events within this process, and with Redis those of all processes of this deployment."""

    def __init__(self, redis: Redis | None = None, *, beat: float = BEAT) -> None:
        self._redis, self._beat, self._name = redis, beat, uuid4().hex
        self._subscriptions: list[Subscription] = []
        self._lock, self._closed = Lock(), Flag()
        self._listener: Thread | None = None

    def publish(self, topic: str, body: Mapping[str, Any]) -> None:
        """Tell all who listen now; publish after the rows are committed. `body` is JSON."""
        message = json.dumps({"from": self._name, "topic": topic, "body": body})
        # Read back, so that a body is the same for near and far.
        self._offer(Event(topic=topic, body=json.loads(message)["body"]))
        if self._redis is not None:
            channel = self._channel(self._redis)
            with suppress(Away):
                self._redis.ask(lambda client: client.publish(channel, message))

    @contextmanager
    def subscribe(
        self, topics: Collection[str], wake: Callable[[], None] | None = None
    ) -> Iterator[Subscription]:
        """Listen within the block. `wake` is called from other threads whenever `wait` has news:
        `lambda: loop.call_soon_threadsafe(flag.set)` spares an async reader a thread.
        """
        made = Subscription(topics, wake)
        with self._lock:
            self._subscriptions.append(made)
            if self._redis is not None and self._listener is None and not self._closed.is_set():
                self._listener = Thread(
                    target=self._listen, args=(self._redis,), name="bus", daemon=True
                )
                self._listener.start()
        try:
            yield made
        finally:
            with self._lock:
                self._subscriptions.remove(made)

    def close(self) -> None:
        self._closed.set()
        if self._listener is not None:
            self._listener.join()

    def _all(self) -> list[Subscription]:
        with self._lock:
            return list(self._subscriptions)

    def _offer(self, event: Event) -> None:
        for each in self._all():
            each.offer(event)

    def _channel(self, redis: Redis) -> str:
        return redis.key("bus", "events")

    def _listen(self, redis: Redis) -> None:
        """Pass on what other processes publish, and come back when Redis does."""
        opened: Callable[[], PubSub] = redis.client.pubsub
        while not self._closed.is_set():
            with suppress(*redis.faults), opened() as channel:
                channel.subscribe(self._channel(redis))
                self._follow(channel)
            self._closed.wait(1.0)

    def _follow(self, channel: "PubSub") -> None:
        """Read until Redis is silent for too long."""
        heard = asked = monotonic()
        while not self._closed.is_set() and monotonic() - heard < 2 * self._beat:
            message = channel.get_message(timeout=STEP)
            if message is not None:
                heard = monotonic()
                self._take(message)
            elif monotonic() - max(heard, asked) >= self._beat:
                asked = monotonic()
                channel.ping()

    def _take(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "subscribe":  # for the first time or again: who knows what was said
            for each in self._all():
                each.miss()
        elif message["type"] == "message":
            event = _event(message["data"], besides=self._name)
            if event is not None:
                self._offer(event)


def _event(raw: object, besides: str) -> Event | None:
    """What another process published; None for what this one did, and for what no Sutdol wrote."""
    try:
        found = json.loads(raw) if isinstance(raw, bytes) else None
    except (ValueError, RecursionError):
        return None
    match found:
        case {"from": str(name), "topic": str(topic), "body": dict(body)} if name != besides:
            return Event(topic=topic, body=body)
    return None
