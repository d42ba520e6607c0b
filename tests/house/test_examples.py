"""The settings that the documentation shows are settings that Sutdol reads."""

import re
from pathlib import Path

import pytest

from sutdol.core.settings import Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"^```yaml\n(# sutdol\.yaml\n.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(found[1], id=f"{page.stem}-{number}")
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for number, found in enumerate(EXAMPLE.finditer(page.read_text(encoding="utf-8")), 1)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_settings_can_be_read(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r"\$\{(\w+)\}", example):
        monkeypatch.setenv(name, "x")
    (tmp_path / "sutdol.yaml").write_text(example, encoding="utf-8")

    assert Settings.load().model_fields_set
