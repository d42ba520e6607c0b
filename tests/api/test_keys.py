"""Keys over REST: shown once, never wider than who makes them, and gone at once when revoked."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.api.conftest import Serve
from tests.api.site import Site
from tests.databases import on_sqlite

from sutdol.app import Sutdol
from sutdol.core.caller import ROLES, Caller
from sutdol.core.errors import Refused
from sutdol.storage import audit
from sutdol.storage.keys import NewKey

KEYS = "/api/v1/keys"
NewKeys = Callable[..., str]


def id_of(key: str) -> str:
    return key.split("_")[1]


def test_a_key_is_shown_once_and_works(locked: Site) -> None:
    answer = locked.post(KEYS, {"name": "ci", "scopes": ["chat"], "rpm": 5})

    assert answer.status == 201
    made = answer.json
    assert made["key"].startswith(f"sutdol_{made['id']}_")
    assert (made["role"], made["scopes"], made["rpm"], made["state"]) == (
        "user",
        ["chat"],
        5,
        "valid",
    )
    assert locked.get("/v1/models", key=made["key"]).status == 200
    assert locked.get("/api/v1/usage", key=made["key"]).status == 403
    secret = made["key"].split("_", 2)[2]
    for told in (locked.get(KEYS), locked.get(f"{KEYS}/{made['id']}")):
        assert made["id"] in told.body.decode()
        assert secret not in told.body.decode()


def test_a_revoked_key_is_refused_at_once_here_and_within_a_second_elsewhere(
    locked: Site, serve: Serve, new_key: NewKeys
) -> None:
    other = serve(auth=True)
    key = new_key("kim", "user")
    for site in (locked, other):
        assert site.get("/api/v1/me", key=key).status == 200

    revoked = locked.delete(f"{KEYS}/{id_of(key)}")
    began = time.monotonic()

    assert revoked.json["state"] == "revoked"
    assert locked.get("/api/v1/me", key=key).status == 401
    while other.get("/api/v1/me", key=key).status == 200:
        assert time.monotonic() - began < 1.0, "a process that keeps keys did not look"
        time.sleep(0.02)


def test_a_user_sees_and_revokes_only_what_is_his(locked: Site, new_key: NewKeys) -> None:
    kim, lee = new_key("kim", "user"), new_key("lee", "user")

    assert [one["id"] for one in locked.get(KEYS, key=kim).json["data"]] == [id_of(kim)]
    of_lee = locked.get(KEYS).json["data"]
    user = next(one["user"] for one in of_lee if one["id"] == id_of(lee))
    assert locked.get(f"{KEYS}?user={user}", key=kim).status == 403

    theirs = [locked.ask(how, f"{KEYS}/{id_of(lee)}", key=kim) for how in ("GET", "DELETE")]
    nobodys = locked.get(f"{KEYS}/zzzzzzzz", key=kim)
    assert [one.status for one in theirs] == [404, 404]
    assert theirs[0].body == nobodys.body.replace(b"zzzzzzzz", id_of(lee).encode())
    assert locked.get("/api/v1/me", key=lee).status == 200

    assert locked.delete(f"{KEYS}/{id_of(kim)}", key=kim).status == 200
    assert locked.get("/api/v1/me", key=kim).status == 401


def test_an_admin_sees_all_keys_and_makes_them_for_anyone(locked: Site, new_key: NewKeys) -> None:
    kim = new_key("kim", "user")
    user = locked.get("/api/v1/me", key=kim).json["user"]

    made = locked.post(KEYS, {"name": "second", "user": user})

    assert made.json["user_name"] == "kim"
    assert len(locked.get(KEYS).json["data"]) == 3
    found = locked.get(f"{KEYS}?user={user}").json["data"]
    assert [one["name"] for one in found] == ["kim's", "second"]
    assert locked.post(KEYS, {"name": "x", "user": "nobody"}).status == 404
    assert locked.post(KEYS, {"name": "x", "user": user, "role": "admin"}).status == 403


def test_a_key_of_a_disabled_user_says_so(locked: Site, new_key: NewKeys) -> None:
    kim = new_key("kim", "user")
    user = locked.get("/api/v1/me", key=kim).json["user"]

    for enabled, state in ((False, "disabled"), (True, "valid")):
        locked.ask("PATCH", f"/api/v1/users/{user}", {"enabled": enabled})
        assert locked.get(f"{KEYS}/{id_of(kim)}").json["state"] == state


def test_a_user_makes_keys_for_himself_alone(locked: Site, new_key: NewKeys) -> None:
    kim = new_key("kim", "user")
    root = locked.get("/api/v1/me").json["user"]

    assert locked.post(KEYS, {"name": "mine"}, key=kim).status == 201
    assert locked.post(KEYS, {"name": "theirs", "user": root}, key=kim).status == 403


@on_sqlite
def test_a_key_never_has_a_role_above_its_maker(locked: Site) -> None:
    for place, own in enumerate(ROLES):
        key = locked.post(KEYS, {"name": "an admin's", "role": own}).json["key"]
        for role in ROLES:
            answer = locked.post(KEYS, {"name": "x", "role": role}, key=key)
            assert answer.status == (201 if ROLES.index(role) <= place else 403), (own, role)


def test_a_limited_key_may_not_make_a_wider_one(locked: Site, new_key: NewKeys) -> None:
    ends = datetime.now(UTC) + timedelta(days=3)
    scopes, models = ("admin", "chat"), ("gpt-*", "javis")
    key = new_key("kim", "user", scopes=scopes, models=models, expires_at=ends)
    same = {"name": "x", "scopes": scopes, "models": models, "expires_at": ends.isoformat()}

    assert locked.post(KEYS, same, key=key).status == 201
    assert locked.post(KEYS, same | {"models": ["gpt-5"], "rpm": 1}, key=key).status == 201
    for field, wider in {
        "scopes": ["*"],
        "models": ["*"],
        "expires_at": None,
    }.items():
        answer = locked.post(KEYS, same | {field: wider}, key=key)
        assert answer.status == 403, field
        assert field in answer.error["message"]
    assert locked.post(KEYS, {"name": "all by default"}, key=key).status == 403


@pytest.mark.parametrize("limit", ["rpm", "tpm", "daily_tokens"])
def test_a_key_with_limits_makes_no_others(locked: Site, new_key: NewKeys, limit: str) -> None:
    key = new_key("kim", "user", **{limit: 1_000})

    answer = locked.post(KEYS, {"name": "x", limit: 1}, key=key)

    assert answer.status == 403
    assert "multiply" in answer.error["message"]


@pytest.mark.parametrize(
    ("own", "wanted", "fits"),
    [
        ((), (), True),
        ((), ("*",), True),
        (("a*",), (), False),
        (("a*",), ("a*",), True),
        (("a*",), ("abc",), True),
        (("a*",), ("b",), False),
        (("a?",), ("a*",), False),
        (("[ab]",), ("[a]",), False),
        (("a*b*",), ("a[xb]y",), False),
    ],
)
def test_only_patterns_that_surely_lie_within_are_let_through(
    own: tuple[str, ...], wanted: tuple[str, ...], fits: bool
) -> None:
    from sutdol.api.keys import require_no_wider

    maker = Caller(user="u", name="u", role="user", key="k", models=own)
    new = NewKey(user="u", name="n", role="user", models=wanted)
    if fits:
        require_no_wider(new, maker, None)
    else:
        with pytest.raises(Refused, match="models"):
            require_no_wider(new, maker, None)


@on_sqlite
def test_a_key_ends_at_a_time_that_exists_and_is_to_come(locked: Site) -> None:
    for ends in (
        "2001-01-01T00:00:00Z",
        "2999-01-01T00:00:00",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
        "10000-01-01T00:00:00Z",
        1e300,
        "tomorrow",
    ):
        answer = locked.post(KEYS, {"name": "x", "expires_at": ends})
        assert answer.status in (400, 422), ends
    assert len(locked.get(KEYS).json["data"]) == 1


@on_sqlite
def test_a_key_is_asked_for_in_its_very_form(locked: Site) -> None:
    for field, wrong in (
        ("name", ""),
        ("user", ""),
        ("scopes", []),
        ("scopes", ["chats"]),
        ("scopes", "*"),
        ("models", [""]),
        ("models", ["a\x1bb"]),
        ("rpm", True),
        ("rpm", "5"),
        ("tpm", 5.0),
        ("expires_at", 32_503_680_000),
        ("expires_at", "32503680000"),
        ("expires_at", "2999-01-01 00:00:00Z"),
        ("expires_at", "2999-01-01T00:00Z"),
        ("expires_at", "2999-01-01_00:00:00Z"),
    ):
        answer = locked.post(KEYS, {"name": "x"} | {field: wrong})
        assert (answer.status, answer.error["param"].split(".")[0]) == (422, field), (field, wrong)
    assert len(locked.get(KEYS).json["data"]) == 1


def test_a_key_that_lasts_as_long_as_can_be_written(locked: Site) -> None:
    made = locked.post(KEYS, {"name": "x", "expires_at": "9999-12-31T23:59:59Z"})

    assert made.json["expires_at"] == "9999-12-31T23:59:59Z"
    assert locked.get("/api/v1/me", key=made.json["key"]).status == 200


def test_keys_are_put_on_record_by_the_name_of_who_changed_them(locked: Site) -> None:
    made = locked.post(KEYS, {"name": "ci"}).json
    locked.delete(f"{KEYS}/{made['id']}")
    locked.delete(f"{KEYS}/{made['id']}")

    with Sutdol.open(locked.settings) as sutdol, sutdol.db.read() as tx:
        events = audit.events(tx, limit=2)
    assert [(one.actor, one.action, one.subject) for one in events] == [
        ("user:root", "revoke key", made["id"]),
        ("user:root", "create key", made["id"]),
    ]
    assert made["key"].split("_", 2)[2] not in str(events)


def test_where_nobody_says_who_he_is_a_key_needs_a_user(site: Site) -> None:
    answer = site.post(KEYS, {"name": "ci"})
    assert answer.status == 400
    assert "user" in answer.error["message"]

    user = site.post("/api/v1/users", {"name": "kim"}).json["id"]
    assert site.post(KEYS, {"name": "ci", "user": user}).status == 201
