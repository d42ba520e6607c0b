"""Signing in: a cookie that only its browser knows, tokens for forms, and few tries."""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from argon2 import PasswordHasher
from starlette.requests import Request
from tests.api.conftest import Serve
from tests.api.people import PASSWORD, SESSIONS, browser, cookie, new_user, signs_in
from tests.api.site import Site
from tests.databases import on_sqlite, rewrite

from sutdol.api.errors import SignInFailed
from sutdol.api.passwords import AT_ONCE, HASHING, WAITING, Few, PasswordWrong, Tries, tried
from sutdol.app import Sutdol
from sutdol.chat.quota import OverLimit
from sutdol.core.errors import BadInput, SutdolError, Unavailable
from sutdol.serve.watch import EVERY
from sutdol.storage import passwords, secrets, sessions, users
from sutdol.storage.limits import Limits

ME = "/api/v1/me"
QUICK = "\ud55c" * 2_000
"""Nobody's password, and too long for one to be hashed at all."""


def test_who_signs_in_gets_a_cookie_and_a_token(locked: Site) -> None:
    kim = new_user(locked, "kim", "reviewer")

    answer = signs_in(locked, "kim")

    assert answer.status == 201
    told = answer.json
    assert (told["user"], told["name"], told["role"]) == (kim.id, "kim", "reviewer")
    parts = set(answer.headers["set-cookie"].split("; ")[1:])
    assert parts == {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=604800"}
    page = browser(answer)
    who = locked.get(SESSIONS, key="", headers=page).json
    assert (who["user"], who["role"], who["csrf"], who["key"]) == (
        kim.id,
        "reviewer",
        told["csrf"],
        None,
    )
    assert locked.get(ME, key="", headers=page).json == who


def test_a_cookie_leaves_this_machine_only_encrypted(serve: Serve) -> None:
    site = serve(auth=True, local=False)
    new_user(site, "kim")

    assert "Secure" in signs_in(site, "kim").headers["set-cookie"].split("; ")


@on_sqlite
def test_no_answer_about_somebody_is_kept_by_a_cache(locked: Site) -> None:
    """What comes by a cookie, a shared cache may otherwise give to the next who asks."""
    new_user(locked, "kim")
    page = browser(signs_in(locked, "kim"))
    for path in (ME, SESSIONS, "/api/v1/conversations", "/api/v1/none", "/", "/nonsense"):
        for headers in (page, {}):
            answer = locked.get(path, key="", headers={"accept": "text/html", **headers})
            assert answer.headers["cache-control"] == "no-store", path


def test_who_signs_out_is_nobody_at_once(locked: Site) -> None:
    new_user(locked, "kim")
    page = browser(signs_in(locked, "kim"))
    assert locked.get(ME, key="", headers=page).status == 200

    refused = locked.delete(SESSIONS, key="", headers={"cookie": page["cookie"]})
    out = locked.delete(SESSIONS, key="", headers=page)

    assert (refused.status, out.status) == (403, 204)
    assert out.headers["set-cookie"].startswith('sutdol_session=""; ')
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert locked.get(ME, key="", headers=page).status == 401
    assert locked.delete(SESSIONS, key="", headers=page).status == 401


def test_the_cookie_is_new_at_each_sign_in_and_the_old_one_ends(locked: Site) -> None:
    new_user(locked, "kim")
    first = signs_in(locked, "kim")
    planted = {"cookie": "sutdol_session=" + "A" * 43}

    second = signs_in(locked, "kim", headers={"cookie": cookie(first)})
    third = signs_in(locked, "kim", headers=planted)

    assert (second.status, third.status) == (201, 201), "no token is needed to sign in"
    cookies = {planted["cookie"], *map(cookie, (first, second, third))}
    assert len(cookies) == 4
    assert locked.get(ME, key="", headers=browser(first)).status == 401
    assert locked.get(ME, key="", headers=planted).status == 401
    assert locked.get(ME, key="", headers=browser(second)).status == 200


@on_sqlite
def test_nobody_learns_whose_password_was_wrong(locked: Site) -> None:
    new_user(locked, "kim")
    gone = new_user(locked, "gone")
    locked.ask("PATCH", f"/api/v1/users/{gone.id}", {"enabled": False})

    bodies, spent = set(), {}
    for name, password in (
        ("kim", "wrong horse battery"),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("root", PASSWORD),  # who has no password
    ):
        began = time.process_time()  # of all threads: other processes may be busy
        answer = signs_in(locked, name, password)
        spent[name] = time.process_time() - began
        assert (answer.status, "set-cookie" in answer.headers) == (401, False)
        bodies.add(answer.body)
    assert len(bodies) == 1
    assert min(spent.values()) > max(spent.values()) / 2, spent


def test_names_are_read_whatever_their_case_and_width(locked: Site) -> None:
    new_user(locked, "Kim")

    assert signs_in(locked, "ＫＩＭ").status == 201


@on_sqlite
def test_one_name_may_be_tried_only_so_often_in_any_spelling(locked: Site) -> None:
    new_user(locked, "kim")
    new_user(locked, "lee")

    for name in ("kim", "KIM", "ｋim", " kim", "Kim"):
        assert [signs_in(locked, name, QUICK).status for _ in range(2)] == [401, 401]
    refused = signs_in(locked, "kiM")

    assert refused.status == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 300
    assert signs_in(locked, "lee").status == 201


@on_sqlite
def test_an_unknown_name_is_limited_like_a_known_one(locked: Site) -> None:
    names = ("nobody", "NOBODY") * 6

    assert [signs_in(locked, one, QUICK).status for one in names] == [401] * 10 + [429] * 2


@on_sqlite
def test_one_address_may_try_only_so_many_names(locked: Site) -> None:
    new_user(locked, "kim")
    tried = [signs_in(locked, f"nobody{n}", QUICK).status for n in range(30)]

    assert tried == [401] * 30
    assert signs_in(locked, "kim").status == 429


@on_sqlite
def test_who_knows_the_password_may_sign_in_often(locked: Site) -> None:
    new_user(locked, "kim")
    assert [signs_in(locked, "kim", QUICK).status for _ in range(9)] == [401] * 9

    assert [signs_in(locked, "kim").status for _ in range(2)] == [201] * 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("a socket", "a socket", True),
    ],
)
def test_who_has_a_whole_network_of_addresses_is_one_client(
    one: str, other: str, same: bool
) -> None:
    limits = Limits(clock=lambda: 0.0)
    for n in range(30):
        Tries(limits, coming_from(one), f"a{n}").count()

    if same:
        with pytest.raises(OverLimit):
            Tries(limits, coming_from(other), "b").count()
    else:
        Tries(limits, coming_from(other), "b").count()


def coming_from(address: str) -> Request:
    return Request({"type": "http", "client": (address, 1)})


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (SignInFailed("wrong"), True),
        (PasswordWrong("wrong"), True),
        (Unavailable("too many wait"), False),
        (BadInput("the new one is no good"), False),
    ],
)
def test_only_a_wrong_password_uses_up_a_try(error: SutdolError, counts: bool) -> None:
    tries = Tries(Limits(clock=lambda: 0.0), coming_from("192.0.2.1"), "kim")

    def fails() -> None:
        raise error

    async def ten() -> None:
        for _ in range(10):
            with pytest.raises(type(error)):
                await tried(tries, fails)

    asyncio.run(ten())
    with pytest.raises(OverLimit) if counts else nullcontext():
        tries.count()


@on_sqlite
def test_only_so_many_passwords_are_checked_at_once(locked: Site) -> None:
    new_user(locked, "kim")
    done, begun = Event(), []

    async def crowd() -> int:
        def work() -> None:
            begun.append(1)
            done.wait(10)

        waiting = [asyncio.ensure_future(HASHING.do(work)) for _ in range(AT_ONCE + WAITING)]
        await asyncio.sleep(0.05)
        answer = await asyncio.to_thread(signs_in, locked, "kim")
        assert (await asyncio.to_thread(locked.get, "/ready")).status == 200
        assert len(begun) == AT_ONCE
        done.set()
        await asyncio.gather(*waiting)
        assert answer.headers["retry-after"] == "1"
        return answer.status

    assert asyncio.run(crowd()) == 503
    assert signs_in(locked, "kim").status == 201


def test_the_places_of_work_that_breaks_off_are_free_again() -> None:
    few = Few(1, 1)
    stop = Event()

    def fails() -> None:
        raise ValueError("on purpose")

    async def crowd() -> None:
        for _ in range(5):
            with pytest.raises(ValueError, match="on purpose"):
                await few.do(fails)
        first, second = (asyncio.ensure_future(few.do(lambda: stop.wait(10))) for _ in range(2))
        await asyncio.sleep(0.02)
        with pytest.raises(Unavailable):
            await few.do(fails)
        second.cancel()
        await asyncio.sleep(0.02)
        third = asyncio.ensure_future(few.do(lambda: 3))
        stop.set()
        assert await third == 3
        await first

    asyncio.run(crowd())


def test_a_hash_of_old_costs_is_made_anew(locked: Site) -> None:
    kim = new_user(locked, "kim")
    cheap = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with Sutdol.open(locked.settings) as sutdol, sutdol.db.write() as tx:
        users.set_password(tx, kim.id, cheap)

    elsewhere = opened(locked, kim.id)
    page = browser(signs_in(locked, "kim"))

    for headers in (page, elsewhere):
        assert locked.get(ME, key="", headers=headers).status == 200
    with Sutdol.open(locked.settings) as sutdol, sutdol.db.read() as tx:
        found = users.password(tx, "kim")
    assert found is not None
    stored = found[1]
    assert stored is not None
    assert not passwords.outdated(stored)
    assert passwords.verify(stored, PASSWORD)


def opened(site: Site, user: str) -> dict[str, str]:
    """The cookie of a session that nobody signed in for."""
    now, lasts = datetime.now(UTC), timedelta(hours=1)
    with Sutdol.open(site.settings) as sutdol:
        pepper = secrets.pepper(sutdol.db, now)
        with sutdol.db.write() as tx:
            cookie, _ = sessions.open(tx, pepper, user, now, lasts=lasts)
    return {"cookie": f"sutdol_session={cookie}"}


@on_sqlite
def test_a_password_that_changes_while_it_is_checked_is_a_wrong_one(locked: Site) -> None:
    kim = new_user(locked, "kim")
    other = passwords.hash("another horse entirely")
    with ThreadPoolExecutor(1) as threads, Sutdol.open(locked.settings) as sutdol:
        with sutdol.db.write() as tx:  # which signing in has to wait for, once it has checked
            answer = threads.submit(signs_in, locked, "kim")
            time.sleep(1)
            users.set_password(tx, kim.id, other)
        assert (answer.result().status, answer.result().error["code"]) == (401, "sign_in_failed")


@on_sqlite
def test_to_sign_in_makes_nobody_be_looked_up_anew_unless_it_ends_a_session(
    locked: Site, new_key: Callable[..., str]
) -> None:
    key = new_key("kim", "user")
    new_user(locked, "lee")
    time.sleep(4 * EVERY)  # a new user has everybody looked up anew
    assert locked.get(ME, key=key).status == 200
    rewrite(
        str(locked.settings.database_url), "DELETE FROM api_key WHERE id = %s", key.split("_")[1]
    )

    page = signs_in(locked, "lee")
    assert locked.get(ME, key=key).status == 200, "it is remembered"
    signs_in(locked, "lee", headers={"cookie": cookie(page)})
    assert locked.get(ME, key=key).status == 401


def test_nobody_is_signed_in_without_a_cookie(locked: Site) -> None:
    for method in ("GET", "DELETE"):
        answer = locked.ask(method, SESSIONS, key="")
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@on_sqlite
def test_a_form_of_another_site_cannot_sign_in(locked: Site) -> None:
    new_user(locked, "kim")
    raw = json.dumps({"name": "kim", "password": PASSWORD}).encode()

    def status(kind: str, **more: str) -> int:
        answer = locked.post(SESSIONS, raw, key="", headers={"content-type": kind, **more})
        assert answer.status == 201 or "set-cookie" not in answer.headers
        return answer.status

    form = "application/x-www-form-urlencoded"
    for kind in ("text/plain", form, "multipart/form-data", "text/json", ""):
        assert status(kind) == 422, kind
    assert status("application/json", origin="http://evil.example") == 403
    assert status("application/json") == 201


def test_a_user_changes_his_password_and_signs_in_again(locked: Site) -> None:
    new_user(locked, "kim")
    page = browser(signs_in(locked, "kim"))
    body = {"current": PASSWORD, "password": "another horse entirely"}

    wrong = locked.ask("PATCH", ME, body | {"current": QUICK}, key="", headers=page)
    short = locked.ask("PATCH", ME, body | {"password": "short"}, key="", headers=page)
    forged = locked.ask("PATCH", ME, body, key="", headers={"cookie": page["cookie"]})
    done = locked.ask("PATCH", ME, body, key="", headers=page)

    assert [one.status for one in (wrong, short, forged, done)] == [403, 422, 403, 204]
    assert locked.get(ME, key="", headers=page).status == 401
    assert signs_in(locked, "kim").status == 401
    assert signs_in(locked, "kim", "another horse entirely").status == 201


@on_sqlite
def test_the_current_password_cannot_be_guessed_without_end(
    locked: Site, new_key: Callable[..., str]
) -> None:
    key = new_key("kim", "user", scopes=("chat",))
    body = {"current": QUICK, "password": "another horse entirely"}

    statuses = [locked.ask("PATCH", ME, body, key=key).status for _ in range(11)]

    assert statuses == [403] * 10 + [429]


@on_sqlite
def test_who_knows_the_password_may_choose_a_bad_one_often(
    locked: Site, new_key: Callable[..., str]
) -> None:
    new_user(locked, "whetstone-kim")
    page = browser(signs_in(locked, "whetstone-kim"))
    body = {"current": PASSWORD, "password": "whetstone-kim"}

    statuses = [locked.ask("PATCH", ME, body, key="", headers=page).status for _ in range(11)]

    assert statuses == [422] * 11


def test_where_nobody_says_who_he_is_there_is_no_password_to_change(site: Site) -> None:
    new_user(site, "local")
    body = {"current": PASSWORD, "password": "another horse entirely"}

    assert site.ask("PATCH", ME, body).status == 403
    assert signs_in(site, "local").status == 201
