"""LLM attacks end to end: rounds fought with the texts that a real server writes."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from sutdol.app import Sutdol
from sutdol.arena.campaign import told
from sutdol.core.errors import EngineError, NotReady
from sutdol.core.settings import Settings
from sutdol.flows import run_inline
from sutdol.models.fake import Asked, FakeServer, Fault
from sutdol.storage import battles, examples


@pytest.fixture(scope="module")
def trained(labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with texts and a guard."""
    home = tmp_path_factory.mktemp("trained")
    with Sutdol.open(Settings.load(home=home)) as sutdol:
        sutdol.take_in([labelled_file])
        sutdol.crown_first(seed=0)
    return home


@dataclass(frozen=True, kw_only=True)
class Fight:
    """One round of LLM attacks, four texts a language."""

    sutdol: Sutdol
    strategy: str

    def to_its_end(self) -> dict[str, Any]:
        """The round as JSON."""
        plan = self.sutdol.plan(rounds=1, texts=4, attack_strategy=self.strategy)
        ended = run_inline(self.sutdol, "battle", plan.args())
        (only,) = self.json(ended["battle"])["rounds"]
        found: dict[str, Any] = only
        return found

    def json(self, battle: str = "1") -> dict[str, Any]:
        with self.sutdol.db.read() as tx:
            return told(tx, battle)

    @property
    def state(self) -> str:
        with self.sutdol.db.read() as tx:
            return battles.get(tx, "1").state

    def learned(self) -> list[examples.StoredExample]:
        with self.sutdol.db.read() as tx:
            found = examples.find(tx, "guard", kinds=["evasion", "twin"])
        return [one for one in found if one.source.startswith("battle:1/")]


@pytest.fixture
def battle(trained: Path, tmp_path: Path) -> Callable[..., Any]:
    """`with battle(url) as fight`: one with the model that answers there."""
    copytree(trained, tmp_path, dirs_exist_ok=True)
    return lambda url, name="llm_paraphrase": _Opened(tmp_path, url, name)


class _Opened:
    def __init__(self, home: Path, url: str, name: str) -> None:
        settings = Settings.load(home=home, openai_base_url=url, openai_api_key="sk-secret")
        self._sutdol, self._name = Sutdol.open(settings), name

    def __enter__(self) -> Fight:
        return Fight(sutdol=self._sutdol, strategy=self._name)

    def __exit__(self, *_: object) -> None:
        self._sutdol.close()


def mild(asked: Asked) -> str:
    """Something harmless that keeps the length."""
    korean = any("가" <= one <= "힣" for one in asked.last)
    said = "오늘 산책하기 좋은 날씨네요" if korean else "what a nice day for a walk in the park"
    return f"{said} {sum(map(ord, asked.last))}"


def test_what_the_model_wrote_is_fought_with_and_learned(battle: Callable[..., Any]) -> None:
    with FakeServer(mild) as server, battle(server.url) as fight:
        fought = fight.to_its_end()
        kept = fight.learned()
        assert fight.state == "done"
    assert fought["attacks"] == fought["fight"]["recall"]["n"] == 8
    assert fought["fight"]["accuracy"]["n"] == 16  # each with a twin
    assert len(server.requests) == 16
    evasions = [one for one in kept if one.target]
    assert len(evasions) >= 4
    assert {one.meta["attack"] for one in kept} == {"llm_paraphrase"}
    assert {one.meta["family"] for one in kept} == {"llm"}
    assert all("산책하기" in one.input or "nice day" in one.input for one in kept)
    assert any(not one.target for one in kept)
    assert {asked.headers["Authorization"] for asked in server.requests} == {"Bearer sk-secret"}


def test_all_llm_attacks_together_and_a_round_trip_is_two_questions(
    battle: Callable[..., Any],
) -> None:
    with FakeServer(mild) as server, battle(server.url, "llm_generated") as fight:
        fought = fight.to_its_end()
    assert fought["attacks"] == 3 * 8
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
    battle: Callable[..., Any], reply: Callable[[Asked], str]
) -> None:
    with FakeServer(reply) as server, battle(server.url) as fight:
        body = fight.to_its_end()
        assert fight.learned() == []
        assert fight.state == "done"
    assert len(server.requests) == 16
    assert (body["attacks"], body["detection_rate"], body["evasion_rate"]) == (0, 0.0, 0.0)
    assert body["verdict"] is None
    assert body["seen"]["n"] > 0  # the panel is measured all the same


def test_a_server_that_is_down_is_named_with_advice(battle: Callable[..., Any]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with battle(f"http://127.0.0.1:{port}/v1") as fight:
        with pytest.raises(NotReady, match=rf"No language model answers at http://127.*{port}/v1"):
            fight.to_its_end()
        assert fight.state == "failed"
        assert fight.json()["rounds"] == []


def test_a_server_that_answers_nonsense_is_said_and_the_key_is_not(
    battle: Callable[..., Any],
) -> None:
    faults = [Fault(status=400, body="bad key sk-secret")] * 20
    with FakeServer(faults=faults) as server, battle(server.url) as fight:
        with pytest.raises(EngineError, match="answered HTTP 400") as refused:
            fight.to_its_end()
        assert fight.state == "failed"
    assert "sk-secret" not in str(refused.value)


def test_a_server_that_fails_for_a_moment_is_asked_again(battle: Callable[..., Any]) -> None:
    with FakeServer(mild, faults=[Fault(status=503)]) as server:
        with battle(server.url) as fight:
            fought = fight.to_its_end()
        assert len(server.requests) == 17
    assert fought["attacks"] == 8
