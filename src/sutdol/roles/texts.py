"""Texts as a guard sees them: cut into windows, and read once however often they are judged."""

from collections.abc import Sequence
from dataclasses import dataclass

from sutdol.core.errors import BadInput
from sutdol.core.text.lexicon import EMPTY, Lexicon
from sutdol.core.text.reading import close, key_of, language, open_up, read, reading, shown
from sutdol.models.linear import Features, Row, row, stack

LONGEST = 5_000_000  # characters of one text
WINDOW, STRIDE = 600, 450  # a long text is as bad as its worst window: padding hides nothing


@dataclass(frozen=True, slots=True)
class Window:
    """The n-grams of a text, or of a part of a long one, and its language."""

    row: Row
    language: str


def windows(text: str) -> list[tuple[int, str]]:
    """Where each window of a text begins, and the window: of a short text the text itself.

    Windows hold as much as a reader sees, so letters that are padded with what shows as nothing
    stay together.
    """
    if len(text) <= WINDOW:
        return [(0, text)]
    if len(text) > LONGEST:
        raise BadInput(f"A text of {len(text):,} characters is too long; {LONGEST:,} are the most.")
    places = shown(text)
    starts = [places[at] for at in range(STRIDE, len(places) - WINDOW + STRIDE, STRIDE)]
    ends = [places[at] for at in range(WINDOW, len(places), STRIDE)]
    return [
        (start, text[start:end])
        for start, end in zip([0, *starts], [*ends, len(text)], strict=True)
    ]


def windows_read(text: str, lexicon: Lexicon) -> list[Window]:
    """All windows of a text that will not be asked about again."""
    found = [read(piece, lexicon) for _, piece in windows(text)]
    return [Window(row(one.views), language(one.normalised)) for one in found]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A window before the lexicon; `key` is that of its text."""

    text: str
    language: str
    key: str


class Texts:
    """Texts read before: battles and exams score the same ones with model after model.

    What no lexicon changes is kept by text, the n-grams by what was read. A text is trained on by
    its first window and scored by its worst. At most `MOST` texts, `MOST_LONG` long ones and
    `MOST_NGRAMS` n-grams (four bytes each) are kept, then all are forgotten.
    """

    MOST = 100_000
    MOST_LONG = 1_000
    MOST_NGRAMS = 80_000_000

    def __init__(self) -> None:
        self._opened: dict[str, _Opened] = {}
        self._rest: dict[str, list[_Opened]] = {}  # the other windows of long texts
        self._closed: dict[tuple[bytes, str], str] = {}
        self._rows: dict[str, Row] = {}
        self._ngrams = 0

    def features(self, texts: Sequence[str], lexicon: Lexicon) -> Features:
        """The first window of each text, to train on."""
        return stack([self._row(self._first(text), lexicon) for text in texts])

    def windows(self, texts: Sequence[str], lexicon: Lexicon) -> list[list[Window]]:
        """All windows of each text, to score it."""
        return [
            [Window(self._row(one, lexicon), one.language) for one in self._all(text)]
            for text in texts
        ]

    def opened(self, texts: Sequence[str]) -> list[str]:
        """The first window of each text as it is read before any lexicon."""
        return [self._first(text).text for text in texts]

    def languages(self, texts: Sequence[str]) -> list[str]:
        """Of the first window of each text."""
        return [self._first(text).language for text in texts]

    def key(self, text: str) -> str:
        """What disguised copies of a text share."""
        return self._first(text).key

    def _first(self, text: str) -> _Opened:
        known = self._opened.get(text)
        if known is None:
            known = _open(windows(text)[0][1], text)
            if len(self._opened) >= self.MOST:
                self._opened.clear()
            self._opened[text] = known
        return known

    def _all(self, text: str) -> list[_Opened]:
        if len(text) <= WINDOW:
            return [self._first(text)]
        known = self._rest.get(text)
        if known is None:
            known = [_open(piece, text) for _, piece in windows(text)[1:]]
            if len(self._rest) >= self.MOST_LONG:
                self._rest.clear()
            self._rest[text] = known
        return [self._first(text), *known]

    def _row(self, one: _Opened, lexicon: Lexicon) -> Row:
        normal = self._normal(one.text, lexicon)
        known = self._rows.get(normal)
        if known is None:
            known = row(reading(normal).views)
            self._ngrams += len(known[0])
            if self._ngrams > self.MOST_NGRAMS:
                self._rows.clear()
                self._ngrams = len(known[0])
            self._rows[normal] = known
        return known

    def _normal(self, opened: str, lexicon: Lexicon) -> str:
        asked = lexicon.digest, opened
        known = self._closed.get(asked)
        if known is None:
            known = close(opened, lexicon)
            if len(self._closed) >= self.MOST:
                self._closed.clear()
            self._closed[asked] = known
        return known


def _open(piece: str, text: str) -> _Opened:
    opened = open_up(piece)
    plain = reading(close(opened, EMPTY))
    return _Opened(text=opened, language=language(plain.normalised), key=key_of(plain, text))
