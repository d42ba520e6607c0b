"""Run a plan here and now, with nothing durable about it: for tests, and to measure what is."""

from collections.abc import Callable, Mapping
from time import sleep

from sutdol.flow.plan import Child, Deed, Json, Key, Kind, Pause, Plan, Step, Tell, Told, Want


def run(
    kind: str,
    args: Json,
    *,
    flow: str,
    kinds: Mapping[str, Kind],
    deeds: Mapping[str, Deed],
    tell: Tell,
) -> Json:
    """Run the flow to its end; an error the plan does not take ends it."""

    def fulfil(want: Want) -> object:
        match want:
            case Step():
                return deeds[want.deed](Key(flow=flow, step=want.name), want.args, tell)
            case Child():
                child = f"{flow}.{want.name}"
                return run(want.kind, want.args, flow=child, kinds=kinds, deeds=deeds, tell=tell)
            case Told():
                tell(want.event)
            case Pause():
                sleep(want.seconds)
        return None

    return _driven(kinds[kind].plan(flow, args), fulfil)


def _driven(plan: Plan, fulfil: Callable[[Want], object]) -> Json:
    try:
        want = next(plan)
        while True:
            try:
                answer = fulfil(want)
            except Exception as error:  # noqa: BLE001  the plan decides what to make of it
                want = plan.throw(error)
            else:
                want = plan.send(answer)
    except StopIteration as end:
        result: Json = end.value
        return result
