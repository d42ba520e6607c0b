"""The log: JSON, with what an operator needs, and without what anybody said or what opens doors."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.conftest import Home
from tests.api.site import Answer, Site
from tests.databases import on_sqlite
from tests.serve.processes import Served, served

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.models.fake import FakeServer, Fault
from sutdol.serve.logs import traced
from sutdol.storage import access, users
from sutdol.storage.access import UserChange

CHAT = "/v1/chat/completions"
PLANTED = {
    "upstream key": "sk-upstream-Planted0001",
    "other upstream's key": "sk-second-Planted0002",
    "model hub token": "hf_Planted0003",
    "unknown key": "sutdol_prod_abcdefgh_Planted0004Planted0004Planted0004Planted000",
    "basic credentials": "a2ltOlBsYW50ZWQwMDA1",
    "session": "Planted0006cookie",
    "csrf token": "Planted0007csrf",
    "key in the query": "Planted0008query",
    "user agent": "Planted0009agent",
    "password": "Planted0010-correct-horse",
    "wrong password": "Planted0011-battery-staple",
    "message": "Planted0012 please sharpen my knife",
    "broken message": "Planted0013 is in broken JSON",
    "wrong field": "Planted0014 is no number",
    "embedded text": "Planted0015 becomes a vector",
    "trace": "Planted0016parent",
    "name of nobody": "planted0017name",
    "file": "planted0018file",
}
HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")


@dataclass
class Trial:
    """Asks and keeps every answer."""

    site: Site
    key: str
    answers: list[Answer] = field(default_factory=list)

    def post(self, path: str, body: object, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.site.post(path, body, key=self.key, headers=sent)
        self.answers.append(answer)
        return answer

    @property
    def errors(self) -> list[Answer]:
        return [one for one in self.answers if one.status >= 400 or b'"error"' in one.body]


def asked(text: str, **more: object) -> dict[str, object]:
    return {"model": "fake", "messages": [{"role": "user", "content": text}], **more}


def repeating(status: int, key: str, *, after: int = 0) -> Fault:
    """An upstream that repeats the key it was asked with."""
    error = {"message": f"Incorrect key {key}", "code": f"bad {key}", "type": key}
    body = json.dumps({"error": error})
    return Fault(status=status, after=after, body=f"data: {body}\n\n" if after else body)


def faults() -> Iterator[Fault]:
    """An answer for each of the chats below, two where it is tried again."""
    key = PLANTED["upstream key"]
    yield Fault()
    yield from (repeating(status, key) for status in (400, 401, 403, 404, 429))
    yield from (repeating(500, key) for _ in range(2))
    yield Fault(body=f"no JSON but {key}")
    yield Fault(body=json.dumps({"said": key}))
    yield Fault(status=400, body=f"<html>{key}</html>")
    yield repeating(200, key, after=1)
    yield repeating(200, key, after=1)


def provoke(trial: Trial) -> None:
    """Errors in every phase of a request."""
    message = PLANTED["message"]
    for _ in range(10):
        trial.post(CHAT, asked(message))
    for store in (False, True):
        trial.post(CHAT, asked("a stream of words", stream=True, store=store))
    _show_keys(trial)
    broken = PLANTED["broken message"]
    trial.post(CHAT, f'{{"model": "fake", "messages": [{{"role": "{broken}'.encode())
    trial.post(CHAT, asked(message, n=PLANTED["wrong field"]))
    trial.post(CHAT, {"model": [PLANTED["wrong field"]], "messages": []})
    trial.post("/v1/embeddings", {"model": "nobody", "input": PLANTED["embedded text"]})
    trial.post("/v1/moderations", {"input": {"text": PLANTED["message"]}})
    for name in ("kim", PLANTED["name of nobody"]):
        trial.post("/api/v1/sessions", {"name": name, "password": PLANTED["wrong password"]})
    trial.post("/api/v1/sessions", {"name": "kim", "password": [PLANTED["password"]]})


def _show_keys(trial: Trial) -> None:
    site = trial.site
    for header in HEADERS:
        for value in (PLANTED["unknown key"], f"Basic {PLANTED['basic credentials']}"):
            shown = f"Bearer {value}" if header == "authorization" else value
            trial.answers.append(site.get("/v1/models", headers={header: shown}))
    query = PLANTED["key in the query"]
    for path in ("/v1/models", "/v1alpha1/comments:analyze", "/nowhere"):
        trial.answers.append(site.get(f"{path}?key={query}&api_key={query}"))
    told = {"cookie": f"sutdol_session={PLANTED['session']}", "x-csrf-token": PLANTED["csrf token"]}
    told |= {"user-agent": PLANTED["user agent"], "traceparent": PLANTED["trace"]}
    trial.answers.append(site.post(CHAT, asked("hello"), headers=told))


def break_tables(home: Home) -> None:
    """From now on whoever signs in, or asks for a file, meets a mistake that nobody foresaw."""
    with closing(sqlite3.connect(home.folder / "sutdol.db")) as file, file:
        file.execute('ALTER TABLE "user" RENAME COLUMN password TO elsewhere')
        file.execute("ALTER TABLE upload RENAME COLUMN digest TO elsewhere")


def with_password(home: Home, name: str, password: str) -> None:
    settings = Settings.load(home=home.folder, database_url=home.database_url)
    now = datetime.now(UTC)
    with Sutdol.open(settings) as sutdol:
        with sutdol.db.read() as tx:
            user = users.by_name(tx, name)
        access.change_user(sutdol.db, user.id, UserChange(password=password), actor="test", now=now)


def environment(upstream: FakeServer) -> dict[str, str]:
    named = [
        {"name": "first", "url": upstream.url, "key": PLANTED["upstream key"]},
        {"name": "away", "url": "http://127.0.0.1:1/v1", "key": PLANTED["other upstream's key"]},
    ]
    return {
        "SUTDOL_UPSTREAMS": json.dumps(named),
        "SUTDOL_GATEWAY__ATTEMPTS": "1",
        "HF_TOKEN": PLANTED["model hub token"],
    }


@on_sqlite
def test_no_secret_stands_in_the_log_in_an_error_or_in_the_database(
    home: Home, new_key: Callable[..., str]
) -> None:
    key = new_key("kim", "admin")
    with_password(home, "kim", PLANTED["password"])
    with (
        FakeServer(faults=faults()) as upstream,
        served(home, is_open=False, env=environment(upstream)) as server,
    ):
        trial = Trial(server.site, key)
        provoke(trial)
        break_tables(home)
        trial.post("/api/v1/sessions", {"name": "kim", "password": PLANTED["password"]})
        trial.answers.append(server.site.get(f"/v1/files/{PLANTED['file']}", key=key))
    secrets = PLANTED | {"valid key": key, "its secret": key.rpartition("_")[2]}
    told = {f"answer {n}": one.body for n, one in enumerate(trial.errors)}
    told |= {f"headers {n}": repr(one.headers).encode() for n, one in enumerate(trial.answers)}
    told |= {"log": server.log.read_bytes()} | files(home)

    assert found(secrets, told) == []
    statuses = [one.status for one in trial.answers]
    assert {200, 400, 401, 404, 422, 502} <= set(statuses)
    assert statuses[-2:] == [500, 500]
    broken = [one["exception"] for one in server.lines if one["event"] == "broken"]
    assert ["users.py" in one for one in broken] == [True, False]
    assert all("OperationalError" in one for one in broken)


def files(home: Home) -> dict[str, bytes]:
    """Everything that was written, but for the model."""
    return {
        path.name: path.read_bytes()
        for path in home.folder.rglob("*")
        if path.is_file() and "models" not in path.parts
    }


def found(secrets: dict[str, str], told: dict[str, bytes]) -> list[tuple[str, str]]:
    return [
        (secret, place)
        for secret, value in secrets.items()
        for place, content in told.items()
        if value.encode() in content
    ]


def test_a_secret_that_leaks_is_noticed() -> None:
    assert found({"key": "abc"}, {"log": b"x abc", "body": b"ab c"}) == [("key", "log")]


@on_sqlite
@pytest.mark.parametrize("shown", [False, True])
def test_what_the_guard_flagged_is_logged_only_where_that_is_wanted(
    home: Home, upstream: FakeServer, offence: str, shown: bool
) -> None:
    env = {"OPENAI_BASE_URL": upstream.url} | ({"SUTDOL_SERVER__LOG_TEXT": "1"} if shown else {})
    with served(home, env=env) as server:
        answer = server.site.post(CHAT, asked(offence))
        passed = server.site.post(CHAT, asked("sharpen the old knife"))

    flagged = [one for one in server.lines if one["event"] == "flagged"]
    assert [one["text"] for one in flagged] == ([offence] if shown else [])
    assert [one["request"] for one in flagged] == ([answer.headers["x-request-id"]] * shown)
    assert "sharpen the old knife" not in server.log.read_text(encoding="utf-8")
    line = answered(server, passed)  # every answer is a line, with its request, route and status
    assert (line["method"], line["route"], line["status"]) == ("POST", CHAT, 200)
    assert line["level"] == "info"
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    assert line["ms"] > 0


def answered(server: Served, answer: Answer) -> dict[str, Any]:
    id_ = answer.headers["x-request-id"]
    (line,) = [one for one in server.lines if one.get("request") == id_]
    return line


def test_an_error_is_told_by_kind_and_place_alone() -> None:
    def fails() -> None:
        try:
            int("Planted")
        except ValueError as error:
            raise KeyError("Planted too") from error

    with pytest.raises(KeyError) as caught:
        fails()
    told = "\n".join(traced(caught.value))

    assert "Planted" not in told
    assert told.index("builtins.KeyError") < told.index("builtins.ValueError")
    assert "test_logs.py" in told


DIES = {
    "the process": "raise ValueError('Planted')",
    "a thread": "t = threading.Thread(target=lambda: 1 / len([x for x in 'Planted' if 0]));"
    " t.start(); t.join()",
    "a task": "asyncio.run(main())",
    "a library": "logging.getLogger('any').error('first line\\nPlanted', exc_info=error)",
    "a warning": "import warnings; warnings.warn('beware')",
    "our sentence": "raise NotReady('start the database')",
}
PROGRAM = """
import asyncio, gc, logging, threading
from sutdol.core.errors import NotReady
from sutdol.serve.logs import set_up
set_up()
error = ValueError("Planted")
async def fails(): raise ValueError("Planted")
async def main():
    task = asyncio.ensure_future(fails())
    await asyncio.sleep(0.01)
    del task
    gc.collect()
"""


@pytest.mark.parametrize("what", list(DIES))
def test_whatever_happens_is_one_line_of_json(what: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + DIES[what]],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    (line,) = [json.loads(one) for one in done.stderr.splitlines()]

    assert "Planted" not in done.stderr
    assert line["level"] in ("warning", "error", "critical")
    if what == "our sentence":
        assert line["error"] == "start the database"
