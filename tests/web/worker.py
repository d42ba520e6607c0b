"""A worker beside the browser of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from sutdol.app import Sutdol
from sutdol.flows import engine


@contextmanager
def working(sutdol: Sutdol) -> Iterator[None]:
    """It has a thread of its own: in the test's it would borrow the loop of the browser."""
    ready, over = Event(), Event()

    def work() -> None:
        with engine(sutdol):
            ready.set()
            over.wait()

    thread = Thread(target=work)
    thread.start()
    try:
        assert ready.wait(20)
        yield
    finally:
        over.set()
        thread.join()
