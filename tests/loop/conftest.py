"""Synthetic exams, whose texts two guards see through their own noise; and toy workshops."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from shutil import copytree
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.databases import Databases

from sutdol.loop.collect import collect
from sutdol.loop.cycle import found, improve
from sutdol.loop.evidence import Evidence, Row, Scored, evidence
from sutdol.loop.gate import alpha, decide
from sutdol.loop.rules import Alarm, Calibration, Measure, Rail, Rules
from sutdol.loop.verdict import Budget, Verdict
from sutdol.loop.workshop import Workshop
from sutdol.storage.database import Database

ATTACKED = Measure(name="attacked recall", tags=("attacked",))
CLEAN = Measure(name="clean recall", tags=("clean", "malicious"))
FALSE = Measure(name="false positives", tags=("clean", "harmless"), of="served", better="low")
TWINS = Measure(name="false positives on twins", tags=("twin",), better="low")
GUARD = Rules(
    primary=ATTACKED,
    rails=(Rail(measure=CLEAN), Rail(measure=FALSE, ceiling=0.1), Rail(measure=TWINS)),
    alarms=(
        Alarm(measure=ATTACKED, slices=("lang:", "family:")),
        Alarm(measure=TWINS, slices=("family:",)),
    ),
    calibration=Calibration(harmless=("clean", "harmless")),
    resamples=200,  # of 2,000: quick, and steady enough for what is tested
)
GRADED = Rules(primary=Measure(name="quality", tags=("answer",), of="score"), resamples=200)
FAMILIES = ("leet", "jamo")


@pytest.fixture(scope="session")
def rules() -> Rules:
    """A guard's rules: attacked recall, three proven rails, alarms by language and family."""
    return GUARD


@pytest.fixture(scope="session")
def graded() -> Rules:
    """The rules of a role without thresholds: the mean score of its answers."""
    return GRADED


@pytest.fixture(scope="session")
def judge() -> Callable[..., Verdict]:
    """`judge(exam)` decides by the guard's rules at the first look."""

    def verdict(
        found: Evidence, rules: Rules = GUARD, *, position: int = 1, leaks: int = 0
    ) -> Verdict:
        budget = Budget(position=position, alpha=alpha(position))
        return decide(found, rules, budget, leaks=leaks)

    return verdict


@pytest.fixture(scope="session")
def exam() -> Callable[..., Evidence]:
    """`exam(gain=.2)`: equal guards but for `gain` on attacked texts, in standard deviations.

    With `noise=0` they see every text alike, so all that differs is what the test changes.
    """
    return _exam


@pytest.fixture(scope="session")
def answer() -> Callable[..., Evidence]:
    """`answer(exam, lambda row, old: ...)`: the challenger's score, from the champion's."""

    def answered(found: Evidence, score: Callable[[Row, float], float]) -> Evidence:
        old = found.champion.scores
        new = np.array([score(row, float(s)) for row, s in zip(found.rows, old, strict=True)])
        return replace(found, challenger=replace(found.challenger, scores=new))

    return answered


@pytest.fixture(scope="session")
def answers() -> Callable[..., Evidence]:
    """`answers(old, new)`: one graded answer a case, for roles without thresholds."""

    def made(old: list[float], new: list[float], anchor: list[float] | None = None) -> Evidence:
        rows = [Row(case=f"q{i:05}", probe="", tags=("answer",)) for i in range(len(old))]
        models = [
            Scored(version=name, scores=np.array(scores, dtype=np.float64), thresholds={})
            for name, scores in (("v1", old), ("v2", new), ("v0", anchor or old))
        ]
        return evidence(rows, champion=models[0], challenger=models[1], anchor=models[2])

    return made


@lru_cache(maxsize=16)  # many tests ask for the same one, and none may change it
def _exam(
    *,
    malicious: int = 1_000,
    harmless: int = 1_000,
    gain: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> Evidence:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    scores: list[list[float]] = [[], []]

    def add(case: str, probe: str, tags: tuple[str, ...], latent: float, more: float) -> None:
        rows.append(Row(case=case, probe=probe, tags=(*tags, "lang:en"), calibration="en"))
        scores[0].append(latent + noise * rng.standard_normal())
        scores[1].append(latent + more + noise * rng.standard_normal())

    for i in range(malicious):
        latent = 2.6 + rng.standard_normal()
        add(f"m{i}", "clean", ("clean", "malicious"), latent, 0.0)
        for family in FAMILIES:
            add(f"m{i}", family, ("attacked", "malicious", f"family:{family}"), latent - 0.5, gain)
    for i in range(harmless):
        latent = rng.standard_normal()
        add(f"h{i}", "clean", ("clean", "harmless"), latent, 0.0)
        add(f"h{i}", "twin", ("twin", "harmless", f"family:{FAMILIES[i % 2]}"), latent, 0.0)
    shipped = {"en": 1.645 * float(np.sqrt(1 + noise**2))}
    return evidence(
        rows,
        champion=Scored(version="guard-v1", scores=np.array(scores[0]), thresholds=shipped),
        challenger=Scored(version="guard-v2", scores=np.array(scores[1]), thresholds=shipped),
    )


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The toy roles of toy.py, which is a program as well."""
    spec = spec_from_file_location("sutdol_toy", Path(__file__).with_name("toy.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def shop(toy: ModuleType, database_url: str, tmp_path: Path) -> Iterator[Workshop[Any]]:
    """An empty workshop of the toy guard over a real database."""
    with toy.settle(tmp_path, database_url) as db:
        yield Workshop(db=db, home=tmp_path, role=toy.Spotter(), now=toy.Clock())


@pytest.fixture(scope="session")
def furnished(
    toy: ModuleType, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A home whose toy guard knows every word clean and none disguised, to be copied."""
    home = tmp_path_factory.mktemp("furnished")
    url = databases.migrated(home)
    with toy.settle(home, url) as db:
        shop = Workshop(db=db, home=home, role=toy.Spotter(), now=toy.Clock())
        collect(shop, toy.texts(14), kind="data", reviewed=True)
        found(shop, seed=0)
    yield home
    databases.drop(url)


@pytest.fixture(scope="session")
def advanced(
    toy: ModuleType,
    databases: Databases,
    furnished: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """The same home after a promotion: guard-v2 knows the disguised words too."""
    home = tmp_path_factory.mktemp("advanced")
    with moved(toy, databases, furnished, home) as db:
        shop = Workshop(db=db, home=home, role=toy.Spotter(), now=toy.Clock())
        toy.fight(shop, toy.BAD)
        assert improve(shop).promoted
        db.close()
        yield home


@pytest.fixture(scope="session")
def laden(
    toy: ModuleType, databases: Databases, advanced: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The same home after three challengers that came to nothing: v3, v4 and v5."""
    home = tmp_path_factory.mktemp("laden")
    with moved(toy, databases, advanced, home) as db:
        shop = Workshop(db=db, home=home, role=toy.Spotter(), now=toy.Clock(days=1))
        for number in range(3):
            dull = [toy.text_for("train", f"cake{number}")]
            collect(shop, dull, kind="data", reviewed=True)
            assert not improve(shop).promoted
        db.close()
        yield home


@pytest.fixture
def reigning(
    toy: ModuleType, databases: Databases, tmp_path: Path, furnished: Path
) -> Iterator[Workshop[Any]]:
    """A workshop with a first champion, guard-v1, and an open exam."""
    with moved(toy, databases, furnished, tmp_path) as db:
        yield Workshop(db=db, home=tmp_path, role=toy.Spotter(), now=toy.Clock())


@pytest.fixture
def promoted(
    toy: ModuleType, databases: Databases, tmp_path: Path, advanced: Path
) -> Iterator[Workshop[Any]]:
    """A workshop where guard-v2 was promoted because it catches what evaded guard-v1."""
    with moved(toy, databases, advanced, tmp_path) as db:
        yield Workshop(db=db, home=tmp_path, role=toy.Spotter(), now=toy.Clock(days=1))


@contextmanager
def moved(toy: ModuleType, databases: Databases, old: Path, home: Path) -> Iterator[Database]:
    """A copy of a home and of its database."""
    copytree(old, home, dirs_exist_ok=True)
    url = databases.copy(toy.url_of(old), home)
    with toy.settle(home, url) as db:
        yield db
    databases.drop(url)
