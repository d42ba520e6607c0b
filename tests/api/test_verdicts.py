"""Verdicts over REST: the list, the numbers, and who may have them recomputed."""

from collections.abc import Callable

from tests.api.site import Site
from tests.api.test_models import judged, second, sutdol  # noqa: F401  fixtures

from sutdol.app import Sutdol
from sutdol.storage.versions import Version

URL = "/api/v1/verdicts"


def test_verdicts_come_newest_first_page_by_page(
    site: Site,
    sutdol: Sutdol,  # noqa: F811
    second: Version,  # noqa: F811
) -> None:
    assert site.get(URL).json == {"data": [], "next": None}
    names = [judged(sutdol, f"guard-{letter}").id for letter in "badce"]
    found = site.pages(f"{URL}?role=guard&limit=2", "cursor")
    assert found == names[::-1]
    whole = site.get(URL).json["data"]
    assert [one["id"] for one in whole] == found
    assert whole[0]["decision"] == "inconclusive"
    assert whole[0]["created"].endswith("Z")


def test_a_verdict_is_told_with_its_numbers(
    site: Site,
    sutdol: Sutdol,  # noqa: F811
    second: Version,  # noqa: F811
) -> None:
    stored = judged(sutdol, "guard-one")
    assert site.get(f"{URL}/guard-one").json == stored.told()


def test_what_is_not_there_is_not_found(site: Site) -> None:
    for path in ("/guard-none", "?role=gard", "?cursor=guard-none"):
        assert site.get(f"{URL}{path}").status == 404, path
    assert site.post(f"{URL}/guard-none/verify").status == 404
    assert site.get(f"{URL}/%00").status == 422


def test_users_read_verdicts_and_operators_recompute_them(
    locked: Site, new_key: Callable[..., str]
) -> None:
    user, operator = new_key("kim", "user"), new_key("lee", "operator")
    assert locked.get(URL, key=user).status == 200
    assert locked.post(f"{URL}/guard-none/verify", key=user).status == 403
    assert locked.post(f"{URL}/guard-none/verify", key=operator).status == 404
    assert locked.get(URL, key="").status == 401
