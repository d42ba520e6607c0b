"""The paths that are asked all the time: past the framework, and yet as all others."""

import gzip
import inspect

import pytest
from fastapi.routing import APIRoute
from tests.api.site import Site
from tests.databases import on_sqlite

from sutdol.api.app import ROUTERS, routes
from sutdol.api.hot import PATHS


def test_each_path_has_a_function_that_wants_the_request_alone() -> None:
    functions = [
        route.endpoint
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.path in PATHS
    ]

    assert [list(inspect.signature(one).parameters) for one in functions] == [["request"]] * len(
        PATHS
    )


def test_the_document_knows_them() -> None:
    assert set(PATHS) <= set(routes().openapi()["paths"])


@on_sqlite
@pytest.mark.parametrize("path", PATHS)
def test_they_are_counted_and_refused_as_all_others(site: Site, path: str) -> None:
    answer = site.post(path, b"{")
    wrong = site.get(path)

    assert (answer.status, bool(answer.json["error"]["message"])) == (400, True)
    assert wrong.status == 405
    assert "POST" in wrong.headers["allow"]
    counted = f'method="POST",route="{path}",status="400"'
    assert counted in site.get("/metrics").body.decode()


@on_sqlite
def test_long_answers_of_ours_are_packed_for_those_who_take_it(site: Site) -> None:
    packed = site.get("/openapi.json", headers={"accept-encoding": "gzip"})
    plain = site.get("/openapi.json")

    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert "content-encoding" not in plain.headers
    short = site.get("/api/v1/battles", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in short.headers
