"""The live model: loaded once, exchanged when the alias moves, never a damaged one."""

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import Corrupted, NotReady
from sutdol.loop import cycle, live, promote
from sutdol.loop.live import Held, Live
from sutdol.loop.workshop import Workshop


@pytest.fixture
def elsewhere(toy: ModuleType, reigning: Workshop[Any]) -> Iterator[Workshop[Any]]:
    """The same home through another connection."""
    with toy.open_database(reigning.home) as db:
        yield replace(reigning, db=db, role=toy.Spotter())


def test_without_a_champion_it_says_what_to_do(shop: Workshop[Any]) -> None:
    with pytest.raises(NotReady, match="no guard yet: run `sutdol guard train`"):
        Live(shop)()


def test_it_is_loaded_once(reigning: Workshop[Any]) -> None:
    serving = Live(reigning)
    assert serving() is serving()
    assert serving.version == "guard-v1"


def test_it_is_exchanged_when_another_connection_moves_the_alias(
    toy: ModuleType, reigning: Workshop[Any], elsewhere: Workshop[Any]
) -> None:
    serving = Live(reigning)
    old = serving()
    toy.fight(elsewhere, toy.BAD)
    assert cycle.improve(elsewhere).promoted
    assert "v3nom01" in serving()
    assert serving.version == "guard-v2"
    promote.rollback(elsewhere, reason="complaints")
    assert serving() == old
    assert serving.version == "guard-v1"


def test_a_damaged_model_is_never_served(reigning: Workshop[Any]) -> None:
    path = reigning.home / live.champion(reigning).path / "model.json"
    path.write_text(path.read_text() + " ")
    with pytest.raises(Corrupted, match="was changed since it was written"):
        Live(reigning)()


def test_a_missing_model_is_corrupt_as_well(reigning: Workshop[Any]) -> None:
    folder = reigning.home / live.champion(reigning).path
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(Corrupted, match="is gone"):
        Live(reigning)()


def test_a_new_model_is_prepared_before_it_takes_the_old_ones_place(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    prepared: list[tuple[Any, Any]] = []
    held = Held(Live(reigning), lambda new: prepared.append((new, held._model)))
    old = held.look()
    held.look()
    assert prepared == [(old, None)]  # once
    toy.fight(reigning, toy.BAD)
    assert cycle.improve(reigning).promoted
    assert held() is old  # until somebody looks
    new = held.look()
    assert prepared[1:] == [(new, old)]
    assert held() is new


def test_a_model_that_cannot_be_prepared_leaves_the_old_one_in_its_place(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    def prepare(model: Any) -> None:
        if model is not first:
            raise Corrupted("no table")

    live = Live(reigning)
    first = live()
    held = Held(live, prepare)
    assert held.look() is first
    toy.fight(reigning, toy.BAD)
    cycle.improve(reigning)
    with pytest.raises(Corrupted):
        held.look()
    assert held() is first
