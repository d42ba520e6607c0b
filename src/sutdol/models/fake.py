"""A fake OpenAI-compatible model server: deterministic, can be told to fail, records requests.

For tests, and to try Sutdol without a model: `python -m sutdol.models.fake --port 11434`.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Event, Thread
from time import monotonic
from types import TracebackType

from aiohttp import web

from sutdol.models.fake_asked import Asked, Fault, Reply, conversation, in_other_words
from sutdol.models.fake_chat import Answer, answer, chunks, whole
from sutdol.models.fake_vectors import embeddings

__all__ = ["Asked", "FakeServer", "Fault", "Reply", "in_other_words"]

END = "[DONE]"  # the last event of a stream
EXAMPLE = """example:
  python -m sutdol.models.fake --port 11434 --pace 0.02 --model fake --model other
  curl -N http://127.0.0.1:11434/v1/chat/completions \\
    -d '{"stream": true, "messages": [{"role": "user", "content": "sharpen the old knife"}]}'
"""


class FakeServer:
    """`with FakeServer(reply=lambda asked: "hello") as server:` answers at `server.url`.

    The nth request gets the nth of `faults`, where None is a proper answer; those after the last
    are answered properly. `pace`: seconds between the chunks of a stream.
    """

    def __init__(
        self,
        reply: Reply = in_other_words,
        *,
        faults: Iterable[Fault | None] = (),
        model: str | Sequence[str] = "fake",
        port: int = 0,
        pace: float = 0.0,
    ) -> None:
        self.url = ""
        self.requests: list[Asked] = []
        self.finished = 0  # proper answers given to their end
        self.aborted: list[float] = []  # when clients were found gone before that, on `monotonic`
        self._models = [model] if isinstance(model, str) else list(model)
        self._reply, self._port, self._pace = reply, port, pace
        self._faults: Iterator[Fault | None] = iter(faults)
        self._stopping = False

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
        self._stopping = True
        self._stop()
        self._thread.join()

    async def _serve(self, started: Future[tuple[str, Callable[[], object]]]) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/v1/models", self._list)
        app.router.add_get("/v1/models/{name:.+}", self._show)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/embeddings", self._embed)
        # A handler ends with its client; those that wait at the end are cut off.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.05)
        try:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", self._port)
            await site.start()
            loop, stopped = asyncio.get_running_loop(), asyncio.Event()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            started.set_result((url, lambda: loop.call_soon_threadsafe(stopped.set)))
            await stopped.wait()
        except (OSError, OverflowError) as error:  # no such port, or it is taken
            started.set_exception(error)  # the thread that waits tells of it
        finally:
            await runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        models = [_model(name) for name in self._models]
        return web.json_response({"object": "list", "data": models})

    async def _show(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._models:
            return _error(404, f"The model '{name}' does not exist.", code="model_not_found")
        return web.json_response(_model(name))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await _body(request)
            messages = conversation(body)
        except ValueError as error:
            return _error(400, str(error))
        asked = Asked(headers=dict(request.headers), body=body, messages=messages)
        with self._watched():
            number, fault = self._record(asked)
            breaks = bool(fault.after and body.get("stream"))
            wrong = None if breaks else await _wrong(request, fault)
            if wrong is not None:
                return wrong
            made = answer(asked, self._reply, number=number, model=self._models[0])
            if body.get("stream"):
                return await self._stream(request, _events(made, body), fault)
            return self._whole(whole(made))

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await _body(request)
            vectors = embeddings(body, self._models[0])
        except ValueError as error:
            return _error(400, str(error))
        headers = dict(request.headers)
        with self._watched():
            _, fault = self._record(
                Asked(headers=headers, body=body, messages=(), path="/v1/embeddings")
            )
            wrong = await _wrong(request, fault)
            return self._whole(vectors) if wrong is None else wrong

    def _record(self, asked: Asked) -> tuple[int, Fault]:
        """The number of the request, and what is to go wrong with its answer."""
        self.requests.append(asked)
        return len(self.requests), next(self._faults, None) or Fault()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Note when the client leaves within the block."""
        try:
            yield
        except (asyncio.CancelledError, ConnectionError):
            if not self._stopping:
                self.aborted.append(monotonic())
            raise asyncio.CancelledError from None  # any other error would be logged

    def _whole(self, body: Mapping[str, object]) -> web.Response:
        self.finished += 1
        return web.json_response(body)

    async def _stream(
        self, request: web.Request, events: Sequence[str], fault: Fault
    ) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for number, event in enumerate(events):
            if number:
                await asyncio.sleep(self._pace)
            if number and number == fault.after and await _breaks(request, response, fault):
                return response
            if event == END:
                self.finished += 1  # before the client can know it
            await response.write(f"data: {event}\n\n".encode())
        return response


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "sutdol"}


async def _body(request: web.Request) -> Mapping[str, object]:
    """The object that was sent; `ValueError` if it is none."""
    with suppress(ValueError):
        body: object = await request.json()
        if isinstance(body, dict):
            return body
    raise ValueError("The body must be a JSON object.")


def _events(made: Answer, body: Mapping[str, object]) -> list[str]:
    """What a stream sends, with its end."""
    options = body.get("stream_options")
    usage = isinstance(options, dict) and bool(options.get("include_usage"))
    return [*(json.dumps(chunk) for chunk in chunks(made, usage=usage)), END]


async def _wrong(request: web.Request, fault: Fault) -> web.Response | None:
    """What the client gets in place of an answer, if that is to go wrong before it begins."""
    await asyncio.sleep(fault.delay)
    if fault.closed and request.transport is not None:
        request.transport.close()
    if fault.body or fault.closed:  # nothing of it is sent once the connection is closed
        return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
    if fault.status != 200:
        return _error(fault.status, "The fake was told to fail.", headers=fault.headers)
    return None


async def _breaks(request: web.Request, response: web.StreamResponse, fault: Fault) -> bool:
    """Let a stream go wrong: whether that ends it."""
    await asyncio.sleep(fault.delay)
    if fault.body:
        await response.write(fault.body.encode())
    if fault.closed and request.transport is not None:
        request.transport.close()
    return bool(fault.body or fault.closed)


def _error(
    status: int, message: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    param = "model" if code == "model_not_found" else None
    error = {"message": message, "type": kind, "param": param, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m sutdol.models.fake",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between chunks")
    parser.add_argument("--model", action="append", help="a name to list; may be given again")
    options = parser.parse_args()
    models = options.model or ["fake"]
    server = FakeServer(port=options.port, pace=options.pace, model=models)
    try:
        with suppress(KeyboardInterrupt), server:
            sys.stdout.write(f"{server.url}\n")
            sys.stdout.flush()
            Event().wait()
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen at port {options.port}: {error}")


if __name__ == "__main__":
    main()
