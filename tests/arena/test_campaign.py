"""A battle on record: which texts it takes, what stays after a mishap, what the JSON says."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sutdol.arena.battle import Arena
from sutdol.arena.campaign import Campaign, Plan, independent
from sutdol.arena.search import Budget
from sutdol.core.errors import BadInput, NotReady, UsageError
from sutdol.core.types import Example, Part
from sutdol.loop.parts import on_panel
from sutdol.storage import battles, examples
from sutdol.storage.database import Database

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PARTS: tuple[Part, ...] = ("train", "dev", "hold_out", "sealed")
Text = Callable[..., Example]
Guards = Callable[..., Any]
Make = Callable[..., Campaign]


class Stop(Exception):
    pass


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory, toy_text: Text) -> Path:
    """A home with texts of both languages in all four parts."""
    home = tmp_path_factory.mktemp("stocked")
    texts = [
        toy_text(1_000 * place + n, bad=bad, lang=lang, part=part)
        for place, part in enumerate(PARTS)
        for n in range(30)
        for bad in (True, False)
        for lang in ("en", "ko")
    ]
    with Database.open(f"sqlite+pysqlite:///{home}/sutdol.db", home) as db, db.write() as tx:
        examples.add(tx, "guard", texts, kind="data", reviewed=True, now=NOW)
    return home


@pytest.fixture
def db(tmp_path: Path, stocked: Path) -> Iterator[Database]:
    (tmp_path / "sutdol.db").write_bytes((stocked / "sutdol.db").read_bytes())
    with Database.open(f"sqlite+pysqlite:///{tmp_path}/sutdol.db", tmp_path) as database:
        yield database


def learned_nothing(evasions: Sequence[Example], twins: Sequence[Example]) -> int:
    return 0


@pytest.fixture
def make(db: Database, word_guard: Guards) -> Make:
    """`make(rounds=3)`: a campaign of a guard of words that never learns."""

    def made(
        *,
        guard: Any = None,
        learn: Callable[[Sequence[Example], Sequence[Example]], int] = learned_nothing,
        improve: Callable[[], Mapping[str, Any] | None] = lambda: None,
        **asked: Any,
    ) -> Campaign:
        reigning = guard or word_guard()
        arena = Arena(guard=lambda: reigning, learn=learn, improve=improve, go_back=print)
        plan: dict[str, Any] = {"rounds": 2, "texts": 6, "budget": Budget(queries=4, edits=1)}
        return Campaign(db=db, arena=arena, plan=Plan(**plan | asked), now=lambda: NOW)

    return made


def kept(db: Database) -> list[battles.Battle]:
    """Every battle on record."""
    with db.read() as tx:
        latest = battles.last(tx)
        numbers = range(1, int(latest.id) + 1) if latest else ()
        return [battles.get(tx, str(number)) for number in numbers]


def bodies(db: Database, battle: str = "1") -> list[Mapping[str, object]]:
    with db.read() as tx:
        return [one.body for one in battles.rounds(tx, battle)]


# The record


def test_each_round_is_on_record_when_it_is_shown(db: Database, make: Make) -> None:
    for number, timed in enumerate(make(), 1):
        assert bodies(db)[-1] == timed.round.json()
        assert len(bodies(db)) == number
        assert kept(db)[0].state == "running"
    assert kept(db)[0].state == "done"


def test_the_json_is_what_is_on_record(db: Database, make: Make) -> None:
    campaign = make(seed=5)
    rounds = [timed.round.json() for timed in campaign]
    body = campaign.json()
    assert (body["battle"], body["seed"], body["rounds"]) == ("1", 5, rounds)
    assert bodies(db) == rounds
    assert body["settings"] == kept(db)[0].settings
    assert body["settings"]["queries"] == 4
    assert set(body["timing"]) == {"1", "2"}
    json.dumps(body, allow_nan=False)


def test_before_the_first_round_the_json_is_empty_but_whole(make: Make) -> None:
    body = make().json()
    assert (body["battle"], body["rounds"], body["timing"]) == (None, [], {})


def test_a_round_that_fails_leaves_those_before_it(db: Database, make: Make) -> None:
    asked: list[int] = []

    def learn(evasions: Sequence[Example], twins: Sequence[Example]) -> int:
        asked.append(len(evasions))
        if len(asked) == 2:
            raise Stop
        return 0

    campaign = make(rounds=3, learn=learn)
    with pytest.raises(Stop):
        list(campaign)
    assert [one["round"] for one in bodies(db)] == [1]
    assert kept(db)[0].state == "failed"
    assert [one["round"] for one in campaign.json()["rounds"]] == [1]


def test_a_battle_broken_off_is_interrupted(db: Database, make: Make) -> None:
    going = iter(make(rounds=3))
    next(going)
    going.close()  # type: ignore[attr-defined]
    assert kept(db)[0].state == "interrupted"
    assert len(bodies(db)) == 1


def test_ctrl_c_in_the_middle_of_a_round_is_an_interruption(db: Database, make: Make) -> None:
    def improve() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(make(learn=lambda *_: 1, improve=improve))
    assert kept(db)[0].state == "interrupted"


def test_equal_seeds_give_equal_rounds(make: Make) -> None:
    first, again, other = make(seed=3), make(seed=3), make(seed=4)
    for campaign in (first, again, other):
        list(campaign)
    assert again.json()["battle"] != first.json()["battle"]
    assert again.json()["rounds"] == first.json()["rounds"]
    assert other.json()["rounds"] != first.json()["rounds"]


# What cannot begin leaves nothing behind


def test_without_texts_it_says_what_to_give(tmp_path: Path, make: Make, word_guard: Guards) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with Database.open(f"sqlite+pysqlite:///{empty}/sutdol.db", empty) as db:
        campaign = make()
        campaign.db = db
        with pytest.raises(NotReady, match=r"violating and harmless texts.*--data FILE"):
            list(campaign)
        assert kept(db) == []


@pytest.mark.parametrize("name", ["llm_generated", "llm_paraphrase"])
def test_llm_attacks_without_an_endpoint_say_what_to_set(
    db: Database, make: Make, name: str
) -> None:
    with pytest.raises(NotReady, match=r"set OPENAI_BASE_URL.*11434/v1, and SUTDOL_LLM_MODEL"):
        list(make(attack_strategy=name))
    assert kept(db) == []


def test_a_strategy_that_fits_no_text_is_refused(db: Database, make: Make) -> None:
    with pytest.raises(UsageError, match="held-out family"):
        list(make(attack_strategy="syllable_swap"))
    assert kept(db) == []


# Never train on what is tested


def test_only_training_texts_fight_and_only_panel_texts_are_measured(
    db: Database, make: Make, word_guard: Guards
) -> None:
    guard, learned = word_guard(odd=True), list[Example]()

    def learn(evasions: Sequence[Example], twins: Sequence[Example]) -> int:
        learned.extend([*evasions, *twins])
        return len(learned)

    list(make(guard=guard, learn=learn, texts=30, rounds=3))
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
    make: Make, word_guard: Guards
) -> None:
    """Each text holds a number that most attacks leave alone."""
    guard = word_guard()
    list(make(guard=guard, texts=30))
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
    db: Database, make: Make, toy_text: Text, word_guard: Guards
) -> None:
    doubtful = [toy_text(9_000 + n, bad=True) for n in range(50)]
    with db.write() as tx:
        examples.add(tx, "guard", doubtful, kind="feedback", reviewed=False, now=NOW)
    guard = word_guard()
    list(make(guard=guard, texts=100))
    assert {one.input for one in doubtful}.isdisjoint({*guard.asked, *guard.asked_again})


# What it says of its data


def test_it_says_what_data_it_was_fought_on(db: Database, make: Make, toy_text: Text) -> None:
    campaign = make(texts=6)
    list(campaign)
    told = campaign.json()["data"]
    assert told["examples"] == 480
    assert set(told["languages"]) == {"en", "ko"}
    assert told["languages"]["en"]["malicious"] == 30
    assert told["languages"]["en"]["panel_malicious"] == 6
    with db.write() as tx:
        more = [toy_text(7_777, bad=True)]
        examples.add(tx, "guard", more, kind="data", reviewed=True, now=NOW)
    another = make(texts=6)
    list(another)
    assert another.json()["data"]["hash"] != told["hash"]


def test_a_language_without_a_panel_is_not_told_with_the_figures_of_another(
    tmp_path: Path, make: Make, toy_text: Text
) -> None:
    home = tmp_path / "one"
    home.mkdir()
    texts = [toy_text(n, bad=bad, lang="en") for n in range(10) for bad in (True, False)]
    texts += [toy_text(n, bad=bad, lang="ko") for n in range(10) for bad in (True, False)]
    texts += [
        toy_text(n, bad=bad, lang="ko", part="dev")
        for n in range(100, 160)
        for bad in (True, False)
    ]
    with Database.open(f"sqlite+pysqlite:///{home}/sutdol.db", home) as db:
        with db.write() as tx:
            examples.add(tx, "guard", texts, kind="data", reviewed=True, now=NOW)
        campaign = make(rounds=1, texts=6)
        campaign.db = db
        list(campaign)
    told = campaign.json()["data"]["languages"]
    assert told["ko"]["panel_malicious"] == 6
    assert told["en"]["panel_malicious"] == 0


# Another attacker's texts


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(one) + "\r\n" for one in records), encoding="utf-8")
    return path


def known(db: Database) -> list[examples.StoredExample]:
    with db.read() as tx:
        return examples.find(tx, "guard")


def test_an_independent_attackers_texts_are_measured_unless_their_originals_were_trained_on(
    db: Database, make: Make, tmp_path: Path
) -> None:
    path = lines(
        tmp_path / "other.jsonl",
        {"id": 1, "original_id": "en-bad-3", "text": "the w0mbat of training"},
        {"id": 2, "original_id": "en-bad-1003", "text": "the wombat of the panel"},
        {"id": 3, "original_id": "elsewhere", "text": "a w0mbat from elsewhere"},
    )
    assert independent(path, known(db)) == ["the wombat of the panel", "a w0mbat from elsewhere"]
    campaign = make(independent=path, rounds=1)
    (timed,) = campaign
    assert timed.round.json()["independent"]["n"] == 2
    assert timed.round.json()["independent"]["value"] == 0.5


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
