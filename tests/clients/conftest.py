"""Programs of others, from the environment that `make clients` makes, and a server for them."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.api.conftest import (  # noqa: F401  fixtures
    Serve,
    guarded,
    home,
    new_key,
    offence,
    serve,
    upstream,
)
from tests.api.site import Site
from tests.databases import REQUIRED

from sutdol.models.fake import FakeServer

CLIENTS = Path(__file__).parents[2] / ".clients"
BIN = CLIENTS / "bin"


@pytest.fixture(scope="session", autouse=True)
def needs_clients() -> None:
    """Their tests are skipped without them, or fail where they are required."""
    if (CLIENTS / ".installed").exists():
        return
    why = "Clients are needed in .clients: run `make clients`."
    if REQUIRED:
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def ran(*command: object, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A program of `.clients` run to its end, on a bare machine and unaware of these tests."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


AnyModel = Callable[..., Site]


@pytest.fixture
def any_model(serve: Serve, upstream: FakeServer) -> AnyModel:  # noqa: F811
    """`any_model(gateway={...})` starts a server that serves a model of any name."""

    def start(**settings: object) -> Site:
        behind = {"name": "fake", "url": upstream.url, "models": ["*"]}
        return serve(upstreams=[behind], **settings)

    return start
