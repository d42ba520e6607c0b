"""`sutdol loop export`: a snapshot as a file that is the same whenever it is written."""

import gzip
import json
from hashlib import md5
from pathlib import Path

import pytest
from tests.cli.conftest import Program


@pytest.fixture
def snapshot(sutdol: Program, home: Path) -> str:
    """What the champion learned from."""
    found = sutdol("loop", "lineage", "guard-v1", "--json", "-").json
    return str(found["ancestors"][0]["snapshot"])


def test_a_snapshot_is_exported_with_all_its_rows(
    sutdol: Program, snapshot: str, tmp_path: Path
) -> None:
    done = sutdol("loop", "export", snapshot, "--to", tmp_path / "new", "--json", "-").json

    rows = gzip.decompress(Path(done["file"]).read_bytes()).splitlines()
    assert Path(done["file"]) == tmp_path / "new" / f"{snapshot}.jsonl.gz"
    assert len(rows) == done["rows"] > 100
    assert {"id", "input", "target", "source"} <= set(json.loads(rows[0]))


def test_a_pointer_for_dvc_is_written_on_request(
    sutdol: Program, snapshot: str, tmp_path: Path
) -> None:
    shown = sutdol("loop", "export", snapshot, "--to", tmp_path, "--dvc").out

    file, pointer = (Path(line) for line in shown.splitlines())
    content = file.read_bytes()
    assert pointer.read_text() == (
        f"outs:\n- md5: {md5(content).hexdigest()}\n  size: {len(content)}\n"
        f"  hash: md5\n  path: \n    {file.name}\n"
    )


def test_without_the_wish_there_is_no_pointer(
    sutdol: Program, snapshot: str, tmp_path: Path
) -> None:
    sutdol("loop", "export", snapshot, "--to", tmp_path / "new")

    assert [file.name for file in (tmp_path / "new").iterdir()] == [f"{snapshot}.jsonl.gz"]


def test_an_unknown_snapshot_is_said_so(sutdol: Program, home: Path) -> None:
    done = sutdol("loop", "export", "abc")

    assert done.code == 2
    assert done.complaint.startswith("sutdol: No snapshot named 'abc'.")
