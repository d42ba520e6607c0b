"""Run a campaign and show it: shared by `arena battle` and `demo`."""

from typing import TYPE_CHECKING

from sutdol.cli.show import Screen, curves

if TYPE_CHECKING:
    from sutdol.arena.campaign import Campaign


def fight(campaign: "Campaign", rounds: int, *, to_stderr: bool = False) -> None:
    """Fight all rounds; each is on record before it is shown."""
    screen = Screen(rounds, to_stderr=to_stderr)
    campaign.progress = screen.stage
    with screen.showing():
        for timed in campaign:
            screen.round(timed.round.json())
    curves([timed.round.json() for timed in campaign.done], to_stderr=to_stderr)
