"""Traces for OpenTelemetry, where the settings say where to: a span a request, spans within it."""

from typing import TYPE_CHECKING

from sutdol import __version__
from sutdol.api.context import App, Message, Receive, Scope, Send
from sutdol.api.hall import Ask
from sutdol.core import spans
from sutdol.core.errors import MissingExtra

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer


PATIENCE = 5.0  # seconds to send a batch, tries and all; a server that stops waits for the last one


class Tracing:
    """To be closed: what waits is then sent. Close it in a thread, for that may take a while."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("sutdol", __version__)
        spans.use(self._within)

    @classmethod
    def to(cls, endpoint: str) -> "Tracing":
        """Send spans in batches to an OTLP server, by HTTP."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ModuleNotFoundError as error:
            raise MissingExtra("The setting otel_endpoint", extra="otel") from error
        named = Resource.create({"service.name": "sutdol", "service.version": __version__})
        provider = TracerProvider(resource=named, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint, timeout=PATIENCE)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        return cls(provider)

    def around(self, app: App) -> App:
        """The application with a span around each request."""
        return _Traced(app, self._tracer)

    def close(self) -> None:
        spans.use(None)
        self._provider.shutdown()

    def _within(self, name: str, kind: spans.Kind, told: spans.Told) -> spans.Span:
        from opentelemetry.trace import SpanKind

        kinds = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
        return _Open(self._tracer.start_span(name, kind=kinds[kind], attributes=dict(told)))


class _Open:
    """A span that waits for its end."""

    def __init__(self, span: "Span") -> None:
        self._span = span

    def end(self, told: spans.Told, *, error: str | None = None) -> None:
        self._span.set_attributes(dict(told))
        if error is not None:
            _failed(self._span, error)
        self._span.end()


class _Traced:
    """ASGI middleware around all others; what clients send and get is in no span."""

    def __init__(self, app: App, tracer: "Tracer") -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from opentelemetry.trace import SpanKind, use_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = {
            k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"] if k in PARENT
        }
        parent = TraceContextTextMapPropagator().extract(sent)
        span = self._tracer.start_span(scope["method"], parent, SpanKind.SERVER)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= 500:
                    _failed(span, str(message["status"]))
            await send(message)

        with use_span(span, end_on_exit=True, record_exception=False):
            try:
                await self._app(scope, receive, watched)
            finally:
                _name(span, scope)


PARENT = (b"traceparent", b"tracestate")


def _name(span: "Span", scope: Scope) -> None:
    """What is known of a request once it was answered."""
    route = getattr(scope.get("route"), "path", None)
    span.update_name(f"{scope['method']} {route}" if route else str(scope["method"]))
    span.set_attribute("http.request.method", scope["method"])
    if route:
        span.set_attribute("http.route", route)
    ask = scope.get("sutdol")
    if isinstance(ask, Ask):
        span.set_attribute("sutdol.request.id", ask.id)


def _failed(span: "Span", kind: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)
