"""A worker is killed once at every step of a battle; nothing is lost or doubled.

Where in a step: the three points take turns, and begin with another one on each database. A step of
the cycle comes in each round, and so meets each point on each database. `make soak` kills at every
point of every step.
"""

from collections.abc import Callable

from tests.databases import Databases
from tests.flow import toys
from tests.flow.fate import DEATHS, everywhere
from tests.flow.site import Site, Undisturbed, harm

from sutdol.flow.plan import Json

ROUNDS = 3
TOLD: list[Json] = [
    {"stage": "found"},
    {"battle": "1", "rounds": ROUNDS},
    {"stage": "improve", "round": 1},
    {"battle": "1", "round": 1},
    {"stage": "improve", "round": 2},
    {"battle": "1", "round": 2},
    {"stage": "improve", "round": 3},
    {"battle": "1", "round": 3},
]


def test_a_battle_survives_a_kill_at_every_step(
    new_site: Callable[[str], Site],
    databases: Databases,
    undisturbed: Callable[[str], Undisturbed],
) -> None:
    """In three battles at once, each with a point of its own at every third step."""
    calm = undisturbed("battle")
    first = int(databases.kind == "sqlite")
    sites = [new_site(point) for point in DEATHS]
    for third, site in enumerate(sites):
        toys.furnish(site.shop, crowned=False)
        moments = dict(list(calm.moments.items())[third::3])
        site.destine(everywhere(moments, [DEATHS[(third + first) % 3]]))
        site.hire()  # a worker that was killed is replaced by another one
        site.desk.ask("battle", toys.ARGS["battle"], flow="battle-1")
    for site in sites:
        assert site.over("battle-1", seconds=400).result == calm.result
        assert site.fate.struck() == site.fate.wanted()
        assert [event for _, event in site.desk.events("battle-1") if event in TOLD] == TOLD
        assert harm(site, calm) == []
    assert {name for site in sites for name, _ in site.fate.struck()} == set(calm.moments)


def test_the_undisturbed_battle_has_all_a_battle_may_have(
    undisturbed: Callable[[str], Undisturbed],
) -> None:
    calm = undisturbed("battle")
    steps = {name.partition(":")[2] for name in calm.moments}
    assert {"1/fight", "2/watch", "promote", "crown", "3/record", "end"} <= steps
    kinds = [one["kind"] for one in calm.ending["promotion"]]
    assert kinds == ["initial", "promote", "promote", "rollback", "promote"]
    assert len(calm.ending["round"]) == ROUNDS
    assert len(calm.ending["look"]) == ROUNDS
