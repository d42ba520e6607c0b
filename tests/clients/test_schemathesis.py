"""The OpenAPI document against the server: thousands of requests that somebody else thinks up.

They are made from the document alone, good ones and bad ones. No answer may be a server error, or
anything that the document does not say: another status, another type, another form.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.api.site import Site
from tests.clients.conftest import BIN, AnyModel, ran
from tests.databases import on_sqlite

pytestmark = pytest.mark.xdist_group("schemathesis")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
EXAMPLES = 5
"""Random requests to each operation, after the hundred or so that are systematic."""
KNOWN = """
[dictionaries]
versions = {{ values = ["{version}"] }}
users = {{ values = ["{user}"] }}
scopes = {{ values = ["chat", "moderate"] }}
models = {{ values = ["fake", "o*"] }}

[parameters]
"path.role" = "guard"
"path.version" = {{ dictionary = "versions", probability = 0.8 }}
"query.a" = {{ dictionary = "versions", probability = 0.8 }}
"query.b" = {{ dictionary = "versions", probability = 0.8 }}
"body.version" = {{ dictionary = "versions", probability = 0.8 }}
"body.user" = {{ dictionary = "users", probability = 0.8 }}
"body.scopes[*]" = {{ dictionary = "scopes", probability = 0.8 }}
"body.models[*]" = {{ dictionary = "models", probability = 0.8 }}

[[operations]]  # streams of what no worker does do not end
include-path = "/api/v1/flows/{{id}}/events"
request-timeout = 1
max-stream-events = 1

[[operations]]
include-path = "/api/v1/battles/{{id}}/events"
parameters = {{ "path.id" = "{battle}" }}
"""
"""What cannot be guessed. Other ids are found in answers to earlier requests."""


@on_sqlite
def test_the_server_does_what_its_document_says(
    any_model: AnyModel, new_key: Callable[..., str], tmp_path: Path
) -> None:
    new_key("kim")
    site = any_model()
    (tmp_path / "schemathesis.toml").write_text(KNOWN.format(**_known(site)), encoding="utf-8")
    found = _found(site, tmp_path)

    cases, operations = found["test_cases"], found["operations"]
    print(f"{cases['generated']} requests to {operations['tested']} operations")
    assert operations["tested"] == operations["total"] > 60
    assert cases["generated"] > 20 * operations["total"]
    assert found["complete"]
    assert not found["errors"]
    assert not found["failures"], (tmp_path / "told.txt").read_text(encoding="utf-8")[-20_000:]


def _known(site: Site) -> dict[str, str]:
    (guard,) = site.get("/api/v1/models").json["data"]
    (user,) = site.get("/api/v1/users").json["data"]
    battle = site.post("/api/v1/battles", {}).json["id"]
    site.post(f"/api/v1/battles/{battle}/cancel")  # so that its stream ends
    return {"version": guard["champion"], "user": user["id"], "battle": battle}


def _found(site: Site, folder: Path) -> dict[str, Any]:
    """The report of a run, which may find nothing, or a failure; anything else is an error."""
    options = ("--phases", "coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", 1)
    options += ("--checks", ",".join(CHECKS), "--continue-on-failure", "--no-color")
    options += ("--generation-database", "none", "--report", "json")
    options += ("--report-json-path", folder / "found.json")
    told = ran(BIN / "schemathesis", "run", f"{site.url}/openapi.json", *options, cwd=folder)
    (folder / "told.txt").write_text(told.stdout, encoding="utf-8")
    assert told.returncode in (0, 1), told.stdout[-3_000:]
    found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return found
