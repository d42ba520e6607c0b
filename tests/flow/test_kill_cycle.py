"""A worker is killed at every step of a cycle, in the gap after its deed, and its hand in the
middle of it; nothing is lost or doubled.

The battle's tests kill at the other points too, and `make soak` at every point of every step.
"""

from collections.abc import Callable

from tests.flow import toys
from tests.flow.fate import Point, everywhere
from tests.flow.site import Site, Undisturbed, harm

POINTS: tuple[Point, ...] = ("gap", "hand")


def test_a_cycle_survives_a_kill_at_every_step(
    new_site: Callable[[str], Site], undisturbed: Callable[[str], Undisturbed]
) -> None:
    calm = undisturbed("cycle")
    sites = {point: new_site(point) for point in POINTS}
    for point, site in sites.items():
        toys.furnish(site.shop, crowned=True)
        site.destine(everywhere(calm.moments, [point]))
        site.hire()  # a worker that was killed is replaced by another one
        site.desk.ask("cycle", toys.ARGS["cycle"], flow="cycle-1")
    for point, site in sites.items():
        assert site.over("cycle-1", seconds=300).result == calm.result
        assert site.fate.struck() == {(name, point) for name in calm.moments}
        assert harm(site, calm) == []
