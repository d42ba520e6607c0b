"""Battles as there are: a flow that waits, a row on record, or both; one, or page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sutdol.api.hall import Hall
from sutdol.core.errors import NotReady, UnknownName
from sutdol.flow.desk import Flow
from sutdol.flow.desk import State as FlowState
from sutdol.storage import battles, effects, pages
from sutdol.storage.battles import Battle
from sutdol.storage.battles import State as BattleState
from sutdol.storage.effects import Tx

URL = "/api/v1/battles"
NEWEST = 50  # flows that are looked through for battles that ended before they began
State = FlowState | BattleState


@dataclass(frozen=True, kw_only=True)
class Found:
    """A battle by what there is of it: only a flow before it begins, only a row once flows were
    pruned.
    """

    flow: Flow | None = None
    battle: Battle | None = None

    @property
    def id(self) -> str:
        return self.flow.id if self.flow else self._row.flow or self._row.id

    @property
    def state(self) -> State:
        return self.flow.state if self.flow else self._row.state

    @property
    def place(self) -> tuple[datetime, str]:
        """Where it stands in a list."""
        if self.flow is not None and self.battle is None:
            return self.flow.started, self.flow.id
        return self._row.created_at, self._row.id

    @property
    def cursor(self) -> str:
        return pages.cursor(*self.place)

    @property
    def updated(self) -> datetime:
        moments = [self.flow.updated] if self.flow else []
        return max(moments + ([self.battle.updated_at] if self.battle else []))

    @property
    def _row(self) -> Battle:
        assert self.battle is not None
        return self.battle


def find(here: Hall, id_: str) -> Found:
    """The battle of an id, which may be its number, or that of a flow which fought it before."""
    with here.sutdol.db.read() as tx:
        battle = _battle_of(tx, id_)
        if battle is None and id_.isdecimal():
            battle = battles.get(tx, id_)
    if battle is not None:
        return Found(flow=_flow_of(here, battle), battle=battle)
    flow = named(here, id_)
    if flow is None:
        raise UnknownName(
            "battle", id_, (one.id for one in here.desk().all(limit=5, kind="battle"))
        )
    if flow.args.get("battle") is not None:  # it is to go on with one, and has not begun
        with here.sutdol.db.read() as tx:
            battle = battles.get(tx, flow.args["battle"])
    return Found(flow=flow, battle=battle)


def named(here: Hall, id_: str) -> Flow | None:
    """The flow of that id, if it is one that fights."""
    flow = here.desk().find(id_)
    return flow if flow is not None and flow.kind == "battle" else None


def flow(found: Found) -> Flow:
    """What fights it."""
    if found.flow is None:
        raise NotReady(
            f"The flow of battle {found.id} is no longer on record: its rounds are all there is."
        )
    return found.flow


def page(here: Hall, before: str | None, limit: int) -> list[Found]:
    """So many battles from the newest on, or from that cursor."""
    desk = here.desk()
    newest = [*desk.all(limit=NEWEST, kind="battle"), *desk.unfinished("battle")]
    flows = {one.id: one for one in newest}
    with here.sutdol.db.read() as tx:
        begun = [Found(battle=one) for one in battles.page(tx, limit=limit, before=before)]
        waiting = [Found(flow=one) for one in flows.values() if _battle_of(tx, one.id) is None]
    if before is not None:
        waiting = [one for one in waiting if one.place < pages.place(before)]
    merged = sorted([*begun, *waiting], key=lambda one: one.place, reverse=True)
    return [_with_flow(here, one, flows) for one in merged[:limit]]


def _battle_of(tx: Tx, flow: str) -> Battle | None:
    """What a flow fights, or began to fight before another one went on with it."""
    begun = effects.find(tx, flow, "start")
    number = begun.get("battle") if begun else None
    return battles.of_flow(tx, flow) or (battles.get(tx, number) if number else None)


def _flow_of(here: Hall, battle: Battle) -> Flow | None:
    return here.desk().find(battle.flow) if battle.flow else None


def _with_flow(here: Hall, found: Found, known: Mapping[str, Flow]) -> Found:
    if found.battle is None:
        return found
    flow = known.get(found.battle.flow or "") or _flow_of(here, found.battle)
    return Found(flow=flow, battle=found.battle)
