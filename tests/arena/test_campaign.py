"""A battle on record: which texts it takes, what stays after a mishap, what the JSON says."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.arena.conftest import NOW
from tests.arena.ring import Ring

from sutdol.arena.cast import Plan
from sutdol.arena.independent import independent
from sutdol.core.errors import BadInput, NotReady, Unavailable, UsageError
from sutdol.core.types import Example, Part
from sutdol.flow.plan import Json, Key, Tell
from sutdol.loop.parts import on_panel
from sutdol.storage import examples
from sutdol.storage.database import Database

PARTS: tuple[Part, ...] = ("train", "dev", "hold_out", "sealed")
Text = Callable[..., Example]
Guards = Callable[..., Any]
Opened = Callable[[Path], Database]


class Stop(Exception):
    pass


@pytest.fixture(scope="session")
def stocked(homes: Callable[..., Path], toy_text: Text) -> Path:
    """A home with texts of both languages in all four parts."""
    return homes(
        [
            toy_text(1_000 * place + n, bad=bad, lang=lang, part=part)
            for place, part in enumerate(PARTS)
            for n in range(30)
            for bad in (True, False)
            for lang in ("en", "ko")
        ]
    )


@pytest.fixture
def db(opened: Opened, stocked: Path) -> Database:
    return opened(stocked)


@pytest.fixture
def ring(db: Database, word_guard: Guards) -> Ring:
    """A ring whose guard of words never learns."""
    return Ring(db, [word_guard()])


def keep(db: Database, texts: Sequence[Example], *, kind: examples.Kind, reviewed: bool) -> None:
    with db.write() as tx:
        examples.add(tx, "guard", texts, kind=kind, reviewed=reviewed, now=NOW)


# The record


def test_each_round_is_on_record_when_it_is_told(ring: Ring) -> None:
    told: list[tuple[int, str]] = []

    def tell(event: Json) -> None:
        if "round" in event and "stage" not in event:
            told.append((len(ring.bodies()), ring.kept()[0].state))

    ring.fight(tell=tell)
    assert told == [(1, "running"), (2, "running")]
    assert ring.kept()[0].state == "done"


def test_the_json_is_what_is_on_record(ring: Ring) -> None:
    body = ring.fight(seed=5)
    assert (body["battle"], body["seed"]) == ("1", 5)
    assert body["rounds"] == ring.bodies()
    assert [one["round"] for one in body["rounds"]] == [1, 2]
    assert body["settings"] == Plan(rounds=2, texts=6).json() | {"queries": 4, "edits": 1}
    assert body["settings"].items() <= ring.kept()[0].settings.items()
    assert set(body["timing"]) == {"1", "2"}
    json.dumps(body, allow_nan=False)


def test_before_the_first_round_the_json_is_empty_but_whole(ring: Ring) -> None:
    bodies: list[dict[str, Any]] = []

    def tell(event: Json) -> None:
        if "rounds" in event:
            bodies.append(ring.json(event["battle"]))

    whole = ring.fight(tell=tell)
    (body,) = bodies
    assert (body["rounds"], body["timing"]) == ([], {})
    assert body | {"rounds": whole["rounds"], "timing": whole["timing"]} == whole


def test_a_round_that_fails_leaves_those_before_it(ring: Ring) -> None:
    def learn(evasions: Sequence[Example], twins: Sequence[Example]) -> int:
        if len(ring.learned) == 2:
            raise Stop
        return 0

    ring.learn = learn
    with pytest.raises(Stop):
        ring.fight(rounds=3)
    assert [one["round"] for one in ring.bodies()] == [1]
    assert ring.kept()[0].state == "failed"
    assert [one["round"] for one in ring.json()["rounds"]] == [1]


def test_a_turn_that_fails_is_a_failure_of_the_battle(ring: Ring) -> None:
    def stop(*_: object) -> Json:
        raise UsageError("The gate is shut.")

    with pytest.raises(UsageError, match="The gate is shut"):
        ring.fight(deeds=ring.deeds() | {"toy.judge": stop})
    assert (ring.kept()[0].state, ring.bodies()) == ("failed", [])


def test_equal_seeds_give_equal_rounds(ring: Ring) -> None:
    first, again, other = ring.fight(seed=3), ring.fight(seed=3), ring.fight(seed=4)
    assert again["battle"] != first["battle"]
    assert again["rounds"] == first["rounds"]
    assert other["rounds"] != first["rounds"]


# What cannot begin leaves nothing behind


def test_without_texts_it_says_what_to_give(
    opened: Opened, homes: Callable[..., Path], word_guard: Guards
) -> None:
    ring = Ring(opened(homes([])), [word_guard()])
    with pytest.raises(NotReady, match=r"violating and harmless texts.*--data FILE"):
        ring.fight()
    assert ring.kept() == []


@pytest.mark.parametrize("name", ["llm_generated", "llm_paraphrase"])
def test_llm_attacks_without_an_endpoint_say_what_to_set(ring: Ring, name: str) -> None:
    with pytest.raises(NotReady, match=r"set OPENAI_BASE_URL.*11434/v1, and SUTDOL_LLM_MODEL"):
        ring.fight(attack_strategy=name)
    assert ring.kept() == []


def test_a_strategy_that_fits_no_text_is_refused(ring: Ring) -> None:
    with pytest.raises(UsageError, match="held-out family"):
        ring.fight(attack_strategy="syllable_swap")
    assert ring.kept() == []


# Never train on what is tested


def test_only_training_texts_fight_and_only_panel_texts_are_measured(
    db: Database, word_guard: Guards
) -> None:
    guard = word_guard(odd=True)
    ring = Ring(db, [guard])
    ring.fight(texts=30, rounds=3)
    learned = [one for pair in ring.learned for texts in pair for one in texts]
    with db.read() as tx:
        known = examples.find(tx, "guard")
    part = {one.group: one.part for one in known}
    assert len({one.group for one in learned}) > 60
    assert {part[one.group] for one in learned} == {"train"}
    asked = {*guard.asked, *guard.asked_again}
    seen = [one for one in known if one.input in asked]
    assert {one.part for one in seen} == {"train", "dev"}
    assert all(on_panel("guard", one.group) for one in seen if one.part == "dev")


def test_no_disguise_of_an_exam_or_sealed_text_is_ever_asked_about(
    db: Database, word_guard: Guards
) -> None:
    """Each text holds a number that most attacks leave alone."""
    guard = word_guard()
    Ring(db, [guard]).fight(texts=30)
    asked = " ".join([*guard.asked, *guard.asked_again])
    numbers = {"train": "0", "dev": "10", "hold_out": "20", "sealed": "30"}
    found = {
        part
        for part, thousand in numbers.items()
        for n in range(10, 30)
        if f" {thousand if part != 'train' else ''}{n} " in asked
    }
    assert found == {"train", "dev"}


def test_texts_nobody_reviewed_do_not_fight(
    db: Database, toy_text: Text, word_guard: Guards
) -> None:
    doubtful = [toy_text(9_000 + n, bad=True) for n in range(50)]
    keep(db, doubtful, kind="feedback", reviewed=False)
    guard = word_guard()
    Ring(db, [guard]).fight(texts=100)
    assert {one.input for one in doubtful}.isdisjoint({*guard.asked, *guard.asked_again})


# What it says of its data


def test_it_says_what_data_it_was_fought_on(ring: Ring, toy_text: Text) -> None:
    told = ring.fight(texts=6)["data"]
    assert told["examples"] == 480
    assert set(told["languages"]) == {"en", "ko"}
    assert told["languages"]["en"]["malicious"] == 30
    assert told["languages"]["en"]["panel_malicious"] == 6
    keep(ring.db, [toy_text(7_777, bad=True)], kind="data", reviewed=True)
    assert ring.fight(texts=6)["data"]["hash"] != told["hash"]


def test_a_language_without_a_panel_is_not_told_with_the_figures_of_another(
    opened: Opened, homes: Callable[..., Path], toy_text: Text, word_guard: Guards
) -> None:
    texts = [toy_text(n, bad=bad, lang="en") for n in range(10) for bad in (True, False)]
    texts += [toy_text(n, bad=bad, lang="ko") for n in range(10) for bad in (True, False)]
    texts += [
        toy_text(n, bad=bad, lang="ko", part="dev")
        for n in range(100, 160)
        for bad in (True, False)
    ]
    body = Ring(opened(homes(texts)), [word_guard()]).fight(rounds=1, texts=6)
    told = body["data"]["languages"]
    assert told["ko"]["panel_malicious"] == 6
    assert told["en"]["panel_malicious"] == 0


def test_a_turn_that_breaks_off_is_not_taken_for_one_with_nothing_to_learn(ring: Ring) -> None:
    def away(key: Key, args: Json, tell: Tell) -> Json:
        raise Unavailable("The server is away: try again.")

    with pytest.raises(Unavailable, match="server is away"):
        ring.fight(rounds=2, deeds={**ring.deeds(), "toy.judge": away})
    assert [one.state for one in ring.kept()] == ["failed"]


# Another attacker's texts


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(one) + "\r\n" for one in records), encoding="utf-8")
    return path


def known(db: Database) -> list[examples.StoredExample]:
    with db.read() as tx:
        return examples.find(tx, "guard")


def test_an_independent_attackers_texts_are_measured_unless_their_originals_were_trained_on(
    ring: Ring, tmp_path: Path
) -> None:
    path = lines(
        tmp_path / "other.jsonl",
        {"id": 1, "original_id": "en-bad-3", "text": "the w0mbat of training"},
        {"id": 2, "original_id": "en-bad-1003", "text": "the wombat of the panel"},
        {"id": 3, "original_id": "elsewhere", "text": "a w0mbat from elsewhere"},
    )
    texts = ["the wombat of the panel", "a w0mbat from elsewhere"]
    assert independent(path, known(ring.db)) == texts
    (told,) = ring.fight(independent=path, rounds=1)["rounds"]
    assert told["independent"]["n"] == 2
    assert told["independent"]["value"] == 0.5


def test_an_independent_attackers_texts_may_not_change_in_the_middle_of_a_battle(
    ring: Ring, tmp_path: Path
) -> None:
    path = lines(tmp_path / "other.jsonl", {"id": 1, "original_id": "elsewhere", "text": "w0mbat"})

    def break_off(event: Json) -> None:
        if event == {"battle": "1", "round": 1}:
            raise Stop

    with pytest.raises(Stop):
        ring.fight(independent=path, rounds=2, tell=break_off)
    ring.campaign = ring.new_campaign()
    lines(path, {"id": 1, "original_id": "elsewhere", "text": "another wombat"})
    with pytest.raises(BadInput, match=r"other.jsonl is not what it was when battle 1 began"):
        ring.fight(independent=path, rounds=2, gone_on_with="1")


def test_an_id_that_is_a_number_is_the_same_id(
    db: Database, tmp_path: Path, toy_text: Text
) -> None:
    trained = toy_text(5, bad=True)
    stored = [one for one in known(db) if one.input == trained.input]
    stored[0].meta["id"] = "17"
    path = lines(
        tmp_path / "other.jsonl",
        {"original_id": 17, "text": "of training"},
        {"original_id": 18, "text": "new"},
    )
    assert independent(path, stored) == ["new"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "holds no text whose original is kept out of training"),
        ("\n\n", "holds no text whose original is kept out of training"),
        ("{", "other.jsonl:1 is not JSON"),
        ('{"original_id": "a", "text": "b"}\n[1]', "other.jsonl:2 needs id, original_id and text"),
        ('{"id": 1, "text": "b"}', "other.jsonl:1 needs id, original_id and text"),
        ('{"original_id": "a", "text": null}', "other.jsonl:1 needs id, original_id and text"),
        ('{"original_id": "a", "text": " "}', "other.jsonl:1 needs id, original_id and text"),
        ("\ufeff{}", "other.jsonl:1 needs id, original_id and text"),
    ],
)
def test_a_bad_file_of_attacks_is_refused_with_its_place(
    tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=sentence):
        independent(path, [])


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_bytes(b'{"original_id": "\xff", "text": "b"}')
    with pytest.raises(BadInput, match=r"other\.jsonl:1 is not JSON"):
        independent(tmp_path / "other.jsonl", [])


def test_a_missing_file_of_attacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere.jsonl cannot be read: No such file"):
        independent(tmp_path / "nowhere.jsonl", [])
