"""A worker is killed at every step of a cycle, at every point of it; nothing is lost or doubled."""

from collections.abc import Callable

from tests.flow import toys
from tests.flow.fate import DEATHS, everywhere
from tests.flow.site import Site, Undisturbed, harm


def test_a_cycle_survives_a_kill_at_every_point_of_every_step(
    new_site: Callable[[str], Site], undisturbed: Callable[[str], Undisturbed]
) -> None:
    """Of its worker, before and in the middle of the deed and in the gap after it; of its hand."""
    calm = undisturbed("cycle")
    sites = {point: new_site(point) for point in (*DEATHS, "hand")}
    for point, site in sites.items():
        toys.furnish(site.shop, crowned=True)
        site.destine(everywhere(calm.moments, [point]))
        site.hire(2)
        site.desk.ask("cycle", toys.ARGS["cycle"], flow="cycle-1")
    for point, site in sites.items():
        assert site.over("cycle-1", seconds=300).result == calm.result
        assert site.fate.struck() == {(name, point) for name in calm.moments}
        assert harm(site, calm) == []
