"""The model that serves: the champion, loaded once and exchanged when the alias moves."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from sutdol.core.errors import Corrupted, NotReady
from sutdol.loop.workshop import Workshop
from sutdol.storage import files, prune, versions
from sutdol.storage.versions import Version

M = TypeVar("M")


def load(shop: Workshop[M], version: Version) -> M:
    """A version's model, proven to be the bytes that were written."""
    folder = shop.home / version.path
    if not folder.exists():
        with shop.db.read() as tx:
            prune.require_kept(tx, version)
    files.verify(folder, version.checksum)
    return shop.role.load(folder, version.id)


def champion(shop: Workshop[M]) -> Version:
    """The version that reigns; `NotReady` without one."""
    with shop.db.read() as tx:
        name = versions.alias(tx, shop.role.name, "champion")
        if name is None:
            raise NotReady(
                f"There is no {shop.role.name} yet: run `sutdol {shop.role.name} train`"
                " or `sutdol demo`."
            )
        return versions.get(tx, name)


def loads(shop: Workshop[M], version: Version) -> bool:
    """Whether the version's model is there, whole, and one this release can read."""
    if not (shop.home / version.path).exists():
        return False
    try:
        load(shop, version)
    except Corrupted:
        return False
    return True


class Live(Generic[M]):
    """Calling it gives the champion's model; it asks the alias each time, loads only on change."""

    def __init__(self, shop: Workshop[M]) -> None:
        self._shop = shop
        self._loaded: tuple[str, M] | None = None

    def __call__(self) -> M:
        version = champion(self._shop)
        if self._loaded is None or self._loaded[0] != version.id:
            self._loaded = version.id, load(self._shop, version)
        return self._loaded[1]

    @property
    def version(self) -> str:
        """The champion's id."""
        return champion(self._shop).id


class Held(Generic[M]):
    """Calling it gives the champion's model as it was at the last look, without asking anybody.

    For what must answer at once: somebody looks from time to time. `prepare` gets a new model
    before it takes the old one's place, which serves on meanwhile.
    """

    def __init__(self, live: Live[M], prepare: Callable[[M], object] | None = None) -> None:
        self._live, self._prepare = live, prepare
        self._model: M | None = None
        self._looking = Lock()

    def __call__(self) -> M:
        if self._model is None:
            raise NotReady("There is no model yet, or none that loads: somebody looks for one.")
        return self._model

    def look(self) -> M:
        """The champion of now; one that does not load leaves the one before in its place."""
        with self._looking:  # else who looked first and prepared longer would have the last word
            model = self._live()
            if self._prepare is not None and model is not self._model:
                self._prepare(model)
            self._model = model
            return model
