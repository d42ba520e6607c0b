"""Hold back the end of a stream until the guard has read it. Pure: the caller asks the guard."""

from collections import deque
from dataclasses import dataclass

OVERLAP = 1_000
"""Characters before the new ones that are read again: an offence may lie across the border."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    raw: bytes
    ends: tuple[tuple[int, int], ...]  # (choice, length of its text with this event)


class Holding:
    """Events go in with what they say and come out once `window` more characters were read.

    `due` says whose text is to be read, and `read` that it was, and found good.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._waiting: deque[_Event] = deque()
        self._texts: dict[int, list[str]] = {}  # what is not read, and some of what is before it
        self._lengths: dict[int, int] = {}
        self._read: dict[int, int] = {}

    def take(self, raw: bytes, added: list[tuple[int, str]]) -> None:
        for choice, text in added:
            self._texts.setdefault(choice, []).append(text)
            self._lengths[choice] = self._lengths.get(choice, 0) + len(text)
        ends = tuple((choice, self._lengths[choice]) for choice, _ in added)
        self._waiting.append(_Event(raw=raw, ends=ends))

    @property
    def choices(self) -> list[int]:
        """Those that have said something."""
        return sorted(self._lengths)

    @property
    def waiting(self) -> list[bytes]:
        """The events that have not gone out."""
        return [one.raw for one in self._waiting]

    def due(self, *, at_end: bool = False) -> dict[int, str]:
        """By choice the text to be read now: what is new and some of what came before it."""
        least = 1 if at_end else self._window
        return {
            choice: "".join(self._texts[choice])
            for choice, length in self._lengths.items()
            if length - self._read.get(choice, 0) >= least
        }

    def read(self, choices: dict[int, str]) -> None:
        """All text so far of these choices was read."""
        for choice in choices:
            self._read[choice] = self._lengths[choice]
            self._texts[choice] = [choices[choice][-OVERLAP:]]

    def ready(self, *, at_end: bool = False) -> bytes:
        """The events that may go out, in their order."""
        kept = 0 if at_end else self._window
        out = []
        while self._waiting and self._may_go(self._waiting[0], kept):
            out.append(self._waiting.popleft().raw)
        return b"".join(out)

    def _may_go(self, event: _Event, kept: int) -> bool:
        return all(end <= self._read.get(choice, 0) - kept for choice, end in event.ends)
