"""Traces: a span a request and spans within it, sent to whoever collects them; else nothing."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.api.conftest import Home
from tests.api.site import Site, serving
from tests.databases import on_sqlite
from tests.serve.processes import served

from sutdol.core import spans
from sutdol.core.errors import MissingExtra
from sutdol.core.settings import Settings
from sutdol.models.fake import FakeServer, Fault
from sutdol.serve.tracing import Tracing

CHAT = "/v1/chat/completions"


class Collector:
    """Takes OTLP over HTTP, as a collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            told = {one.key: value(one.value) for one in resource.resource.attributes}
            self.services.add(str(told["service.name"]))
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    @contextmanager
    def open(self) -> Iterator["Collector"]:
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def one(self, name: str) -> Span:
        (found,) = [one for one in self.spans if one.name == name]
        return found


def value(told: AnyValue) -> object:
    return getattr(told, str(told.WhichOneof("value")))


def told(span: Span) -> dict[str, object]:
    return {one.key: value(one.value) for one in span.attributes}


def asked(text: str = "sharpen the old knife", **more: object) -> dict[str, object]:
    return {"model": "fake", "messages": [{"role": "user", "content": text}], **more}


@contextmanager
def traced(home: Home, **flags: object) -> Iterator[tuple[Site, Collector]]:
    """A server that is traced; all is collected when the block has ended."""
    with Collector().open() as collector:
        settings = Settings.load(
            home=home.folder,
            database_url=home.database_url,
            otel_endpoint=collector.url,
            **flags,
        )
        with serving(settings) as site:
            yield site, collector


@on_sqlite
@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_is_a_span_with_the_guard_and_the_upstream_in_it(
    home: Home, upstream: FakeServer, stream: bool
) -> None:
    with traced(home, openai_base_url=upstream.url) as (site, collector):
        answer = site.post(CHAT, asked(stream=stream))
    request, guard, model = (collector.one(name) for name in (f"POST {CHAT}", "guard", "chat fake"))

    assert collector.services == {"sutdol"}
    assert told(request) == {
        "http.request.method": "POST",
        "http.route": CHAT,
        "http.response.status_code": 200,
        "sutdol.request.id": answer.headers["x-request-id"],
    }
    assert request.kind == Span.SPAN_KIND_SERVER
    assert told(guard) == {"sutdol.guard.texts": 1, "sutdol.guard.flagged": 0}
    assert told(model) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "fake",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.usage.output_tokens": 4,
    }
    assert model.kind == Span.SPAN_KIND_CLIENT
    assert {guard.parent_span_id, model.parent_span_id} == {request.span_id}
    assert {one.trace_id for one in (guard, model)} == {request.trace_id}
    assert guard.end_time_unix_nano <= model.start_time_unix_nano
    assert model.end_time_unix_nano <= request.end_time_unix_nano


@on_sqlite
def test_a_trace_that_a_client_began_goes_on(home: Home, upstream: FakeServer) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with traced(home, openai_base_url=upstream.url) as (site, collector):
        site.get("/health", headers={"traceparent": f"00-{trace}-{parent}-01"})

    found = collector.one("GET /health")
    assert (found.trace_id.hex(), found.parent_span_id.hex()) == (trace, parent)


@on_sqlite
def test_what_fails_is_marked(home: Home) -> None:
    with (
        FakeServer(faults=[Fault(status=500)] * 2) as upstream,
        traced(home, openai_base_url=upstream.url) as (site, collector),
    ):
        assert site.post(CHAT, asked()).status == 500
        assert site.get("/nowhere").status == 404

    model, request = collector.one("chat fake"), collector.one(f"POST {CHAT}")
    assert told(model)["error.type"] == "upstream_500"
    assert told(request)["error.type"] == "500"
    assert {model.status.code, request.status.code} == {Status.STATUS_CODE_ERROR}
    assert collector.one("GET").status.code == Status.STATUS_CODE_UNSET


@on_sqlite
def test_nothing_that_was_said_is_in_a_span(home: Home, upstream: FakeServer, offence: str) -> None:
    with traced(home, openai_base_url=upstream.url) as (site, collector):
        site.post(CHAT, asked(offence))
        site.post(CHAT, asked(), headers={"authorization": "Bearer secret"})
        site.get("/v1/models?key=secret")

    everything = repr(collector.spans)
    assert len(collector.spans) > 5
    assert offence not in everything
    assert "secret" not in everything
    assert "sharpen" not in everything


@on_sqlite
def test_embeddings_are_told_apart(home: Home, upstream: FakeServer) -> None:
    with traced(home, openai_base_url=upstream.url) as (site, collector):
        site.post("/v1/embeddings", {"model": "fake", "input": "hello"})

    assert told(collector.one("embeddings fake"))["gen_ai.operation.name"] == "embeddings"


def test_without_a_place_to_send_them_there_are_no_spans() -> None:
    assert not spans.wanted()
    assert spans.begin("guard", "internal", {}) is spans.NOTHING


@on_sqlite
def test_a_server_without_traces_does_not_load_them(home: Home, upstream: FakeServer) -> None:
    with served(home, env={"OPENAI_BASE_URL": upstream.url}) as server:
        assert server.site.post(CHAT, asked()).status == 200
        maps = Path(f"/proc/{server.pids[0]}/maps").read_text(encoding="utf-8")
        files = {line.rpartition("/")[2] for line in maps.splitlines()}

    assert not any("protobuf" in one or "_upb" in one for one in files)


def test_a_missing_extra_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'sutdol[otel]'")):
        Tracing.to("http://127.0.0.1:1/v1/traces")


@on_sqlite
def test_a_collector_that_is_away_costs_nothing_but_its_traces(
    home: Home, upstream: FakeServer
) -> None:
    env = {"OPENAI_BASE_URL": upstream.url, "SUTDOL_OTEL_ENDPOINT": "http://127.0.0.1:1/v1/traces"}
    with served(home, env=env) as server:
        started = time.monotonic()
        assert server.site.post(CHAT, asked()).status == 200
        assert time.monotonic() - started < 1
