"""Two carriers for the same pipeline: a plain string for speed, a traced one for spans.

The views are written once against `Carrier`; a contract test holds both carriers to the same
text, so an offset can never belong to another normalisation than the one that was scored.
"""

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Protocol, Self

import numpy as np

Replacement = str | Callable[[re.Match[str]], str]


class Carrier(Protocol):
    """A text under way through the pipeline."""

    @property
    def text(self) -> str: ...

    def fold(self, table: Mapping[int, str]) -> Self:
        """Replace each character by what the table says."""

    def sub(self, pattern: re.Pattern[str], replacement: Replacement) -> Self:
        """`re.sub`; what replaces a match stands for all of it."""

    def squeeze(self) -> Self:
        """Each run of one character becomes that character once."""

    def whole(self, pattern: re.Pattern[str]) -> Self:
        """Each match stands for all of itself, as after `sub`, but nothing is replaced."""

    def reverse(self, pattern: re.Pattern[str]) -> Self:
        """Turn group 1 of each match around and drop the rest of the match."""


class Plain:
    """Only the text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def fold(self, table: Mapping[int, str]) -> "Plain":
        return Plain(self.text.translate(table))

    def sub(self, pattern: re.Pattern[str], replacement: Replacement) -> "Plain":
        return Plain(pattern.sub(replacement, self.text))

    def squeeze(self) -> "Plain":
        # several times as fast as `groupby`
        codes = np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        first = np.ones(len(codes), dtype=bool)
        np.not_equal(codes[1:], codes[:-1], out=first[1:])
        return Plain(codes[first].tobytes().decode("utf-32-le", "surrogatepass"))

    def whole(self, pattern: re.Pattern[str]) -> "Plain":
        return self

    def reverse(self, pattern: re.Pattern[str]) -> "Plain":
        return Plain(pattern.sub(lambda match: match.group(1)[::-1], self.text))


Span = tuple[int, int]


class Traced:
    """The text, and for each of its characters the span of the original it came from."""

    __slots__ = ("spans", "text")

    def __init__(self, text: str, spans: list[Span] | None = None) -> None:
        self.text = text
        self.spans = [(i, i + 1) for i in range(len(text))] if spans is None else spans

    def fold(self, table: Mapping[int, str]) -> "Traced":
        parts: list[str] = []
        spans: list[Span] = []
        for character, span in zip(self.text, self.spans, strict=True):
            folded = table[ord(character)]
            parts.append(folded)
            spans += [span] * len(folded)
        return Traced("".join(parts), spans)

    def sub(self, pattern: re.Pattern[str], replacement: Replacement) -> "Traced":
        return self._rebuild(
            pattern,
            lambda match: (
                made := replacement(match) if callable(replacement) else match.expand(replacement),
                [self.span(match.start(), match.end())] * len(made),
            ),
        )

    def squeeze(self) -> "Traced":
        runs = [list(run) for _, run in groupby(range(len(self.text)), self.text.__getitem__)]
        spans = [self.span(run[0], run[-1] + 1) for run in runs]
        return Traced("".join(self.text[run[0]] for run in runs), spans)

    def whole(self, pattern: re.Pattern[str]) -> "Traced":
        return self.sub(pattern, lambda match: match.group())

    def reverse(self, pattern: re.Pattern[str]) -> "Traced":
        return self._rebuild(
            pattern,
            lambda match: (match.group(1)[::-1], self.spans[match.start(1) : match.end(1)][::-1]),
        )

    def span(self, start: int, end: int) -> Span:
        """The part of the original that text[start:end] came from."""
        inside = self.spans[start:end]
        return (min(s for s, _ in inside), max(e for _, e in inside)) if inside else (0, 0)

    def _rebuild(
        self,
        pattern: re.Pattern[str],
        make: Callable[[re.Match[str]], tuple[str, list[Span]]],
    ) -> "Traced":
        parts: list[str] = []
        spans: list[Span] = []
        last = 0
        for match in pattern.finditer(self.text):
            made, made_spans = make(match)
            parts += [self.text[last : match.start()], made]
            spans += self.spans[last : match.start()] + made_spans
            last = match.end()
        return Traced("".join([*parts, self.text[last:]]), spans + self.spans[last:])
