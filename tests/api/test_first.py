"""The link of the first admin: of two who follow it at once, one gets in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from tests.api.conftest import Serve
from tests.api.people import PASSWORD
from tests.api.site import Site
from tests.databases import on_sqlite

from sutdol.app import Sutdol
from sutdol.storage import first_admin, passwords, secrets, users

PATH = "/api/v1/first-admin"


def offered(site: Site) -> str:
    now = datetime.now(UTC)
    with Sutdol.open(site.settings) as sutdol:
        pepper = secrets.pepper(sutdol.db, now)
        with sutdol.db.write() as tx:
            return first_admin.offer(tx, pepper, now)


def test_of_many_at_once_on_two_servers_one_becomes_the_admin(serve: Serve) -> None:
    sites = [serve(auth=True), serve(auth=True)]
    token = offered(sites[0])

    def become(n: int) -> int:
        body = {"token": token, "name": f"admin{n}", "password": PASSWORD}
        return sites[n % 2].post(PATH, body).status

    with ThreadPoolExecutor(12) as pool:
        told = sorted(pool.map(become, range(12)))

    assert told == [201] + [403] * 11
    with Sutdol.open(sites[0].settings) as sutdol, sutdol.db.read() as tx:
        assert [one.role for one in users.all(tx)] == ["admin"]


@on_sqlite
def test_no_password_is_hashed_for_who_has_no_link(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = serve(auth=True)
    token = offered(site)
    hashed: list[str] = []
    monkeypatch.setattr(passwords, "hash", hashed.append)

    for wrong in ("", "x" * 43, f"{token}\n", f" {token}", token.swapcase(), "\x00"):
        body = {"token": wrong, "name": "eve", "password": PASSWORD}
        assert site.post(PATH, body).status == 403, repr(wrong)
    assert hashed == []


@on_sqlite
def test_no_page_of_another_site_uses_it(serve: Serve) -> None:
    site = serve(auth=True)
    body = {"token": offered(site), "name": "eve", "password": PASSWORD}

    for origin in ("http://evil.example", "null"):
        assert site.post(PATH, body, headers={"origin": origin}).status == 403
    assert site.post(PATH, body, headers={"content-type": "text/plain"}).status == 422
    assert site.post(PATH, body).status == 201
