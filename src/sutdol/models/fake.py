"""A fake OpenAI-compatible model server: deterministic, can be told to fail, records requests.

For tests, and to try Sutdol without a model: `python -m sutdol.models.fake --port 11434`.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from types import TracebackType

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One recorded request."""

    headers: Mapping[str, str]
    body: Mapping[str, object]
    messages: tuple[tuple[str, str], ...]  # (role, content)

    @property
    def last(self) -> str:
        """What the last message says."""
        return self.messages[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one answer goes wrong: late, with a status, with a body as it stands, or cut off."""

    delay: float = 0.0
    status: int = 200
    body: str = ""  # sent instead of a proper answer
    headers: Mapping[str, str] = field(default_factory=dict)
    closed: bool = False


Reply = Callable[[Asked], str]


def in_other_words(asked: Asked) -> str:
    """The usual reply: the last message with its words in reverse order."""
    return " ".join(reversed(asked.last.split()))


class FakeServer:
    """`with FakeServer(reply=lambda asked: "hello") as server:` answers at `server.url`.

    The nth request gets the nth of `faults`, where None is a proper answer; those after the last
    are answered properly.
    """

    def __init__(
        self,
        reply: Reply = in_other_words,
        *,
        faults: Iterable[Fault | None] = (),
        model: str = "fake",
        port: int = 0,
    ) -> None:
        self.url = ""
        self.requests: list[Asked] = []
        self._reply, self._model, self._port = reply, model, port
        self._faults: Iterator[Fault | None] = iter(faults)

    def __enter__(self) -> "FakeServer":
        started: Future[tuple[str, Callable[[], object]]] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True)
        self._thread.start()
        self.url, self._stop = started.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        self._thread.join()

    async def _serve(self, started: Future[tuple[str, Callable[[], object]]]) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._complete)
        runner = web.AppRunner(app, shutdown_timeout=0.05)  # those that wait are cut off
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", self._port)
            await site.start()
            loop, stopped = asyncio.get_running_loop(), asyncio.Event()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            started.set_result((url, lambda: loop.call_soon_threadsafe(stopped.set)))
            await stopped.wait()
        except OSError as error:  # the port is taken: tell the thread that waits
            started.set_exception(error)
        finally:
            await runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        model = {"id": self._model, "object": "model", "created": 0, "owned_by": "sutdol"}
        return web.json_response({"object": "list", "data": [model]})

    async def _complete(self, request: web.Request) -> web.Response:
        try:
            asked = _read(await request.json(), request.headers)
        except (ValueError, KeyError, TypeError, AttributeError):
            return _error(400, "The body must be JSON with `messages`.")
        self.requests.append(asked)
        number = len(self.requests)
        fault = next(self._faults, None) or Fault()
        await asyncio.sleep(fault.delay)
        if fault.closed and request.transport is not None:
            request.transport.close()
        return _wrong(fault, asked) or web.json_response(self._answer(asked, number))

    def _answer(self, asked: Asked, number: int) -> dict[str, object]:
        content = self._reply(asked)
        read = sum(len(text.split()) for _, text in asked.messages)
        written = len(content.split())
        return {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 0,
            "model": asked.body.get("model", self._model),
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content},
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": read,
                "completion_tokens": written,
                "total_tokens": read + written,
            },
        }


def _read(body: Mapping[str, object], headers: Mapping[str, str]) -> Asked:
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        raise TypeError
    said = tuple((str(one["role"]), str(one["content"])) for one in messages)
    return Asked(headers=dict(headers), body=body, messages=said)


def _wrong(fault: Fault, asked: Asked) -> web.Response | None:
    if fault.body:
        return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
    if fault.status != 200:
        return _error(fault.status, "The fake was told to fail.", fault.headers)
    return _error(400, "The fake does not stream.") if asked.body.get("stream") else None


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": None}
    return web.json_response({"error": error}, status=status, headers=headers)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sutdol.models.fake", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    port: int = parser.parse_args().port
    with suppress(KeyboardInterrupt), FakeServer(port=port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        Event().wait()


if __name__ == "__main__":
    main()
