"""Figures for Prometheus: what all processes counted, and what stands in the databases."""

from threading import Lock

from fastapi import APIRouter
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from sutdol.api.figures import Standing
from sutdol.api.hall import hall

router = APIRouter(tags=["Health"])
_making = Lock()


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Figures in Prometheus' text format; open on this machine, else for operators."""
    own = CollectorRegistry()
    own.register(_standing(request))
    content = generate_latest(_counted()) + generate_latest(own)
    return Response(content, headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})


def _counted() -> Collector:
    """What all processes together counted through files, where they do; else what this one did."""
    shared = CollectorRegistry()
    try:
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # it has no annotations
    except ValueError:  # one process: PROMETHEUS_MULTIPROC_DIR is not set
        return REGISTRY
    return shared


def _standing(request: Request) -> Standing:
    """Made when it is asked for first, and kept with the application."""
    state = request.app.state
    with _making:
        if not hasattr(state, "standing"):
            sutdol = hall(request).sutdol
            state.standing = Standing(sutdol.db, sutdol.workshops, sutdol.place)
        found = state.standing
    assert isinstance(found, Standing)
    return found
