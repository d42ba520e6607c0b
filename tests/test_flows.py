"""The flows of Sutdol: their kinds, what their steps do once, and what begins by the clock."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.killed import Mortal

from sutdol.app import Sutdol, bundled
from sutdol.core.errors import BadInput, NotReady, UnknownName
from sutdol.core.settings import Settings
from sutdol.flow import inline
from sutdol.flow.desk import Desk
from sutdol.flow.plan import Json
from sutdol.flows import KINDS, Deeds, greeting, kind_named, run_inline, schedules, start_due
from sutdol.storage import examples, versions
from sutdol.storage.versions import Version


@pytest.fixture
def sutdol(tmp_path: Path) -> Iterator[Sutdol]:
    with opened(tmp_path) as found:
        yield found


def opened(home: Path, **flags: Any) -> Sutdol:
    """Sutdol in a home; what the environment says of the database does not count."""
    given = {"home": home, "database_url": f"sqlite:///{home}/sutdol.db"}
    return Sutdol.open(Settings.load(**given | flags))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three labelled texts."""
    rows = [{"text": one.input, "label": int(bool(one.target))} for one in bundled()[:3]]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def stored(sutdol: Sutdol) -> list[examples.StoredExample]:
    with sutdol.db.read() as tx:
        return examples.find(tx, "guard")


# Kinds


def test_a_kind_that_is_none_suggests_the_nearest() -> None:
    assert kind_named("battle") == "battle"
    with pytest.raises(UnknownName, match="Did you mean 'cycle'"):
        kind_named("cicle")


def test_what_is_taken_in_is_told_though_there_is_not_enough_to_train_on(
    sutdol: Sutdol, file: Path
) -> None:
    told: list[Json] = []
    args = {"role": "guard", "seed": 0, "data": [str(file), str(file)]}
    with pytest.raises(NotReady, match="only one kind"):
        run_inline(sutdol, "train", args, told.append)
    assert told[0] == {"new": 3, "known": 3}
    assert len(stored(sutdol)) == 3


# Taking in


def test_texts_are_the_operators_data_unless_it_is_said_otherwise(
    sutdol: Sutdol, file: Path
) -> None:
    taken = run_inline(sutdol, "import", {"path": str(file)})
    assert taken == {"new": 3, "known": 0, "source": "import:mine"}
    assert {(one.kind, one.reviewed) for one in stored(sutdol)} == {("data", True)}


def test_feedback_is_taken_in_as_such(sutdol: Sutdol, file: Path) -> None:
    how = {"role": "guard", "kind": "feedback", "reviewed": False, "source": "feedback:web"}
    taken = run_inline(sutdol, "import", {"path": str(file), **how})
    assert taken["source"] == "feedback:web"
    assert {(one.kind, one.reviewed) for one in stored(sutdol)} == {("feedback", False)}


def test_a_table_is_read_by_its_columns(sutdol: Sutdol, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("댓글,욕설,광고\n내일 만나요,0,0\n무료 쿠폰 받기,0,1\n", encoding="utf-8")
    columns = {"text_column": "댓글", "labels": ["욕설", "광고"]}
    assert run_inline(sutdol, "import", {"path": str(table), **columns})["new"] == 2
    assert {one.target for one in stored(sutdol)} == {"", "unspecified"}


def test_a_file_is_taken_in_once_though_it_is_gone_since(sutdol: Sutdol, file: Path) -> None:
    args = {"path": str(file)}
    mortal = Mortal()

    def another_process() -> Json:
        deeds = mortal.deeds(Deeds(sutdol).all())
        try:
            return inline.run(
                "import", args, flow="import-1", kinds=KINDS, deeds=deeds, tell=lambda _: None
            )
        finally:
            file.unlink(missing_ok=True)

    assert mortal.to_its_end(another_process)["new"] == 3
    with pytest.raises(BadInput, match="does not exist"):
        run_inline(sutdol, "import", args)


# The hand


def test_the_hand_of_a_worker_has_its_settings_but_is_told_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("openai_api_key", "hf_token", "runpod_api_key"):
        monkeypatch.setenv(f"SUTDOL_{name.upper()}", "hunter2")
    monkeypatch.setenv("SUTDOL_BATTLE__TEXTS", "7")
    flags: dict[str, Any] = {"battle": {"queries": 3}, "worker": {"most": 2}, "auth": "on"}
    chosen = Settings.load(home=tmp_path, openai_base_url="http://127.0.0.1:1/v1", **flags)
    said = json.loads(json.dumps(greeting(chosen)))
    assert Settings.load(**said["settings"]) == chosen
    assert "hunter2" not in json.dumps(said)


# By the clock


def test_an_evaluation_a_day_is_what_begins_by_itself(sutdol: Sutdol) -> None:
    (only,) = schedules(sutdol)
    assert (only.name, only.cron, only.kind) == ("evaluation-guard", "15 3 * * *", "evaluation")
    assert only.args == {"role": "guard", "seed": 0, "wait": False}


def test_each_schedule_is_a_setting(tmp_path: Path) -> None:
    loop = {"evaluate_cron": "off", "improve_cron": "0 4 * * *"}
    with opened(tmp_path, loop=loop) as sutdol:
        assert [(one.kind, one.cron) for one in schedules(sutdol)] == [("cycle", "0 4 * * *")]
    with opened(tmp_path, loop={"evaluate_cron": "off"}) as sutdol:
        assert schedules(sutdol) == []


def test_a_turn_that_is_due_is_asked_for_once(tmp_path: Path) -> None:
    with opened(tmp_path, loop={"after_examples": 3, "cooldown": 60}) as sutdol:
        sutdol.take_in_bundled()
        with Desk(sutdol.place) as desk:
            assert start_due(sutdol, desk) == []  # nobody reigns
            reign(sutdol)
            (why,) = start_due(sutdol, desk)
            assert start_due(sutdol, desk) == []
            (asked,) = desk.all()
    assert why.startswith("guard: ")
    assert why.endswith(" new examples")
    assert (asked.kind, asked.state) == ("cycle", "waiting")
    assert asked.args == {"role": "guard", "seed": 0, "wait": False, "why": why[len("guard: ") :]}


def reign(sutdol: Sutdol) -> None:
    """Crown a champion that has learned nothing, an hour ago."""
    from sutdol.storage import promotions
    from sutdol.storage.promotions import Crowning

    then = sutdol.guard.now() - timedelta(hours=1)
    version = Version(
        id="guard-v1", role="guard", parent=None, snapshot=None, path="models/x",
        checksum="c" * 64, manifest={}, created_at=then,
    )  # fmt: skip
    wish = Crowning(
        role="guard", from_version=None, to_version="guard-v1", kind="initial", reason="a test",
        actor="me",
    )  # fmt: skip
    with sutdol.db.write() as tx:
        versions.add(tx, version)
        promotions.crown(tx, wish, then)
