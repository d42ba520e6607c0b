"""Serve on a socket that `sutdol up` has opened: `python -m sutdol.serve --fd 3 --parent PID`."""

import argparse
import asyncio
import resource
import socket
from contextlib import AsyncExitStack, suppress
from typing import Any

import uvicorn

from sutdol.api import app as faces
from sutdol.api.context import App
from sutdol.api.faces import Faces
from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.serve.building import build
from sutdol.serve.logs import set_up
from sutdol.serve.parent import leave_with
from sutdol.serve.protocol import Patient
from sutdol.serve.tracing import Tracing
from sutdol.serve.watch import Watch
from sutdol.web import pages

GRACE = 25  # seconds for answers under way when the server is told to stop


class Application:
    """The ASGI application from the first message of its life to the last."""

    def __init__(self, settings: Settings, *, is_open: bool, local: bool) -> None:
        self._settings, self._is_open, self._local = settings, is_open, local
        self._app: App | None = None
        self._server: uvicorn.Server | None = None

    @property
    def serving(self) -> bool:
        return self._server is not None and self._server.started

    def stop(self) -> None:
        """End as after SIGTERM: nothing new, what is under way to its end."""
        if self._server is not None:
            self._server.should_exit = True

    def serve_with(self, server: uvicorn.Server) -> None:
        self._server = server

    def _stopping(self) -> bool:
        return self._server is not None and self._server.should_exit

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                await self._start(stack)
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self, stack: AsyncExitStack) -> None:
        sutdol = stack.enter_context(Sutdol.open(self._settings))
        # Threads that still read, for work that was broken off, come before the database's end.
        stack.push_async_callback(asyncio.get_running_loop().shutdown_default_executor)
        hall = await build(
            sutdol,
            stack,
            is_open=self._is_open,
            local=self._local,
            stopping=self._stopping,
        )
        app = faces.build(hall, Faces(router=pages.router, refused=pages.refused))
        self._app = await _traced(app, self._settings, stack)
        watch = Watch(hall)
        stack.push_async_callback(watch.close)
        stack.push_async_callback(_ended, asyncio.create_task(watch.run()))


async def _traced(app: App, settings: Settings, stack: AsyncExitStack) -> App:
    """The application with a trace of every request, where somebody takes it."""
    if settings.otel_endpoint is None:
        return app
    tracing = Tracing.to(settings.otel_endpoint)
    stack.push_async_callback(asyncio.to_thread, tracing.close)
    return tracing.around(app)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def run(application: Application, listening: socket.socket, settings: Settings) -> bool:
    """Serve until told to stop; whether it ever began."""
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=Patient,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE,
        limit_concurrency=settings.server.connections,
    )
    server = uvicorn.Server(config)
    application.serve_with(server)
    server.run(sockets=[listening])
    return server.started


def _allow_files() -> None:
    """As many open files as this process may have: every stream holds two connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some kernels refuse what they call unlimited
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sutdol.serve", description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--host", help="where the socket listens")
    parser.add_argument("--open", action="store_true", help="ask for no key")
    parser.add_argument("--local", action="store_true", help="only this machine reaches it")
    given = parser.parse_args()
    leave_with(given.parent)
    set_up()
    _allow_files()
    settings = Settings.load(host=given.host)
    set_up(text=settings.server.log_text)
    application = Application(settings, is_open=given.open, local=given.local)
    listening = socket.socket(fileno=given.fd)
    raise SystemExit(0 if run(application, listening, settings) else 1)


if __name__ == "__main__":
    main()
