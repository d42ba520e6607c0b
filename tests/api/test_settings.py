"""Settings and the doctor over REST: for those whose business they are, and never a secret."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, TypeVar

from tests.api.conftest import Home, Serve
from tests.api.site import PATIENCE, Site
from tests.databases import on_sqlite

from sutdol.api.checking import Checking
from sutdol.app import Sutdol
from sutdol.checkup import Line, checkup
from sutdol.core.settings import Settings
from sutdol.models.fake import FakeServer

SETTINGS, DOCTOR = "/api/v1/settings", "/api/v1/doctor"
PLANTED = "wh3tst0ne"
NewKeys = Callable[..., str]
T = TypeVar("T")


def alone(deed: Callable[[], T]) -> T:
    """In a thread: browsers of other tests keep an event loop in the main one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(deed).result(PATIENCE)


def planted(upstream: FakeServer) -> dict[str, Any]:
    """Settings with a secret wherever one can stand."""
    address = upstream.url.replace("http://", f"http://{PLANTED}:{PLANTED}@")
    first = {"name": "first", "url": f"{address}?key={PLANTED}", "key": PLANTED}
    second = {"name": "second", "url": f"http://{PLANTED}:{PLANTED}@127.0.0.1:9/v1"}
    return {
        "openai_base_url": f"{address}?key={PLANTED}",
        "openai_api_key": PLANTED,
        "hf_token": PLANTED,
        "runpod_api_key": PLANTED,
        "vllm_base_url": f"http://{PLANTED}@127.0.0.1:9/v1",
        "redis_url": f"redis://{PLANTED}:{PLANTED}@127.0.0.1:9/0",
        "mlflow_tracking_uri": f"http://{PLANTED}:{PLANTED}@127.0.0.1:9",
        "upstreams": [first, second],
        "gateway": {"connect": 1.0},
    }


@on_sqlite
def test_no_secret_is_told_by_any_of_them(serve: Serve, upstream: FakeServer) -> None:
    site = serve(**planted(upstream))
    told, looked = site.get(SETTINGS), site.get(DOCTOR)

    assert (told.status, looked.status) == (200, 200)
    assert PLANTED not in told.body.decode()
    assert PLANTED not in looked.body.decode()
    found = {one["name"]: one for one in told.json["data"]}
    assert (found["hf_token"]["value"], found["hf_token"]["kind"]) == ("set", "secret")
    assert found["redis_url"]["value"] == "redis://127.0.0.1:9/0"
    assert found["upstreams"]["value"][1]["url"] == "http://127.0.0.1:9/v1"
    lines = {one["name"]: one for one in looked.json["data"]}
    assert lines["llm endpoint"]["text"] == upstream.url
    assert (lines["redis"]["state"], lines["upstream second"]["state"]) == ("broken", "broken")


def test_the_doctor_of_the_command_line_tells_no_secret_either(
    home: Home, upstream: FakeServer
) -> None:
    flags = planted(upstream)
    settings = Settings.load(home=home.folder, database_url=home.database_url, **flags)
    with Sutdol.open(settings) as sutdol:
        said = str(alone(lambda: checkup(sutdol)))

    assert "python" in said
    assert PLANTED not in said


@on_sqlite
def test_settings_are_an_admins_and_the_doctor_is_an_operators(
    locked: Site, new_key: NewKeys
) -> None:
    keys = {role: new_key(role, role) for role in ("reviewer", "operator", "admin")}

    assert [locked.get(SETTINGS, key=one).status for one in keys.values()] == [403, 403, 200]
    assert [locked.get(DOCTOR, key=one).status for one in keys.values()] == [403, 200, 200]
    limited = new_key("ann", "admin", scopes=("chat",))
    assert {locked.get(path, key=limited).status for path in (SETTINGS, DOCTOR)} == {403}


@on_sqlite
def test_the_doctor_names_what_there_is(site: Site) -> None:
    told = site.get(DOCTOR).json
    lines = {one["name"]: one["state"] for one in told["data"]}

    assert {lines[name] for name in ("python", "database", "guard", "upstream openai")} == {"ok"}
    assert lines["mlflow"] == "absent"
    assert told["at"] > "2020"


def test_who_asks_while_a_look_is_under_way_gets_the_same_one() -> None:
    begun: list[int] = []
    go_on = Event()

    def look() -> list[Line]:
        begun.append(len(begun))
        go_on.wait(PATIENCE)
        return [{"name": "look", "state": "ok", "text": str(len(begun))}]

    async def main() -> list[list[Line]]:
        checking = Checking(look)
        hasty, patient = (asyncio.create_task(checking.lines()) for _ in range(2))
        await asyncio.sleep(0)  # both have asked
        hasty.cancel()
        go_on.set()
        return [await patient, await checking.lines()]

    assert [one[0]["text"] for one in alone(lambda: asyncio.run(main()))] == ["1", "2"]
