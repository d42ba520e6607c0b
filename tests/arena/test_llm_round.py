"""LLM attacks end to end: rounds fought with the texts that a real server writes."""

import socket
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from sutdol.app import Sutdol
from sutdol.arena.campaign import Campaign
from sutdol.core.errors import EngineError, NotReady
from sutdol.core.settings import Settings
from sutdol.models.fake import Asked, FakeServer, Fault
from sutdol.storage import battles, examples

Open = Callable[[str], Sutdol]


@pytest.fixture(scope="module")
def trained(labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with texts and a guard."""
    home = tmp_path_factory.mktemp("trained")
    with Sutdol.open(Settings.load(home=home)) as sutdol:
        sutdol.take_in([labelled_file])
        sutdol.crown_first(seed=0)
    return home


@pytest.fixture
def campaign(trained: Path, tmp_path: Path) -> Callable[..., Any]:
    """`with campaign(url) as (sutdol, battle)`: one round of LLM attacks, four texts a language."""
    copytree(trained, tmp_path, dirs_exist_ok=True)
    return lambda url, name="llm_paraphrase": _Opened(tmp_path, url, name)


class _Opened:
    def __init__(self, home: Path, url: str, name: str) -> None:
        settings = Settings.load(home=home, openai_base_url=url, openai_api_key="sk-secret")
        self._sutdol, self._name = Sutdol.open(settings), name

    def __enter__(self) -> tuple[Sutdol, Campaign]:
        asked = {"rounds": 1, "texts": 4, "attack_strategy": self._name}
        return self._sutdol, self._sutdol.campaign([], **asked)

    def __exit__(self, *_: object) -> None:
        self._sutdol.close()


def learned(sutdol: Sutdol, battle: Campaign) -> list[examples.StoredExample]:
    assert battle.battle is not None
    with sutdol.db.read() as tx:
        found = examples.find(tx, "guard", kinds=["evasion", "twin"])
    return [one for one in found if one.source.startswith(f"battle:{battle.battle.id}/")]


def state(sutdol: Sutdol, battle: Campaign) -> str:
    assert battle.battle is not None
    with sutdol.db.read() as tx:
        return battles.get(tx, battle.battle.id).state


def mild(asked: Asked) -> str:
    """Something harmless that keeps the length."""
    korean = any("가" <= one <= "힣" for one in asked.last)
    said = "오늘 산책하기 좋은 날씨네요" if korean else "what a nice day for a walk in the park"
    return f"{said} {sum(map(ord, asked.last))}"


def test_what_the_model_wrote_is_fought_with_and_learned(campaign: Callable[..., Any]) -> None:
    with FakeServer(mild) as server, campaign(server.url) as (sutdol, battle):
        (timed,) = battle
        kept = learned(sutdol, battle)
        assert state(sutdol, battle) == "done"
    assert timed.round.fight.attacks == timed.round.fight.twins == 8
    assert len(server.requests) == 16
    evasions = [one for one in kept if one.target]
    assert len(evasions) >= 4
    assert {one.meta["attack"] for one in kept} == {"llm_paraphrase"}
    assert {one.meta["family"] for one in kept} == {"llm"}
    assert all("산책하기" in one.input or "nice day" in one.input for one in kept)
    assert any(not one.target for one in kept)
    assert {asked.headers["Authorization"] for asked in server.requests} == {"Bearer sk-secret"}


def test_all_llm_attacks_together_and_a_round_trip_is_two_questions(
    campaign: Callable[..., Any],
) -> None:
    with FakeServer(mild) as server, campaign(server.url, "llm_generated") as (_, battle):
        (timed,) = battle
    assert timed.round.fight.attacks == 3 * 8
    assert len(server.requests) == 4 * 16  # two of one question, one of two


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: "I'm sorry, but I can't help with that.",
        lambda _: "",
        lambda asked: asked.last,
    ],
    ids=["refuses", "says nothing", "repeats the text"],
)
def test_answers_of_no_use_leave_a_round_without_attacks_and_are_no_failure(
    campaign: Callable[..., Any], reply: Callable[[Asked], str]
) -> None:
    with FakeServer(reply) as server, campaign(server.url) as (sutdol, battle):
        (timed,) = battle
        assert learned(sutdol, battle) == []
        assert state(sutdol, battle) == "done"
    body = timed.round.json()
    assert len(server.requests) == 16
    assert (body["attacks"], body["detection_rate"], body["evasion_rate"]) == (0, 0.0, 0.0)
    assert body["verdict"] is None
    assert body["seen"]["n"] > 0  # the panel is measured all the same


def test_a_server_that_is_down_is_named_with_advice(campaign: Callable[..., Any]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with campaign(f"http://127.0.0.1:{port}/v1") as (sutdol, battle):
        with pytest.raises(NotReady, match=rf"No language model answers at http://127.*{port}/v1"):
            list(battle)
        assert state(sutdol, battle) == "failed"
        assert battle.json()["rounds"] == []


def test_a_server_that_answers_nonsense_is_said_and_the_key_is_not(
    campaign: Callable[..., Any],
) -> None:
    faults = [Fault(status=400, body="bad key sk-secret")] * 20
    with FakeServer(faults=faults) as server, campaign(server.url) as (sutdol, battle):
        with pytest.raises(EngineError, match="answered HTTP 400") as told:
            list(battle)
        assert state(sutdol, battle) == "failed"
    assert "sk-secret" not in str(told.value)


def test_a_server_that_fails_for_a_moment_is_asked_again(campaign: Callable[..., Any]) -> None:
    with FakeServer(mild, faults=[Fault(status=503)]) as server:
        with campaign(server.url) as (_, battle):
            (timed,) = battle
        assert len(server.requests) == 17
    assert timed.round.fight.attacks == 8
