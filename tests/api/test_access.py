"""Who gets in: every route asks for a key, and no way around it is open."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.routing import iter_route_contexts
from tests.api.conftest import Serve
from tests.api.people import SESSIONS, browser, cookie, new_user, signs_in
from tests.api.site import Site
from tests.databases import on_sqlite

from sutdol.api import access
from sutdol.api.app import routes
from sutdol.app import Sutdol
from sutdol.core.caller import ROLES, SCOPES, UserRole
from sutdol.web import pages

NewKeys = Callable[..., str]
ME = "/api/v1/me"
OPEN = {
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/openapi.json"),
    ("HEAD", "/openapi.json"),
    ("POST", SESSIONS),
    ("POST", "/api/v1/first-admin"),
    ("GET", "/sign-in"),
    ("GET", "/welcome"),
    ("GET", "/static/x/x"),
    ("GET", "/favicon.ico"),
}


def every_route() -> Iterator[tuple[str, str]]:
    """Method and path of whatever the application answers; a part that varies is an x."""
    for route in iter_route_contexts(routes(pages.router).routes):
        assert route.path is not None, f"{route} hides what is behind it"
        for method in sorted(route.methods or ()):
            yield method, re.sub(r"\{[^}]*\}", "x", route.path)


EVERY = sorted(every_route())


def test_there_are_routes() -> None:
    """Otherwise the next tests would be content with nothing."""
    assert len(EVERY) > 25
    assert {("POST", "/v1/chat/completions"), ("DELETE", "/api/v1/keys/x")} <= set(EVERY)


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_the_table_names_every_route(method: str, path: str) -> None:
    assert access.rule(method, path) is not access.NOBODY


def test_what_the_table_does_not_name_is_for_nobody() -> None:
    for path in ("/v1", "/v1/modelsx", "/api/v1/user", "/healthy", "/api/v1/keysx", "//ready"):
        assert access.rule("GET", path) is access.NOBODY, path
    for path in ("/x", "/arenas", "//", "/sign-in-x"):
        assert access.rule("GET", path) is access.NOBODY, path
    for path in ("/health", "/", "/chat"):
        assert access.rule("DELETE", path) is access.NOBODY


@on_sqlite
def test_every_route_but_the_named_ones_asks_for_a_key(serve: Serve, new_key: NewKeys) -> None:
    new_key("root", "admin")
    public, local = serve(auth=True, local=False), serve(auth=True, local=True)

    for site, open_ in ((public, OPEN), (local, OPEN | {("GET", "/metrics")})):
        for method, path in EVERY:
            body: object = None if method in ("GET", "HEAD", "DELETE") else {}
            status = site.ask(method, path, body).status
            wanted = (method, path) in open_
            assert (status != 401) is wanted, (method, path, status)
            if not wanted:
                assert site.ask(method, path, body).headers["www-authenticate"] == "Bearer"
    assert public.get("/nothing/here").status == 401, "nor is it told what there is"
    assert public.get("/metrics").status == 401


LEAST: tuple[tuple[str, str, UserRole], ...] = (
    ("GET", ME, "user"),
    ("PATCH", ME, "user"),
    ("GET", "/v1/models", "user"),
    ("POST", "/v1/chat/completions", "user"),
    ("POST", "/v1/embeddings", "user"),
    ("POST", "/v1/moderations", "user"),
    ("POST", "/v1alpha1/comments:analyze", "user"),
    ("GET", "/api/v1/conversations", "user"),
    ("POST", "/api/v1/conversations", "user"),
    ("DELETE", "/api/v1/conversations/x", "user"),
    ("GET", "/api/v1/usage", "user"),
    ("GET", "/api/v1/requests/x", "user"),
    ("GET", "/api/v1/keys", "user"),
    ("POST", "/api/v1/keys", "user"),
    ("DELETE", "/api/v1/keys/x", "user"),
    ("POST", "/api/v1/feedback", "user"),
    ("GET", "/api/v1/feedback", "reviewer"),
    ("GET", "/api/v1/feedback/x", "reviewer"),
    ("GET", "/api/v1/feedback/counts", "reviewer"),
    ("POST", "/api/v1/feedback/x/accept", "reviewer"),
    ("POST", "/api/v1/feedback/x/reject", "reviewer"),
    ("GET", "/api/v1/battles", "user"),
    ("POST", "/api/v1/battles", "operator"),
    ("GET", "/api/v1/flows", "operator"),
    ("GET", "/api/v1/models", "user"),
    ("POST", "/api/v1/models/guard/rollback", "operator"),
    ("GET", "/api/v1/verdicts", "user"),
    ("GET", "/metrics", "operator"),
    ("GET", "/", "user"),
    ("GET", "/arena", "user"),
    ("GET", "/chat", "user"),
    ("GET", "/feedback", "reviewer"),
    ("GET", "/api/v1/users", "admin"),
    ("POST", "/api/v1/users", "admin"),
    ("GET", "/api/v1/users/x", "admin"),
    ("PATCH", "/api/v1/users/x", "admin"),
)


@on_sqlite
def test_each_role_reaches_what_is_its_and_nothing_above(serve: Serve, new_key: NewKeys) -> None:
    site = serve(auth=True, local=False)
    keys = {role: new_key(role, role) for role in ROLES}

    for method, path, least in LEAST:
        for role, key in keys.items():
            body: object = None if method in ("GET", "DELETE") else {}
            answer = site.ask(method, path, body, key=key)
            kept_out = answer.status == 403 and answer.error["message"].startswith("This needs")
            assert kept_out is (ROLES.index(role) < ROLES.index(least)), (method, path, role)
            assert answer.status != 401


@on_sqlite
def test_a_key_of_one_scope_opens_nothing_else(locked: Site, new_key: NewKeys) -> None:
    new_key("ann", "admin")
    keys = {scope: new_key("ann", "admin", scopes=(scope,)) for scope in SCOPES}

    for method, path, _ in LEAST:
        rule = access.rule(method, path)
        body: object = None if method in ("GET", "DELETE") else {}
        for scope, key in keys.items():
            if (method, path) == ("GET", "/metrics"):
                continue  # open to this machine
            answer = locked.ask(method, path, body, key=key)
            lacks = answer.status == 403 and "lacks the scope" in answer.error["message"]
            assert lacks is (rule.scope not in ("*", scope)), (method, path, scope)


def test_keys_that_do_not_count_any_more(locked: Site, new_key: NewKeys) -> None:
    revoked, disabled = new_key("kim", "user"), new_key("lee", "user")
    assert {locked.get(ME, key=one).status for one in (revoked, disabled)} == {200}

    locked.delete(f"/api/v1/keys/{revoked.split('_')[1]}")
    lee = locked.get(ME, key=disabled).json["user"]
    locked.ask("PATCH", f"/api/v1/users/{lee}", {"enabled": False})

    assert locked.get(ME, key=revoked).status == 401
    assert locked.get(ME, key=disabled).status == 401


def test_an_expired_key_is_refused(locked: Site, new_key: NewKeys) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    key = new_key("kim", "user", expires_at=soon)
    time.sleep(0.31)

    assert locked.get(ME, key=key).status == 401


@on_sqlite
def test_a_key_that_is_none_opens_nothing(locked: Site, new_key: NewKeys) -> None:
    good = new_key("kim", "user")
    prefix, id_, secret = good.split("_", 2)
    for key in (
        "x",
        f"{prefix}_{id_}_{'A' * 43}",
        f"{prefix}_{id_[::-1]}_{secret}",
        f"{prefix}_{id_}_",
        good[:-1],
        good + "A",
        good.upper(),
        f"{good} {good}",
        f"{good},",
        "' OR 1=1 --",
        "\xff\xfe",
        "9" * 9_000,
    ):
        answer = locked.ask("GET", ME, headers={"authorization": f"Bearer {key}"}, key="")
        assert answer.status == 401, key[:50]
        assert answer.error["code"] == "invalid_api_key"
    for header in (f"Basic {good}", good, "Bearer", "", f"bearer{good}"):
        assert locked.ask("GET", ME, headers={"authorization": header}, key="").status == 401


@on_sqlite
def test_the_headers_of_other_clients_hold_keys_too(locked: Site, new_key: NewKeys) -> None:
    key = new_key("kim", "user")

    for header in ("x-api-key", "api-key", "x-goog-api-key", "X-API-KEY"):
        assert locked.get(ME, key="", headers={header: key}).json["name"] == "kim"
        assert locked.get(ME, key="", headers={header: f"{key}x"}).status == 401


@on_sqlite
def test_a_wrong_key_is_not_made_good_by_another_or_by_a_session(
    locked: Site, new_key: NewKeys
) -> None:
    key = new_key("kim", "user")
    new_user(locked, "lee")
    page = browser(signs_in(locked, "lee"))

    for more in ({"x-api-key": key}, page):
        headers = {"authorization": "Bearer wrong", **more}
        assert locked.get(ME, key="", headers=headers).status == 401


@on_sqlite
def test_a_key_elsewhere_than_in_its_headers_is_not_read(locked: Site, new_key: NewKeys) -> None:
    key = new_key("kim", "user")
    body = {"key": key, "api_key": key, "authorization": f"Bearer {key}"}
    for name in ("key", "api_key", "token", "access_token", "authorization"):
        assert locked.get(f"{ME}?{name}={key}", key="").status == 401
        assert locked.get(ME, key="", headers={"cookie": f"{name}={key}"}).status == 401
        assert locked.get(ME, key="", headers={name.replace("_", "-") + "s": key}).status == 401
    assert locked.get(ME, key="", headers={"cookie": f"sutdol_session={key}"}).status == 401
    assert locked.get(ME, key="", headers={"referer": f"http://x/?key={key}"}).status == 401
    assert locked.post("/api/v1/keys", body, key="").status == 401
    assert locked.post("/v1/chat/completions?key=" + key, body, key="").status == 401

    perspective = {"comment": {"text": "hi"}, "requestedAttributes": {"TOXICITY": {}}}
    path = "/v1alpha1/comments:analyze?key="
    assert locked.post(path + key, perspective, key="").status == 200
    assert locked.post(path + key[:-1] + "x", perspective, key="").status == 401


def test_cookies_that_are_forged_or_old(locked: Site) -> None:
    kim = new_user(locked, "kim")
    answer = signs_in(locked, "kim")
    good = cookie(answer).partition("=")[2]
    assert locked.get(ME, key="", headers={"cookie": f"a=b; sutdol_session={good}"}).status == 200

    with Sutdol.open(locked.settings) as sutdol, sutdol.db.read() as tx:
        (stored,) = tx.exec_driver_sql("SELECT id, csrf FROM session").all()
    for forged in (
        "",
        "x",
        good[:-1],
        good[::-1],
        good + "A",
        f'"{good}"',
        stored.id,
        stored.csrf,
        kim.id,
        answer.json["csrf"],
        "' OR 1=1 --",
        "\xff",
    ):
        cookies = {"cookie": f"sutdol_session={forged}"}
        assert locked.get(ME, key="", headers=cookies).status == 401, forged

    locked.ask("PATCH", f"/api/v1/users/{kim.id}", {"enabled": False})
    assert locked.get(ME, key="", headers=browser(answer)).status == 401


def test_a_session_that_is_over_is_refused(serve: Serve) -> None:
    site = serve(auth=True, server={"session": 60})
    new_user(site, "kim")
    page = browser(signs_in(site, "kim"))
    with Sutdol.open(site.settings) as sutdol, sutdol.db.write() as tx:
        tx.exec_driver_sql("UPDATE session SET expires_at = '2020-01-01T00:00:00.000000+00:00'")

    assert site.get(ME, key="", headers=page).status == 401


def test_a_page_of_another_site_cannot_use_the_cookie(locked: Site) -> None:
    new_user(locked, "kim")
    new_user(locked, "lee")
    page, other = (browser(signs_in(locked, name)) for name in ("kim", "lee"))
    begin = "/api/v1/conversations"

    def status(headers: dict[str, str]) -> int:
        return locked.post(begin, {}, key="", headers=headers).status

    assert status(page) == 201
    assert status(page | {"origin": f"http://127.0.0.1:{locked.port}"}) == 201
    assert status({"cookie": page["cookie"]}) == 403
    for token in ("", "x", other["x-csrf-token"], page["x-csrf-token"] + "x"):
        assert status(page | {"x-csrf-token": token}) == 403, token
    for origin in (
        "http://evil.example",
        "null",
        f"http://127.0.0.1:{locked.port + 1}",
        f"http://127.0.0.1:{locked.port}.evil.example",
        "http://127.0.0.1",
        "http://[",
    ):
        assert status(page | {"origin": origin}) == 403, origin
    for method in ("PATCH", "DELETE"):
        assert locked.ask(method, f"{begin}/x", {}, key="", headers=other).status == 404
        cookies = {"cookie": other["cookie"]}
        assert locked.ask(method, f"{begin}/x", {}, key="", headers=cookies).status == 403
    assert len(locked.get(begin, key="", headers=page).json["data"]) == 2


@on_sqlite
def test_a_page_of_another_site_cannot_use_an_open_server(site: Site) -> None:
    own = f"http://127.0.0.1:{site.port}"
    for path in ("/api/v1/conversations", "/api/v1/users", "/v1/models", "/health"):
        assert site.get(path, headers={"origin": own}).status == 200
        for origin in ("http://evil.example", "null", own + "0"):
            assert site.get(path, headers={"origin": origin}).status == 403, (path, origin)
    plain = {"origin": "http://evil.example", "content-type": "text/plain"}
    assert site.post("/api/v1/conversations", {}, headers=plain).status == 403


PERSPECTIVE = "/v1alpha1/comments:analyze"
COMMENT = {"comment": {"text": "hi"}, "requestedAttributes": {"TOXICITY": {}}}


@on_sqlite
def test_a_page_of_another_site_may_ask_with_a_key_of_its_own(
    locked: Site, new_key: NewKeys
) -> None:
    key, origin = new_key("kim"), {"origin": "http://other.example"}

    for header in ("x-api-key", "api-key", "x-goog-api-key"):
        assert locked.get(ME, key="", headers=origin | {header: key}).status == 200
    assert locked.get(ME, key=key, headers=origin).status == 200
    assert locked.post(f"{PERSPECTIVE}?key={key}", COMMENT, key="", headers=origin).status == 200
    assert locked.post(f"{PERSPECTIVE}?key=x", COMMENT, key="", headers=origin).status == 401
    assert locked.get(f"{ME}?key={key}", key="", headers=origin).status == 403


@on_sqlite
def test_a_page_of_another_site_gets_by_no_address_into_an_open_server(site: Site) -> None:
    plain = {"origin": "http://evil.example", "content-type": "text/plain"}

    assert site.post(f"{PERSPECTIVE}?key=x", COMMENT, headers=plain).status == 403


@on_sqlite
def test_an_open_server_answers_only_to_its_own_names(site: Site, serve: Serve) -> None:
    for host in ("evil.example", f"evil.example:{site.port}", "", "127.0.0.1.evil.example", "["):
        answer = site.get("/api/v1/users", headers={"host": host})
        assert answer.status in (400, 403), host
    for host in ("127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:80"):
        assert site.get("/api/v1/users", headers={"host": host}).status == 200, host

    named = serve(server={"hosts": "chat.example"})
    assert named.get("/api/v1/users", headers={"host": "chat.example"}).status == 200


@on_sqlite
def test_a_limit_of_a_key_holds_on_every_path(locked: Site, new_key: NewKeys) -> None:
    key = new_key("kim", "user", rpm=3)

    paths = (ME, "/api/v1/keys", "/v1/models", "/api/v1/usage")
    assert [locked.get(one, key=key).status for one in paths] == [200, 200, 200, 429]


def test_paths_of_strangers_are_not_remembered() -> None:
    for number in range(100):
        access.rule("GET", f"/{number}" + "a" * 60_000)

    assert access.found.cache_info().currsize < 2048
    before = access.found.cache_info().currsize
    access.rule("GET", "/" + "b" * 60_000)
    assert access.found.cache_info().currsize == before


def test_a_key_for_admin_alone_lets_nobody_in(locked: Site, new_key: Callable[..., str]) -> None:
    made = {"name": "other", "role": "admin", "password": "a long Passphrase 93 zebra"}
    for limits in ({"scopes": ("admin",)}, {"models": ("x",)}, {"rpm": 9}):
        key = new_key(f"ops {len(str(limits))}", "admin", **limits)
        assert locked.post("/api/v1/users", made, key=key).status == 403


def test_a_key_ends_when_it_says(locked: Site, new_key: Callable[..., str]) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=2)
    key = new_key("kim", "user", expires_at=ends)
    assert locked.get("/api/v1/me", key=key).status == 200
    time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()) + 0.1)

    assert locked.get("/api/v1/me", key=key).status == 401
