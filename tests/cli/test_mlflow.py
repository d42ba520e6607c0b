"""`sutdol mlflow` where it cannot work: it says what to do. With a server: tests/mlflow."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.cli.conftest import Program

COMMANDS = [("sync",), ("status",)]


@pytest.mark.parametrize("command", COMMANDS)
def test_without_an_address_it_says_how_to_give_one(
    sutdol: Program, empty_home: Path, command: tuple[str, ...]
) -> None:
    done = sutdol("mlflow", *command)

    assert done.code == 1
    assert "start one with `mlflow server`" in done.complaint
    assert "MLFLOW_TRACKING_URI" in done.complaint


@pytest.mark.parametrize(
    "address", ["sqlite:///mlflow.db", "databricks", "./mlruns", "http://", "http://[::1"]
)
def test_an_address_that_is_no_server_is_refused(
    sutdol: Program, empty_home: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    done = sutdol("mlflow", "sync")

    assert done.code == 2
    assert "names no server: start one with `mlflow server`" in done.complaint


@pytest.mark.skipif(find_spec("mlflow") is not None, reason="MLflow is installed here")
def test_without_the_package_it_says_how_to_install_it(
    sutdol: Program, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://someone:secret@127.0.0.1:9")
    done = sutdol("mlflow", "sync")

    assert done.code == 1
    assert done.complaint == (
        "sutdol: The MLflow mirror needs an extra: pip install 'sutdol[mlflow]'"
    )


def test_the_doctor_knows_that_there_is_no_mirror(sutdol: Program, empty_home: Path) -> None:
    checks = {one["name"]: one for one in sutdol("doctor", "--json", "-").json}

    assert checks["mlflow"]["state"] == "absent"


def test_the_doctor_shows_no_password(
    sutdol: Program, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://someone:secret@127.0.0.1:9")
    done = sutdol("doctor")

    assert "mlflow" in done.out
    assert "secret" not in done.out + done.err
