"""A server in a thread of the test, on a port of its own, and a client that asks it."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from sutdol.core.settings import Settings
from sutdol.serve.__main__ import Application, run

PATIENCE = 20.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found

    @property
    def events(self) -> list[Any]:
        """The data of server-sent events: JSON, or text where it is none."""
        found = [
            line[5:].strip() for line in self.body.decode().splitlines() if line[:5] == "data:"
        ]
        return [json.loads(one) if one[:1] in "{[" and one != "[DONE]" else one for one in found]


@dataclass(kw_only=True)
class Site:
    """`site.post("/v1/moderations", {"input": "hi"}, key=key)`."""

    port: int
    settings: Settings
    key: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **how: Any) -> Answer:
        return self.ask("GET", path, **how)

    def pages(self, path: str, by: str = "before", **how: Any) -> list[str]:
        """The ids on all pages of a list; each page is told where the one before it ended."""
        found: list[str] = []
        page = self.get(path, **how).json
        most = int(path.partition("limit=")[2].partition("&")[0])
        while True:
            assert len(page["data"]) <= most
            found += [one["id"] for one in page["data"]]
            if page["next"] is None:
                return found
            page = self.get(f"{path}&{by}={page['next']}", **how).json

    def post(self, path: str, body: object = None, **how: Any) -> Answer:
        return self.ask("POST", path, body, **how)

    def delete(self, path: str, **how: Any) -> Answer:
        return self.ask("DELETE", path, **how)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        with self.open(method, path, body, key=key, headers=headers) as response:
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=told, body=response.read())

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[HTTPResponse]:
        """The head of an answer; leaving the block goes away, whatever is still to come."""
        raw = (
            body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        )
        sent = {**self.headers, **(headers or {})}
        if raw is not None:
            sent.setdefault("content-type", "application/json")
        shown = self.key if key is None else key
        if shown:
            sent["authorization"] = f"Bearer {shown}"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, raw, sent)
            with connection.getresponse() as response:
                yield response
        finally:
            connection.close()


@contextmanager
def serving(settings: Settings, *, is_open: bool = True, local: bool = True) -> Iterator[Site]:
    """Serve until the block ends, as `sutdol up` does in a process of its own."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(256)
    application = Application(settings, is_open=is_open, local=local)
    told: list[BaseException] = []

    def serve() -> None:
        try:
            run(application, listening, settings)
        except BaseException as error:  # noqa: BLE001  told to the test below
            told.append(error)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    until(lambda: application.serving or told, PATIENCE)
    if told:
        raise told[0]
    try:
        yield Site(port=listening.getsockname()[1], settings=settings)
    finally:
        application.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the server did not stop"
    if told:
        raise told[0]


def until(true: Callable[[], object], seconds: float = 10.0) -> float:
    """How many seconds it took to come true."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < seconds, "it never came true"
        time.sleep(0.005)
    return time.monotonic() - started
