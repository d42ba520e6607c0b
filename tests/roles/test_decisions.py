"""Decisions: those of the guard that reigns, whatever was decided, kept or written before."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.redis_server import RedisServer, redis_server, until

from sutdol.core.errors import NotReady
from sutdol.core.text.lexicon import Lexicon
from sutdol.core.types import Example
from sutdol.loop import promote
from sutdol.loop.collect import collect
from sutdol.loop.cycle import found
from sutdol.loop.live import Live
from sutdol.loop.workshop import Workshop
from sutdol.models.linear import Head, Heads
from sutdol.roles.calibrate import calibrate
from sutdol.roles.classifier import Classifier, load
from sutdol.roles.decisions import Decision, Decisions, decide, fingerprint
from sutdol.roles.guard import GuardRole
from sutdol.storage.cache import Memory, Shared
from sutdol.storage.database import Database
from sutdol.storage.redis import WAIT, Redis

SLACK = 0.4  # seconds that a busy machine may add
TEXTS = [
    "buy cheap blorp now",
    "yesterday the soup needs more salt",
    "이 바보 웜뱃아",
    "오늘은 정원이 참 예쁘네요.",
    "",
    " ",
    "👍🏽",
    "a\0b",
    "a\ud83d",
    "you know, " * 90 + "buy cheap blorp here",
    "the garden is lovely. " * 60,
]


class Kept:
    """A shared cache in a dictionary, which strangers may write to."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.asked: list[int] = []

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        self.asked.append(len(keys))
        return {key: self.values[key] for key in keys if key in self.values}

    def put_many(self, values: Mapping[str, bytes]) -> None:
        self.values |= values


def others(guard: Classifier) -> list[Classifier]:
    """Guards that decide otherwise: of another version, and of the same name elsewhere."""
    first = replace(guard, version="guard-v1")
    return [
        first,
        replace(first, thresholds={"*": 0.0}),
        replace(first, thresholds={"*": 1.1}),
        replace(first, version="guard-v2", slope=guard.slope / 2),
    ]


@pytest.mark.parametrize("text", TEXTS)
def test_a_decision_is_what_check_finds(guard: Classifier, text: str) -> None:
    decision, finding = decide(guard, text), guard.check(text)
    for name in ("flagged", "score", "categories", "applies"):
        assert getattr(decision, name) == getattr(finding, name)
    assert decision.version == guard.version


def test_each_text_has_its_decision_in_order(guard: Classifier) -> None:
    asked = [*TEXTS, TEXTS[0]]
    assert Decisions(lambda: guard, Memory())(asked) == [decide(guard, text) for text in asked]
    assert Decisions(lambda: guard, Memory())([]) == []


def test_what_is_kept_is_not_decided_again(guard: Classifier) -> None:
    kept = Kept()
    decisions = Decisions(lambda: guard, kept)
    decisions(TEXTS)
    for key in kept.values:
        kept.values[key] = b'{"flagged": true, "score": 1.0, "categories": {"spam": 0.5}}'
    assert {one.score for one in decisions(TEXTS)} == {1.0}
    assert {one.applies for one in decisions(TEXTS)} == {("spam",)}


def test_nothing_that_is_kept_holds_a_text(guard: Classifier) -> None:
    kept = Kept()
    Decisions(lambda: guard, kept)(TEXTS)
    written = "".join(kept.values) + "".join(map(repr, kept.values.values()))
    assert "blorp" not in written
    assert {len(value) < 600 for value in kept.values.values()} == {True}


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'{"flagged": true, "score": 0.9}',
        b'{"flagged": 1, "score": 0.9, "categories": {}}',
        b'{"flagged": true, "score": 1, "categories": {}}',
        b'{"flagged": true, "score": NaN, "categories": {}}',
        b'{"flagged": true, "score": 1.1, "categories": {}}',
        b'{"flagged": true, "score": -0.1, "categories": {}}',
        b'{"flagged": true, "score": 0.9, "categories": []}',
        b'{"flagged": true, "score": 0.9, "categories": {"rain": 0.1}}',
        b'{"flagged": true, "score": 0.9, "categories": {"spam": "0.1"}}',
        b'{"flagged": true, "score": 0.9, "categories": {"spam": true}}',
        b'{"flagged": true, "score": 0.9, "categories": {"spam": 1e999}}',
        b'{"flagged": true, "score": 0.9, "categories": {}, "more": 1}',
    ],
)
def test_what_we_never_wrote_does_not_count(guard: Classifier, stored: bytes) -> None:
    kept = Kept()
    decisions = Decisions(lambda: guard, Memory(), kept, shared_from=0)
    right = decisions(TEXTS)
    kept.values = dict.fromkeys(kept.values, stored)
    assert Decisions(lambda: guard, kept)(TEXTS) == right
    kept.values = dict.fromkeys(kept.values, stored)
    assert Decisions(lambda: guard, Memory(), kept, shared_from=0)(TEXTS) == right


def test_a_shared_cache_is_asked_only_where_it_pays(guard: Classifier) -> None:
    kept = Kept()
    decisions = Decisions(lambda: guard, Memory(), kept, shared_from=100)
    decisions(["a" * 99])
    assert (kept.asked, kept.values) == ([], {})
    decisions(["b" * 50, "c" * 50, "a" * 99])
    assert (kept.asked, len(kept.values)) == ([2], 2)
    decisions(["b" * 50, "c" * 50])
    assert kept.asked == [2]


def test_what_another_process_decided_is_remembered_here(guard: Classifier) -> None:
    kept = Kept()
    Decisions(lambda: guard, Memory(), kept, shared_from=0)(TEXTS)
    here = Decisions(lambda: guard, Memory(), kept, shared_from=0)
    assert here(TEXTS) == here(TEXTS) == [decide(guard, text) for text in TEXTS]
    assert kept.asked == [len(TEXTS), len(TEXTS)]


@pytest.mark.parametrize("field", [one.name for one in fields(Classifier)])
def test_a_guard_that_differs_in_anything_is_another(guard: Classifier, field: str) -> None:
    weights = guard.violating.weights.copy()
    weights[7] += 1
    other = {
        "violating": replace(guard.violating, weights=weights),
        "categories": dict(guard.categories) | {"hate": guard.violating},
        "shares": dict(guard.shares) | {"hate": 0.1},
        "slope": np.nextafter(guard.slope, 9),
        "offset": np.nextafter(guard.offset, 9),
        "thresholds": dict(guard.thresholds) | {"en": 0.123},
        "lexicon": Lexicon.parse(b"wombat\n\nblorp"),
        "version": "guard-v99",
    }
    assert fingerprint(replace(guard, **{field: other[field]})) != fingerprint(guard)
    assert fingerprint(replace(guard)) == fingerprint(guard)


def test_heads_that_swap_names_make_another_guard(guard: Classifier) -> None:
    first, second, *_ = guard.categories
    swapped = {first: guard.categories[second], second: guard.categories[first]}
    other = replace(guard, categories=dict(guard.categories) | swapped)
    assert fingerprint(other) != fingerprint(guard)


class Counted(Heads):
    """Heads that count how often they are asked for by name: a fingerprint asks."""

    asked = 0

    def __getitem__(self, name: str) -> Head:
        self.asked += 1
        return super().__getitem__(name)


def test_a_prepared_guard_decides_at_once_while_the_old_one_goes_on(guard: Classifier) -> None:
    heads = [Counted.of(guard.categories) for _ in range(2)]
    old = replace(guard, version="guard-v1", categories=heads[0])
    new = replace(guard, version="guard-v2", categories=heads[1])
    reigning = [old]
    decisions = Decisions(lambda: reigning[-1], Memory())
    before = decisions(TEXTS)
    decisions.prepare(new)
    asked = [one.asked for one in heads]
    assert decisions(TEXTS) == before
    reigning.append(new)
    assert [one.version for one in decisions(TEXTS)] == ["guard-v2"] * len(TEXTS)
    reigning.pop()
    assert decisions(TEXTS) == before
    assert [one.asked for one in heads] == asked  # fingerprints stay known
    assert min(asked) > 0


def test_a_prepared_guard_has_its_tables(guard: Classifier) -> None:
    new = replace(guard, lexicon=Lexicon(guard.lexicon.words, guard.lexicon.known))
    Decisions(lambda: guard, Memory()).prepare(new)
    assert {"_ends", "_frames", "_lacking", "_wrong", "digest"} <= set(vars(new.lexicon))


def test_a_stored_guard_decides_with_the_heads_it_was_loaded_with(
    guard: Classifier, tmp_path: Path
) -> None:
    guard.save(tmp_path, {})
    stored = load(tmp_path, guard.version)
    assert [decide(stored, text) for text in TEXTS] == [decide(guard, text) for text in TEXTS]
    assert stored._side_by_side is stored.categories  # no second copy
    assert fingerprint(stored) == fingerprint(guard)


def test_any_reader_of_json_reads_what_is_kept_to_the_bit(guard: Classifier) -> None:
    kept = Kept()
    told = Decisions(lambda: guard, kept)(TEXTS)
    read = [json.loads(value) for value in kept.values.values()]
    assert [one["score"] for one in read] == [one.score for one in told]
    kept.values = {key: json.dumps(json.loads(one)).encode() for key, one in kept.values.items()}
    assert Decisions(lambda: guard, kept)(TEXTS) == told


texts = st.lists(st.sampled_from(TEXTS[:3]) | st.text(max_size=20), min_size=1, max_size=4)
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("crown"), st.integers(0, 3)),
        st.tuples(st.just("roll back"), st.none()),
        st.tuples(st.just("spoil"), st.binary(max_size=5)),
        st.tuples(st.just("start anew"), st.integers(0, 1)),
        st.tuples(st.just("here"), texts),
        st.tuples(st.just("there"), texts),
    ),
    max_size=12,
)


@given(happenings)
@settings(max_examples=100, deadline=None)
def test_whatever_happens_the_decisions_are_those_of_the_guard_that_reigns(
    guard: Classifier, happened: list[tuple[str, object]]
) -> None:
    """Two processes, guards that come and go, some of the same name, and strangers in the cache."""
    candidates, kept = others(guard), Kept()
    reigned = [candidates[0]]

    def opened() -> Decisions:
        return Decisions(lambda: reigned[-1], Memory(most=5), kept, shared_from=0)

    processes = {"here": opened(), "there": opened()}
    for what, value in happened:
        match what, value:
            case "crown", int(number):
                reigned.append(candidates[number])
            case "roll back", _ if len(reigned) > 1:
                reigned.pop()
            case "spoil", bytes(stored):
                kept.values = dict.fromkeys(kept.values, stored)
            case "start anew", int(number):
                processes[("here", "there")[number]] = opened()
            case _, list(asked):
                assert processes[what](asked) == [decide(reigned[-1], text) for text in asked]


@pytest.fixture
def shop(
    tmp_path: Path, role: GuardRole, toys: Callable[..., list[Example]]
) -> Iterator[Workshop[Classifier]]:
    """A workshop with a first guard."""
    with Database.open(f"sqlite+pysqlite:///{tmp_path}/sutdol.db", tmp_path) as db:
        made = Workshop(db=db, home=tmp_path, role=role, now=lambda: datetime.now(UTC))
        collect(made, toys(600), kind="data", reviewed=True)
        yield made


def test_without_a_guard_it_says_what_to_do(shop: Workshop[Classifier]) -> None:
    with pytest.raises(NotReady, match="no guard yet"):
        Decisions(Live(shop), Memory())(["a"])


def test_a_promotion_and_a_roll_back_count_at_once(
    shop: Workshop[Classifier], role: GuardRole, toys: Callable[..., list[Example]]
) -> None:
    found(shop, seed=0)
    memory, kept = Memory(), Kept()
    decisions = Decisions(Live(shop), memory, kept, shared_from=0)
    old = decisions(TEXTS)
    calibrate(shop, role, toys(1_200, targets=("",), seed=5), fpr=0.5)
    new = decisions(TEXTS)
    assert {one.version for one in new} == {"guard-v2"}
    assert new == [decide(Live(shop)(), text) for text in TEXTS]
    assert [one.flagged for one in new] != [one.flagged for one in old]
    promote.rollback(shop, reason="complaints")
    assert decisions(TEXTS) == old
    assert kept.asked == [len(TEXTS)] * 2  # the old decisions were still there


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as one:
        yield one


def test_a_redis_that_comes_and_goes_changes_no_decision(
    server: RedisServer, guard: Classifier
) -> None:
    redis = Redis.open(server.url, rest=0.1)
    right = [decide(guard, text) for text in TEXTS]

    def decided() -> list[Decision]:
        return Decisions(lambda: guard, Memory(), Shared(redis), shared_from=0)(TEXTS)

    def is_shared() -> bool:
        assert decided() == right
        return len(redis.client.keys("sutdol:cache:*")) == len(TEXTS)

    assert decided() == decided() == right
    for away, back in ((server.kill, server.start), (server.freeze, server.thaw)):
        away()
        longest = 0.0
        for _ in range(5):
            start = time.perf_counter()
            assert decided() == right
            longest = max(longest, time.perf_counter() - start)
        assert longest < WAIT + SLACK
        back()
        until(is_shared)
    redis.close()


def test_strangers_in_redis_change_no_decision(server: RedisServer, guard: Classifier) -> None:
    redis = Redis.open(server.url)
    decisions = Decisions(lambda: guard, Memory(), Shared(redis), shared_from=0)
    right = decisions(TEXTS)
    names = redis.client.keys("*")
    swapped = zip(names, [*names[1:], names[0]], strict=True)
    values = {one: redis.client.get(other) for one, other in swapped}
    redis.client.mset(values)  # each text has the decision about another one
    assert Decisions(lambda: guard, Memory(), Shared(redis), shared_from=0)(TEXTS) == right
    redis.close()
