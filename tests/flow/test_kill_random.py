"""Workers and hands are killed at random moments of a battle; `make soak` does it often."""

from collections.abc import Callable
from random import Random

from tests.flow import toys
from tests.flow.havoc import havoc
from tests.flow.site import Site, Undisturbed, harm

KILLS = 10


def test_a_battle_survives_ten_kills_at_random_moments(
    site: Site, undisturbed: Callable[[str], Undisturbed]
) -> None:
    calm = undisturbed("battle")
    toys.furnish(site.shop, crowned=False)
    site.hire(2)
    site.desk.ask("battle", toys.ARGS["battle"], flow="battle-1")
    killed = havoc(site, "battle-1", Random(10), KILLS)
    assert site.over("battle-1", seconds=300).result == calm.result
    assert killed.all >= 3, "the battle was over before it was much disturbed"
    assert harm(site, calm) == []
