"""What there is to fight with, over REST."""

from collections.abc import Callable

from tests.api.conftest import Serve
from tests.api.site import Site
from tests.databases import on_sqlite

from sutdol.arena.attack import ATTACKS
from sutdol.arena.strategy import strategy

URL = "/api/v1/attacks"

pytestmark = on_sqlite  # nothing here is about the database


def test_every_attack_is_listed_with_its_family(site: Site) -> None:
    told = site.get(URL).json
    assert [one["attack"] for one in told["data"]] == list(ATTACKS)
    families = {one["family"]: one for one in told["families"]}
    assert set(families) == {one["family"] for one in told["data"]}
    assert families["typo"] == {
        "family": "typo",
        "group": "unicode_evasion",
        "languages": ["en", "ko"],
        "held_out": ["en"],
        "covered": "partly",
        "readable": True,
        "attacks": ["drop", "dup", "keyboard", "swap"],
    }
    assert families["syllable_swap"]["covered"] is None
    assert (families["diacritic"]["covered"], families["encoding"]["readable"]) == ("wholly", False)


def test_what_is_offered_can_be_fought_with(site: Site) -> None:
    offered = site.get(URL).json["strategies"]
    groups = [one for one in offered if one["kind"] == "group"]
    assert groups[0]["strategy"] == "mixed"
    assert all(one["help"] and one["ready"] for one in groups)
    families = {one["strategy"] for one in offered if one["kind"] == "family"}
    assert {"lookalike", "jamo", "typo", "diacritic"} <= families
    assert not families & {"syllable_swap", "fake_final", "encoding"}, "held out, or unreadable"
    for one in offered:
        strategy(one["strategy"], ("en", "ko"))


def test_without_a_model_server_its_attacks_are_not_ready(serve: Serve) -> None:
    offered = serve().get(URL).json["strategies"]
    assert [one["strategy"] for one in offered if not one["ready"]] == ["llm_generated"]


def test_whoever_watches_battles_may_see_it(locked: Site, new_key: Callable[..., str]) -> None:
    assert locked.get(URL, key=new_key("kim", "user")).status == 200
    assert locked.get(URL, key=new_key("lee", "admin", scopes=("chat",))).status == 403
    assert locked.get(URL, key="").status == 401
