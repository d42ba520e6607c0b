"""What Prometheus is told: counted requests, and what stands in the databases."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import make_url
from tests.api.conftest import Home, Serve
from tests.api.site import Site, until
from tests.databases import SERVER, on_postgresql, on_sqlite, rewrite

from sutdol.api import figures
from sutdol.api.fresh import Fresh
from sutdol.api.gpus import gpus
from sutdol.app import Sutdol
from sutdol.core import meters
from sutdol.flow.crew import Crew
from sutdol.flow.desk import Desk
from sutdol.models.fake import FakeServer
from sutdol.storage import battles
from sutdol.storage.battles import NewBattle, Round

CHAT = "/v1/chat/completions"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
ROOT = Path(__file__).parents[2]

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(site: Site, **how: object) -> Series:
    """Every series of ours with its value."""
    answer = site.get("/metrics", **how)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.body.decode()))
    assert len({one.name for one in families}) == len(families)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def one(series: Series, name: str, **labels: str) -> float | None:
    return series.get((name, tuple(sorted(labels.items()))))


def asked(text: str = "sharpen the old knife", model: str = "fake") -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": text}]}


def grown(before: Series, after: Series, name: str, **labels: str) -> float:
    return (one(after, name, **labels) or 0) - (one(before, name, **labels) or 0)


@on_sqlite
def test_what_happened_is_counted(site: Site, offence: str) -> None:
    before = scraped(site)
    for _ in range(3):
        site.post(CHAT, asked())
    site.post(CHAT, asked(offence))
    after = scraped(site)

    def more(name: str, **labels: str) -> float:
        return grown(before, after, name, **labels)

    path = {"method": "POST", "route": CHAT}
    assert more("sutdol_http_requests_total", status="200", **path) == 3
    assert more("sutdol_http_requests_total", status="400", **path) == 1
    assert more("sutdol_http_request_duration_seconds_count", route=CHAT) == 4
    assert more("sutdol_overhead_seconds_count") == 3
    assert more("sutdol_upstream_requests_total", upstream="openai", outcome="200") == 3
    assert more("sutdol_upstream_first_byte_seconds_count", upstream="openai") == 3
    assert more("sutdol_tokens_total", upstream="openai", direction="read") == 12
    assert more("sutdol_tokens_total", upstream="openai", direction="written") == 12
    assert more("sutdol_guard_decisions_total", side="input", outcome="passed") == 3
    assert more("sutdol_guard_decisions_total", side="input", outcome="blocked") == 1
    assert more("content_arena_model_inference_duration_seconds_count", role="guard") == 4


@on_sqlite
def test_what_changes_by_itself_is_told_without_anybody_asking(serve: Serve) -> None:
    with FakeServer() as upstream:
        site = serve(openai_base_url=upstream.url)
        site.post(CHAT, asked())
        until(lambda: one(scraped(site), "sutdol_upstream_up", upstream="openai") == 1)
        until(lambda: (one(scraped(site), "sutdol_writer_rows_total") or 0) > 0)
    for _ in range(3):
        assert site.post(CHAT, asked()).status == 503
    until(lambda: one(scraped(site), "sutdol_upstream_up", upstream="openai") == 0)


def test_what_stands_in_the_database_is_told(serve: Serve) -> None:
    site = serve()
    fight(site)
    series = scraped(site)

    assert one(series, "sutdol_database_up") == 1
    assert one(series, "sutdol_database_bytes") > 10_000
    assert 0 < one(series, "sutdol_database_read_seconds") < 5
    assert one(series, "content_arena_detection_rate", role="guard") == 0.75
    assert one(series, "content_arena_evasion_rate", role="guard") == 0.25
    assert one(series, "content_arena_recall", role="guard", curve="seen") == 0.9
    assert one(series, "content_arena_recall", role="guard", curve="independent") is None
    assert one(series, "content_arena_false_positive_rate", role="guard", texts="clean") == 0.04
    assert one(series, "content_arena_false_positive_rate", role="guard", texts="twins") == 0.06
    assert one(series, "content_arena_battles", state="running") == 2
    assert one(series, "content_arena_battles", state="failed") == 0
    assert one(series, "sutdol_champion_version", role="guard") == 1
    assert one(series, "sutdol_looks_since_promotion", role="guard") == 0
    assert one(series, "sutdol_next_look_alpha", role="guard") == 0.01
    assert one(series, "sutdol_promotions_total", role="guard", kind="initial") == 1
    assert one(series, "sutdol_promotions_total", role="guard", kind="rollback") == 0
    assert one(series, "sutdol_verdicts_total", role="guard", decision="reject") == 0
    assert one(series, "sutdol_examples", role="guard", part="train") > 100
    assert one(series, "sutdol_feedback", state="waiting") == 0
    assert one(series, "sutdol_flows", state="orphaned") == 0
    assert one(series, "sutdol_workers") == 0


def fight(site: Site) -> None:
    """Two battles with a round each, the second of them later; and one without any yet."""
    with Sutdol.open(site.settings) as sutdol, sutdol.db.write() as tx:
        for number in (1, 2):
            battle = battles.start(tx, NewBattle(role="guard", seed=1, settings={}), NOW)
            if number == 1:
                body = {"attacks": 8, "detection_rate": 0.75, "evasion_rate": 0.25}
                body |= {"seen": {"value": 0.9, "n": 8}, "independent": None}
                body |= {"fpr_clean": {"value": 0.04}, "fpr_twins": {"value": 0.06}}
                done = Round(battle=battle.id, number=1, body=body, timing={}, created_at=NOW)
                battles.add_round(tx, done)


def test_flows_and_workers_are_counted(serve: Serve) -> None:
    site = serve()
    with Sutdol.open(site.settings) as sutdol:
        place = sutdol.place
    with Desk(place) as desk:
        lost, *_ = [desk.ask("battle", {}) for _ in range(3)]
    engine = place.engine()
    Crew(place=place, engine=engine).beat("me")
    engine.dispose()
    table = "workflow_status" if place.is_file else "dbos.workflow_status"
    given = f"UPDATE {table} SET status = 'PENDING', executor_id = 'gone' WHERE workflow_uuid = %s"
    rewrite(place.url.render_as_string(hide_password=False), given, lost)
    series = scraped(site)

    assert one(series, "sutdol_flows", state="waiting") == 2
    assert one(series, "sutdol_flows", state="orphaned") == 1
    assert one(series, "sutdol_flows", state="running") == 0
    assert one(series, "sutdol_workers") == 1


@on_sqlite
def test_a_database_that_is_gone_is_told_and_nothing_else_fails(serve: Serve) -> None:
    site = serve()
    assert one(scraped(site), "sutdol_database_up") == 1
    (site.settings.home / "sutdol.db").rename(site.settings.home / "elsewhere.db")
    until(lambda: one(scraped(site), "sutdol_database_up") == 0)

    until(lambda: one(scraped(site), "sutdol_champion_version", role="guard") is None)
    assert one(scraped(site), "sutdol_http_requests_in_flight") is not None
    (site.settings.home / "elsewhere.db").rename(site.settings.home / "sutdol.db")
    until(lambda: one(scraped(site), "sutdol_database_up") == 1)


@on_postgresql
def test_a_server_that_lost_its_database_still_answers(serve: Serve, home: Home) -> None:
    site = serve()
    assert one(scraped(site), "sutdol_database_up") == 1
    with shut(home.database_url):
        until(lambda: one(scraped(site), "sutdol_database_up") == 0)
        until(lambda: one(scraped(site), "sutdol_champion_version", role="guard") is None)
        until(lambda: one(scraped(site), "sutdol_flows", state="running") is None)
    until(lambda: one(scraped(site), "sutdol_database_up") == 1)


@contextmanager
def shut(url: str) -> Iterator[None]:
    """Within the block the database takes nobody in, and whoever was there is put out."""
    name = str(make_url(url).database)
    allow = SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(SERVER, autocommit=True) as admin:
        admin.execute(allow.format(Identifier(name), Literal(False)))
        put_out = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        admin.execute(put_out, [name])
        try:
            yield
        finally:
            admin.execute(allow.format(Identifier(name), Literal(True)))


@on_sqlite
def test_whatever_clients_send_makes_no_new_series(site: Site) -> None:
    def odd(number: int) -> None:
        site.ask(f"BREW{number}"[:4], f"/odd/{number}")
        site.ask("OPTIONS", f"/v1/odd-{number}?key={number}")
        site.ask("PROPFIND", f"/v1/models/one-{number}/deeper")
        site.get(f"/v1/models/model-{number}")
        site.get(f"/api/v1/battles/{number}")
        site.delete(f"/v1/files/file-{number}")
        site.post(CHAT, asked(model=f"model-{number}"))
        site.post(CHAT, asked(model=f"openai/model-{number}"))
        site.post(CHAT, b"{" * number, headers={"user-agent": f"odd-{number}"})

    for number in range(3):
        odd(number)
    before = set(scraped(site))
    for number in range(3, 9):
        odd(number)
    new = set(scraped(site)) - before

    assert new == set()


@on_sqlite
def test_figures_are_for_operators_where_keys_are_asked_for(
    serve: Serve, new_key: Callable[..., str]
) -> None:
    site = serve(auth=True, local=False)

    assert site.get("/metrics").status == 401
    assert site.get("/metrics", key=new_key("kim", "user")).status == 403
    assert scraped(site, key=new_key("lee", "operator"))


@on_sqlite
def test_on_this_machine_figures_are_open(serve: Serve) -> None:
    assert scraped(serve(auth=True, local=True))


def test_a_value_is_kept_for_a_while() -> None:
    now = [0.0]
    calls: list[float] = []

    def get() -> int:
        calls.append(now[0])
        return len(calls)

    fresh = Fresh(get, age=2, clock=lambda: now[0])
    assert [fresh(), fresh()] == [1, 1]
    now[0] = 2.0
    assert fresh() == 2


def test_a_value_that_does_not_come_is_waited_for_once() -> None:
    come, calls = threading.Event(), []

    def get() -> int:
        calls.append(1)
        come.wait(5)
        return 7

    fresh = Fresh(get, age=60, patience=0.05)
    assert [fresh(), fresh()] == [None, None]
    come.set()
    until(lambda: fresh() == 7)
    assert len(calls) == 1


def test_a_value_that_fails_is_none_until_it_works_again() -> None:
    answers = iter([ValueError("secret"), 3])

    def get() -> int:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    fresh = Fresh(get, age=0)
    assert [fresh(), fresh()] == [None, 3]


def test_gpus_are_read_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '0, 1024, 81559, 40'\necho '1, [N/A], 81559, [N/A]'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    first, second = gpus()
    assert (first.index, first.used, first.busy) == ("0", 1024 * 2**20, 0.4)
    assert (second.index, second.used, second.total) == ("1", None, 81559 * 2**20)


@pytest.mark.parametrize("does", ["exit 9", "echo 'No devices were found'", "echo 'a,b'"])
def test_a_driver_that_fails_has_no_gpus(
    does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert gpus() == []


COUNTED = {
    name: found for name, found in vars(meters).items() if isinstance(found, MetricWrapperBase)
}


def rows() -> Iterator[str]:
    """The lines of the reference, one for each figure."""
    for meter in COUNTED.values():
        (family,) = meter.describe()
        yield row(family.name, family.type, meter._labelnames, family.documentation)
    for told in figures.ALL:
        yield row(told.name, "counter" if told.counts else "gauge", told.labels, told.text)


def row(name: str, kind: str, labels: Sequence[str], text: str) -> str:
    full = f"{name}_total" if kind == "counter" else name
    return f"| `{full}` | {kind} | {', '.join(f'`{one}`' for one in labels) or '-'} | {text} |"


@pytest.mark.parametrize("line", list(rows()), ids=lambda line: line.split("`")[1])
def test_every_figure_is_described_as_it_is(line: str) -> None:
    page = (ROOT / "docs" / "reference" / "metrics-of-the-server.md").read_text(encoding="utf-8")

    assert line in page.splitlines()


def test_no_figure_is_described_that_is_not_there() -> None:
    page = (ROOT / "docs" / "reference" / "metrics-of-the-server.md").read_text(encoding="utf-8")
    described = [line for line in page.splitlines() if re.match(r"\| `(sutdol|content)_", line)]

    assert sorted(described) == sorted(rows())


@pytest.mark.parametrize("name", list(COUNTED))
def test_every_meter_is_used(name: str) -> None:
    """By itself, or by the function that keeps its series."""
    keeper = re.search(rf"def (\w+)\(.*\) -> \w+:\n    return {name}\.", source(meters))
    used = re.compile(rf"meters\.({name}|{keeper[1] if keeper else 'nothing'})\b")
    files = (ROOT / "src" / "sutdol").rglob("*.py")

    assert any(used.search(path.read_text(encoding="utf-8")) for path in files)


def source(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text(encoding="utf-8")
