"""The registry: plugins of a folder and of other packages, imported when first asked for."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sutdol.core.errors import SutdolError, UnknownName
from sutdol.core.registry import Registry

# A plugin reaches its registry through a module, as real ones do.
KIND = """
from sutdol.core.registry import Registry

WHISTLES: Registry[str] = Registry("whistle", "{name}.whistles")
"""
PLUGIN = """
from {name}.kind import WHISTLES

WHISTLES.add("{plugin}", "{sound}")
"""

Make = Callable[..., "Registry[str]"]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """`make(loud="tweet")`: the registry of a package of its own with one plugin file each."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def made(name: str = "brass", **plugins: str) -> Registry[str]:
        folder = tmp_path / name / "whistles"
        folder.mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
        (folder / "__init__.py").touch()
        (tmp_path / name / "kind.py").write_text(KIND.format(name=name))
        for plugin, sound in plugins.items():
            text = PLUGIN.format(name=name, plugin=plugin, sound=sound)
            (folder / f"{plugin}.py").write_text(text)
        module = __import__(f"{name}.kind", fromlist=["WHISTLES"])
        registry: Registry[str] = module.WHISTLES
        return registry

    yield made
    for module in set(sys.modules) - before:
        del sys.modules[module]


def test_the_files_of_its_folder_are_its_plugins_in_order(make: Make) -> None:
    registry = make(soft="peep", loud="tweet")
    assert list(registry) == ["loud", "soft"]
    assert registry["soft"] == "peep"
    assert registry.values() == ["tweet", "peep"]


def test_nothing_is_imported_before_the_first_question(make: Make) -> None:
    registry = make("lazy", loud="tweet")
    assert "lazy.whistles.loud" not in sys.modules
    assert registry["loud"] == "tweet"
    assert "lazy.whistles.loud" in sys.modules


def test_an_unknown_plugin_suggests_the_nearest(make: Make) -> None:
    with pytest.raises(UnknownName, match=r"No whistle named 'laud'\. Did you mean 'loud'"):
        make(loud="tweet")["laud"]


def test_two_plugins_of_one_name_are_refused(make: Make) -> None:
    registry = make(loud="tweet")
    assert registry["loud"] == "tweet"
    with pytest.raises(SutdolError, match="Two plugins call themselves whistle 'loud'"):
        registry.add("loud", "honk")
    assert registry["loud"] == "tweet"


def test_an_installed_package_brings_its_own(make: Make, tmp_path: Path) -> None:
    registry = make("band", loud="tweet")
    (tmp_path / "guests.py").write_text(PLUGIN.format(name="band", plugin="guest", sound="toot"))
    installed = tmp_path / "guests-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: guests\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[sutdol.whistles]\nguest = guests\n")
    assert list(registry) == ["guest", "loud"]


def test_a_broken_plugin_breaks_every_question_not_only_the_first(
    make: Make, tmp_path: Path
) -> None:
    registry = make("cracked", loud="tweet", zinc="ting")
    (tmp_path / "cracked" / "whistles" / "mute.py").write_text("raise RuntimeError('no air')")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no air"):
            registry["loud"]
