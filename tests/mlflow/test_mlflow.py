"""A real MLflow server shows what our registry holds, through outages, crashes and roll-backs.

One story is played once: what server and registry held at its stages is kept, and compared here.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from sqlite3 import connect
from time import monotonic, sleep
from typing import Any

import pytest
from tests.arena.test_report import one_round
from tests.loop import toy
from tests.mlflow.conftest import BIN, Server, environment, server_in, sutdol

from sutdol.loop import promote
from sutdol.loop.collect import collect
from sutdol.loop.cycle import found, improve
from sutdol.loop.workshop import Workshop
from sutdol.storage import battles, files, snapshots, verdicts, versions
from sutdol.storage.battles import NewBattle, Round

STATUS = {"running": "RUNNING", "done": "FINISHED", "failed": "FAILED"}


@dataclass(frozen=True)
class Shown:
    """What stands in a registry, ours or the one that follows it."""

    versions: dict[str, dict[str, str]]
    aliases: dict[str, str]
    battles: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Stage:
    ours: Shown
    theirs: Shown
    code: int
    said: str
    complained: str


@dataclass
class Story:
    home: Path
    server: Server
    shop: Workshop[Any]
    stages: dict[str, Stage] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def sync(self, stage: str, *tokens: str) -> None:
        done = self.run("mlflow", "sync", *tokens)
        assert done.returncode == 0, done.stderr
        self.stages[stage] = Stage(
            ours=ours(self.shop),
            theirs=theirs(self.server),
            code=done.returncode,
            said=done.stdout,
            complained=done.stderr,
        )

    def run(self, *tokens: str) -> "subprocess.CompletedProcess[str]":
        process = sutdol(self.home, self.server.address, *tokens)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def fight(self, battle: str, *, rounds: range) -> None:
        with self.shop.db.write() as tx:
            for number in rounds:
                row = Round(
                    battle=battle,
                    number=number,
                    body=one_round(number, detection_rate=0.5 + number / 100),
                    timing={"measure": 0.5},
                    created_at=self.shop.now(),
                )
                battles.add_round(tx, row)

    def begin(self, rounds: int, *, state: battles.State = "running") -> str:
        with self.shop.db.write() as tx:
            settings = {"rounds": rounds, "attack_strategy": "mixed"}
            new = NewBattle(role="guard", seed=3, settings=settings)
            begun = battles.start(tx, new, self.shop.now())
        self.fight(begun.id, rounds=range(1, rounds + 1))
        self.end(begun.id, state)
        return begun.id

    def end(self, battle: str, state: battles.State) -> None:
        with self.shop.db.write() as tx:
            battles.set_state(tx, battle, state, self.shop.now() + timedelta(minutes=1))

    def learn(self, salt: str) -> bool:
        toy.fight(self.shop, toy.BAD, salt=salt)
        return improve(self.shop).promoted


def ours(shop: Workshop[Any]) -> Shown:
    with shop.db.read() as tx:
        judged = {one.challenger: one for one in verdicts.all(tx, "guard")}
        known = versions.all(tx, "guard")
        return Shown(
            versions={
                one.id: {
                    "sutdol.snapshot": str(one.snapshot),
                    "sutdol.checksum": one.checksum,
                    "sutdol.verdict": judged[one.id].id if one.id in judged else "",
                    "parent": str(one.parent),
                    "challenger": str(gain(judged[one.id]) if one.id in judged else None),
                }
                for one in known
            },
            aliases=versions.aliases(tx, "guard"),
            battles={
                f"battle {number}": {
                    "status": STATUS[battles.get(tx, str(number)).state],
                    "rounds": {
                        one.number: one.body["detection_rate"]
                        for one in battles.rounds(tx, str(number))
                    },
                }
                for number in range(1, int(getattr(battles.last(tx), "id", 0)) + 1)
            },
        )


def gain(verdict: Any) -> float:
    return float(verdict.body["primary"]["challenger"])


def theirs(server: Server) -> Shown:
    """The same by the calls that the pages of MLflow make."""
    experiment = server.get("experiments/get-by-name", experiment_name="sutdol-guard")
    place = experiment["experiment"]["experiment_id"]
    found = server.post("runs/search", experiment_ids=[place], max_results=1_000).get("runs", [])
    runs = {run["info"]["run_id"]: run for run in found}
    assert len({run["info"]["run_name"] for run in found}) == len(found), "a run stands there twice"
    model = server.get("registered-models/get", name="sutdol-guard")["registered_model"]
    listed = server.get("model-versions/search", filter="name='sutdol-guard'", max_results=1_000)
    numbers = {one["version"]: pairs(one["tags"]) for one in listed["model_versions"]}
    assert len({tags["sutdol.version"] for tags in numbers.values()}) == len(numbers)
    return Shown(
        versions={
            pairs(one["tags"])["sutdol.version"]: shown_version(one, runs[one["run_id"]])
            for one in listed["model_versions"]
        },
        aliases={
            one["alias"]: numbers[one["version"]]["sutdol.version"]
            for one in model.get("aliases", [])
        },
        battles={
            run["info"]["run_name"]: {
                "status": run["info"]["status"],
                "rounds": dict(history(server, id_, "detection_rate")),
            }
            for id_, run in runs.items()
            if run["info"]["run_name"].startswith("battle ")
        },
    )


def shown_version(version: dict[str, Any], run: dict[str, Any]) -> dict[str, str]:
    tags = pairs(version["tags"])
    assert tags.items() >= {"sutdol.version": run["info"]["run_name"]}.items()
    metrics = {one["key"]: one["value"] for one in run["data"].get("metrics", [])}
    chosen = ("sutdol.snapshot", "sutdol.checksum", "sutdol.verdict")
    parent = pairs(run["data"]["params"])["parent"]
    return {name: tags.get(name, "") for name in chosen} | {
        "parent": "None" if parent == "none" else parent,
        "challenger": str(metrics.get("primary/challenger")),
    }


def history(server: Server, run: str, figure: str) -> Iterator[tuple[int, float]]:
    found = server.get("metrics/get-history", run_id=run, metric_key=figure)
    for one in found.get("metrics", []):
        yield int(one.get("step", 0)), one["value"]


def pairs(listed: list[dict[str, str]]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in listed}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("home")
    with (
        server_in(tmp_path_factory.mktemp("server")) as server,
        toy.settle(home, f"sqlite+pysqlite:///{home}/sutdol.db") as db,
    ):
        shop = Workshop(db=db, home=home, role=toy.Spotter(), now=toy.Clock())
        yield play(Story(home=home, server=server, shop=shop))


def play(story: Story) -> Story:
    collect(story.shop, toy.texts(14), kind="data", reviewed=True)
    found(story.shop, seed=0)
    assert story.learn("first")
    fought = story.begin(2)
    story.sync("first", "--json", "-")
    story.facts["download"] = download(story)
    story.sync("twice")

    promote.rollback(story.shop, reason="a test")
    story.fight(fought, rounds=range(3, 5))
    story.end(fought, "done")
    story.sync("rolled back")

    outage(story)
    story.sync("mended")
    story.sync("again", "--again")

    story.server.kill()
    story.server.wipe()
    story.server.start()
    story.sync("wiped")
    return story


def outage(story: Story) -> None:
    """The server dies while it is told of thirty battles; the loop goes on meanwhile."""
    for _ in range(30):
        story.begin(2, state="done")
    telling = sutdol(story.home, story.server.address, "mlflow", "sync")
    wait_for(lambda: told(story.home, "battle") >= 5)
    story.server.kill()
    _, story.facts["cut off"] = telling.communicate(timeout=120)
    story.facts["cut off code"] = telling.returncode
    story.facts["told"] = told(story.home, "battle")

    toy.fight(story.shop, toy.BAD, salt="second")
    story.facts["went on"] = improve(story.shop).verdict.challenger
    story.begin(1, state="failed")
    began = monotonic()
    story.facts["away"] = story.run("mlflow", "sync")
    story.facts["seconds"] = monotonic() - began
    story.facts["status"] = story.run("mlflow", "status", "--json", "-")
    story.facts["doctor"] = story.run("doctor", "--json", "-")

    story.server.start()
    killed = sutdol(story.home, story.server.address, "mlflow", "sync")
    before = told(story.home, "battle")
    wait_for(lambda: told(story.home, "battle") >= before + 3)
    killed.kill()
    killed.communicate()
    story.facts["told when killed"] = told(story.home, "battle")


def told(home: Path, kind: str) -> int:
    with closing(connect(home / "sutdol.db")) as file:
        counted = file.execute("SELECT count(*) FROM mirrored WHERE kind = ?", [kind]).fetchone()
    return int(counted[0])


def wait_for(true: Any) -> None:
    deadline = monotonic() + 120
    while not true():
        assert monotonic() < deadline
        sleep(0.005)


def download(story: Story) -> str:
    """The checksum of what MLflow's own tools fetch for the champion."""
    folder = story.home / "fetched"
    code = (
        "import sys; from mlflow.artifacts import download_artifacts;"
        "download_artifacts('models:/sutdol-guard@champion', dst_path=sys.argv[1])"
    )
    where = environment(MLFLOW_TRACKING_URI=story.server.address, MLFLOW_DISABLE_TELEMETRY="true")
    subprocess.run([BIN / "python", "-c", code, folder], env=where, check=True, capture_output=True)
    return files.checksum(folder)


STAGES = ("first", "twice", "rolled back", "mended", "again", "wiped")


@pytest.mark.parametrize("stage", STAGES)
def test_mlflow_shows_the_versions_of_our_registry(story: Story, stage: str) -> None:
    found = story.stages[stage]

    assert (found.code, found.complained) == (0, "")
    assert found.theirs.versions == found.ours.versions
    assert len(found.ours.versions) >= 2


@pytest.mark.parametrize("stage", STAGES)
def test_the_aliases_are_those_of_our_registry(story: Story, stage: str) -> None:
    found = story.stages[stage]

    assert found.theirs.aliases == found.ours.aliases
    assert "champion" in found.ours.aliases


@pytest.mark.parametrize("stage", STAGES)
def test_each_battle_is_a_run_with_its_rounds(story: Story, stage: str) -> None:
    found = story.stages[stage]

    assert found.theirs.battles == found.ours.battles
    assert "battle 1" in found.ours.battles


def test_sync_says_what_it_told_and_what_is_left(story: Story) -> None:
    assert json.loads(story.stages["first"].said) == {
        "told": {"role": 1, "run": 2, "version": 2, "alias": 2, "battle": 1},
        "left": 0,
        "refused": [],
    }
    assert story.stages["twice"].said == "told: nothing\nleft: 0\n"
    assert story.stages["rolled back"].said == "told: alias 2, battle 1\nleft: 0\n"


def test_a_rollback_takes_the_alias_back(story: Story) -> None:
    assert story.stages["twice"].theirs.aliases == {
        "champion": "guard-v2",
        "previous": "guard-v1",
    }
    assert story.stages["rolled back"].theirs.aliases == {"champion": "guard-v1"}


def test_the_status_of_a_battle_follows(story: Story) -> None:
    assert story.stages["twice"].theirs.battles["battle 1"]["status"] == "RUNNING"
    assert story.stages["rolled back"].theirs.battles["battle 1"]["status"] == "FINISHED"


def test_the_model_can_be_fetched_by_its_alias(story: Story) -> None:
    with story.shop.db.read() as tx:
        reigned = versions.get(tx, "guard-v2")

    assert story.facts["download"] == reigned.checksum


def test_a_run_carries_report_and_snapshot(story: Story) -> None:
    with story.shop.db.read() as tx:
        (verdict, *_) = verdicts.all(tx, "guard")
        made = versions.get(tx, verdict.challenger)
        frozen = snapshots.get(tx, str(made.snapshot))
    place = story.server.get("experiments/get-by-name", experiment_name="sutdol-guard")
    (run,) = story.server.post(
        "runs/search",
        experiment_ids=[place["experiment"]["experiment_id"]],
        filter=f"tags.`sutdol.version` = '{made.id}'",
    )["runs"]
    folder = f"verdicts/{verdict.id}"
    listed = story.server.get("artifacts/list", run_id=run["info"]["run_id"], path=folder)

    names = {Path(one["path"]).name for one in listed["files"]}
    assert names == {"report.json", "report.html", "curve.svg"}
    (given,) = run["inputs"]["dataset_inputs"]
    assert given["dataset"]["digest"] == frozen.hash[:36]
    assert json.loads(given["dataset"]["profile"]) == {"num_rows": frozen.rows}


def test_a_server_that_dies_in_the_middle_is_named_and_nothing_else_breaks(story: Story) -> None:
    for code, complaint in (
        (story.facts["cut off code"], story.facts["cut off"]),
        (story.facts["away"].returncode, story.facts["away"].stderr),
    ):
        (line,) = complaint.splitlines()
        assert code == 1
        assert line.startswith(f"sutdol: MLflow at {story.server.address} does not answer")
        assert "MLFLOW_TRACKING_URI" in line
    assert story.facts["seconds"] < 60
    assert 5 <= story.facts["told"] < 31, "it died in the middle"
    assert story.facts["told when killed"] < 32, "we were killed in the middle"
    assert story.facts["went on"] == "guard-v3"


def test_status_and_doctor_say_that_the_server_is_away(story: Story) -> None:
    status = json.loads(story.facts["status"].stdout)
    checks = {one["name"]: one for one in json.loads(story.facts["doctor"].stdout)}

    assert (story.facts["status"].returncode, status["answers"]) == (1, False)
    assert status["left"] > 0
    assert checks["mlflow"]["state"] == "broken"
    assert "does not answer" in checks["mlflow"]["text"]


def test_status_of_a_server_that_answers(story: Story) -> None:
    status = json.loads(story.run("mlflow", "status", "--json", "-").stdout)

    assert status["server"] == story.server.address
    assert (status["answers"], status["trouble"], status["left"]) == (True, None, 0)
    assert status["told"]["version"] == len(story.stages["wiped"].ours.versions)


def test_what_answers_but_is_no_mlflow_is_said_so(story: Story) -> None:
    done = sutdol(story.home, f"{story.server.address}/health", "mlflow", "sync")
    _, err = done.communicate(timeout=120)

    assert done.returncode == 1
    assert "is no MLflow server" in err


def test_nothing_is_reported_to_the_makers_of_mlflow() -> None:
    code = (
        "import sutdol.storage.mlflow as ours; ours.connect('http://127.0.0.1:1');"
        "from mlflow.telemetry import get_telemetry_client; print(get_telemetry_client())"
    )
    done = subprocess.run(
        [BIN / "python", "-c", code], env=environment(), check=True, capture_output=True
    )

    assert done.stdout == b"None\n"
