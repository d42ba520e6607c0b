"""Plugins by explicit name, found by folder scan and by entry point."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Generic, TypeVar

from sutdol.core.errors import SutdolError, UnknownName

P = TypeVar("P")


class Registry(Generic[P]):
    """All plugins of one kind.

    Built-in plugins are the modules of the package `folder`; others come from the entry-point
    group `sutdol.<plural>`. Both are imported at the first look-up, not before.
    """

    def __init__(self, kind: str, folder: str, *, plural: str = "") -> None:
        self.kind, self.folder, self.plural = kind, folder, plural or f"{kind}s"
        self._plugins: dict[str, P] = {}
        self._loaded = False

    def add(self, name: str, plugin: P) -> None:
        if name in self._plugins:
            raise SutdolError(f"Two plugins call themselves {self.kind} '{name}'; rename one.")
        self._plugins[name] = plugin

    def __getitem__(self, name: str) -> P:
        self._load()
        try:
            return self._plugins[name]
        except KeyError:
            raise UnknownName(self.kind, name, self._plugins) from None

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._plugins))

    def values(self) -> list[P]:
        return [self[name] for name in self]

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True  # before: a plugin may ask for another while it is imported
        try:
            for module in iter_modules(import_module(self.folder).__path__):
                import_module(f"{self.folder}.{module.name}")
            for point in entry_points(group=f"sutdol.{self.plural}"):
                point.load()
        except BaseException:
            self._loaded = False  # else the next look-up would miss plugins without a word
            raise
