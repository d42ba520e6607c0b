"""A plan that runs here and now: what it wants is done in order, and what went wrong is its own."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import pytest

from sutdol.core.errors import NotReady
from sutdol.flow.inline import run
from sutdol.flow.plan import Child, Deed, Json, Key, Kind, Pause, Plan, Step, Tell, Told


def echo(key: Key, args: Json, tell: Tell) -> Json:
    return {"flow": key.flow, "step": key.step, **args}


def refuse(key: Key, args: Json, tell: Tell) -> Json:
    raise NotReady(f"{key.step} is not ready.")


def chat(key: Key, args: Json, tell: Tell) -> Json:
    tell({"from": key.step})
    return {}


DEEDS: Mapping[str, Deed] = {"echo": echo, "refuse": refuse, "chat": chat}


def step(name: str, deed: str = "echo", **args: object) -> Step:
    return Step(name=name, deed=deed, args=args)


def child(name: str, kind: str, **args: object) -> Child:
    return Child(name=name, kind=kind, args=args)


def ran(told: list[Json] | None = None, **plans: Callable[[str, Json], Plan]) -> Json:
    """What the plan `main` ends with; the others are its children."""
    kinds = {name: Kind(plan=plan) for name, plan in plans.items()}
    heard: list[Json] = [] if told is None else told
    return run("main", {"a": 1}, flow="f", kinds=kinds, deeds=DEEDS, tell=heard.append)


def test_the_plan_gets_its_id_its_arguments_and_the_answer_of_each_step() -> None:
    def main(flow: str, args: Json) -> Plan:
        first = yield step("one", **args)
        second = yield step("two", before=first["step"])
        return {"flow": flow, "answers": [first, second]}

    assert ran(main=main) == {
        "flow": "f",
        "answers": [
            {"flow": "f", "step": "one", "a": 1},
            {"flow": "f", "step": "two", "before": "one"},
        ],
    }


def test_a_plan_that_wants_nothing_ends_at_once() -> None:
    def main(flow: str, args: Json) -> Plan:
        return {"done": True}
        yield step("never")

    assert ran(main=main) == {"done": True}


def test_a_child_is_a_flow_of_its_own_and_its_end_is_the_answer() -> None:
    def main(flow: str, args: Json) -> Plan:
        return (yield child("kid", "other", b=2))

    def other(flow: str, args: Json) -> Plan:
        return (yield child("grandkid", "third", **args))

    def third(flow: str, args: Json) -> Plan:
        return (yield step("only", **args))

    ended = ran(main=main, other=other, third=third)

    assert ended == {"flow": "f.kid.grandkid", "step": "only", "b": 2}


def test_events_are_told_in_order_by_plans_children_and_deeds() -> None:
    def main(flow: str, args: Json) -> Plan:
        yield Told(event={"from": "main"})
        yield step("a deed", "chat")
        yield child("kid", "other")
        yield Told(event={"from": "main again"})
        return {}

    def other(flow: str, args: Json) -> Plan:
        yield Told(event={"from": flow})
        return {}

    heard: list[Json] = []
    ran(heard, main=main, other=other)

    assert [one["from"] for one in heard] == ["main", "a deed", "f.kid", "main again"]


def test_a_told_event_and_a_pause_have_no_answer() -> None:
    def main(flow: str, args: Json) -> Plan:
        told = yield Told(event={})
        began = monotonic()
        paused = yield Pause(seconds=0.05)
        return {"answers": [told, paused], "seconds": monotonic() - began}

    ended = ran(main=main)

    assert ended["answers"] == [None, None]
    assert ended["seconds"] >= 0.05


@pytest.mark.parametrize("want", [step("bad", "refuse"), child("kid", "fails")])
def test_a_plan_may_take_an_error_for_an_answer(want: Any) -> None:
    def main(flow: str, args: Json) -> Plan:
        try:
            yield want
        except NotReady as error:
            after = yield step("after")
            return {"why": str(error), "after": after["step"]}
        return {}

    def fails(flow: str, args: Json) -> Plan:
        return (yield step("bad", "refuse"))

    assert ran(main=main, fails=fails) == {"why": "bad is not ready.", "after": "after"}


def test_a_plan_may_end_on_an_error() -> None:
    def main(flow: str, args: Json) -> Plan:
        try:
            yield step("bad", "refuse")
        except NotReady:
            return {"ended": True}
        return {}

    assert ran(main=main) == {"ended": True}


def test_an_error_that_no_plan_takes_ends_them_all_after_they_cleaned_up() -> None:
    def main(flow: str, args: Json) -> Plan:
        try:
            yield child("kid", "fails")
        except Exception:
            yield step("clean up", "chat")
            raise
        return {}

    def fails(flow: str, args: Json) -> Plan:
        return (yield step("bad", "refuse"))

    heard: list[Json] = []
    with pytest.raises(NotReady, match="bad is not ready"):
        ran(heard, main=main, fails=fails)
    assert heard == [{"from": "clean up"}]


def test_a_mistake_of_the_plan_itself_is_raised() -> None:
    def main(flow: str, args: Json) -> Plan:
        answer = yield step("one")
        return {"x": answer["no such key"]}

    with pytest.raises(KeyError, match="no such key"):
        ran(main=main)


def test_an_interruption_is_no_error_of_a_step() -> None:
    def main(flow: str, args: Json) -> Plan:
        try:
            yield Told(event={"interrupt": True})
        except Exception:
            yield step("never", "chat")
            raise
        return {}

    def interrupt(event: Json) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("main", {}, flow="f", kinds={"main": Kind(plan=main)}, deeds=DEEDS, tell=interrupt)
