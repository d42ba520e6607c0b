"""Verdicts over REST: the list, the numbers, and who may have them recomputed."""

from collections.abc import Callable
from dataclasses import replace

from tests.api.site import Site
from tests.api.test_models import judged, second, sutdol  # noqa: F401  fixtures

from sutdol.app import Sutdol
from sutdol.storage import versions
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
    found = site.get(f"{URL}/guard-one").json
    assert found.pop("created").endswith("Z")
    assert (found.pop("exam"), found.pop("made")) == (None, None), "it has no report"
    assert found == stored.told()


def test_a_verdict_in_short_says_what_it_rests_on(
    site: Site,
    sutdol: Sutdol,  # noqa: F811
    second: Version,  # noqa: F811
) -> None:
    states = ("passed", "breached", "unproven", "not judged")
    body = {"primary": {"p": 0.5}, "guard_rails": [{"state": state} for state in states]}
    judged(sutdol, "guard-one", body=body)
    (told,) = site.get(URL).json["data"]
    assert told["primary"] == {"p": 0.5}
    assert told["failed"] == [{"state": "breached"}, {"state": "unproven"}]


def test_verdicts_about_a_version_are_those_on_either_side(
    site: Site,
    sutdol: Sutdol,  # noqa: F811
    second: Version,  # noqa: F811
) -> None:
    with sutdol.db.write() as tx:
        versions.add(tx, replace(second, id="guard-v3"))
    for name, a, b in (("a", "1", "2"), ("b", "1", "3"), ("c", "2", "3")):
        judged(sutdol, f"guard-{name}", a=f"guard-v{a}", b=f"guard-v{b}")
    assert site.pages(f"{URL}?version=guard-v2&limit=1", "cursor") == ["guard-c", "guard-a"]
    assert site.get(f"{URL}?version=guard-v9").json["data"] == []


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
