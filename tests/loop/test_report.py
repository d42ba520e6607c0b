"""Reports: all that a verdict rests on, and a page that needs nothing else."""

import gzip
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import Corrupted
from sutdol.loop import cycle, report
from sutdol.loop.collect import collect
from sutdol.loop.evidence import from_json
from sutdol.loop.workshop import Workshop
from sutdol.storage import verdicts
from sutdol.storage.verdicts import StoredVerdict


@pytest.fixture
def judged(promoted: Workshop[Any]) -> StoredVerdict:
    """The verdict that made guard-v2 champion."""
    with promoted.db.read() as tx:
        return verdicts.all(tx, "guard")[0]


def page(shop: Workshop[Any], verdict: StoredVerdict) -> str:
    return (report.folder(shop.home, verdict.id) / "report.html").read_text(encoding="utf-8")


def test_it_holds_verdict_rules_hashes_versions_and_every_score(
    promoted: Workshop[Any], judged: StoredVerdict
) -> None:
    content = report.read(promoted.home, judged.id)
    scored = from_json(content["evidence"])
    assert content["verdict"]["decision"] == "promote"
    assert content["verdict"]["snapshot"] == judged.snapshot
    assert content["rules"]["least_primary"] == 40
    assert content["cases"] == scored.cases_hash
    assert content["leaks"] == 0
    assert {"python", "machine", "numpy", "scipy"} <= set(content["made_with"])
    assert scored.champion.version == "guard-v1"
    assert len(scored.challenger.scores) == len(scored.rows) > 200


def test_the_summary_is_the_same_without_scores_and_texts(
    promoted: Workshop[Any], judged: StoredVerdict
) -> None:
    folder = report.folder(promoted.home, judged.id)
    summary = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    whole = report.read(promoted.home, judged.id)
    assert summary == {name: value for name, value in whole.items() if name != "evidence"}
    assert "venom01" not in (folder / "report.json").read_text(encoding="utf-8")


def test_written_again_it_is_the_same_byte_for_byte(
    promoted: Workshop[Any], judged: StoredVerdict
) -> None:
    folder = report.folder(promoted.home, judged.id)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    content = report.read(promoted.home, judged.id)
    scored = from_json(content["evidence"])
    report.write(promoted, judged, scored, texts=content["texts"], leaks=content["leaks"])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert set(before) == {"report.json.gz", "report.json", "report.html"}


def test_the_page_loads_nothing_and_only_the_chart_runs(
    promoted: Workshop[Any], judged: StoredVerdict
) -> None:
    html = page(promoted, judged)
    bare = html.replace('xmlns="http://www.w3.org/2000/svg"', "")
    bare, scripts = re.subn(r"<script type=\"module\">.*?</script>", "", bare, flags=re.DOTALL)
    bare, data = re.subn(r"<script type=\"application/json\">.*?</script>", "", bare)
    assert (scripts, data) == (1, 1)
    assert not re.search(r"https?:|//|<script|<link|<img|@import|url\(|\bsrc=|\bon\w+=", bare)
    assert html.count("<svg") == 1


def test_names_are_escaped(promoted: Workshop[Any], judged: StoredVerdict) -> None:
    html = page(promoted, judged)
    assert "false &lt;i&gt;" in html
    assert "<i>" not in html


def test_the_page_shows_the_first_look_already(
    promoted: Workshop[Any], judged: StoredVerdict
) -> None:
    html = page(promoted, judged)
    assert "guard: attacked recall" in html
    assert ">champion 0%<" in html
    assert re.search(r">challenger \d+%<", html)
    assert "guard-v2 against guard-v1" in html
    assert f"sutdol loop verify {judged.id}" in html


def test_the_curve_grows_with_the_looks(
    toy: ModuleType, promoted: Workshop[Any], judged: StoredVerdict
) -> None:
    first = page(promoted, judged)
    toy.fight(promoted, toy.BAD, salt="again")
    second = page(promoted, cycle.improve(promoted).verdict)
    assert first.count("<circle") == 2
    assert second.count("<circle") == 4


def test_a_verdict_on_a_handful_of_texts_has_a_page_too(
    toy: ModuleType, shop: Workshop[Any]
) -> None:
    collect(shop, toy.texts(3)[:63], kind="data", reviewed=True, part="train")
    exam = [toy.text("venom01", "exam"), toy.text("bread01", "exam"), toy.text("bread02", "exam")]
    collect(shop, exam, kind="data", reviewed=True, part="hold_out")
    cycle.found(shop, seed=0)
    toy.fight(shop, toy.BAD)
    verdict = cycle.improve(shop).verdict
    assert verdict.reason == "1 cases for attacked recall, 40 are needed: add labels"
    assert "1 cases for attacked recall" in page(shop, verdict)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"no gzip",
        gzip.compress(b"no json", mtime=0),
        gzip.compress(b"[1]", mtime=0),
        gzip.compress(b"{}", mtime=0)[:-9],
    ],
)
def test_a_damaged_report_is_said_to_be_damaged(tmp_path: Path, damaged: bytes) -> None:
    path = report.folder(tmp_path, "guard-1") / "report.json.gz"
    with pytest.raises(Corrupted):
        report.read(tmp_path, "guard-1")
    path.parent.mkdir(parents=True)
    path.write_bytes(damaged)
    with pytest.raises(Corrupted):
        report.read(tmp_path, "guard-1")
