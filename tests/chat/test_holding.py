"""The end of a stream waits for the guard."""

from hypothesis import given
from hypothesis import strategies as st

from sutdol.chat.holding import Holding


def test_nothing_goes_out_that_was_not_read_with_what_follows_it() -> None:
    holding = Holding(10)
    holding.take(b"1", [(0, "12345")])
    assert holding.due() == {}
    assert holding.ready() == b""
    holding.take(b"2", [(0, "67890abcde")])
    due = holding.due()
    assert due == {0: "1234567890abcde"}
    holding.read(due)

    assert holding.ready() == b"1"
    assert holding.due(at_end=True) == {}
    assert holding.ready(at_end=True) == b"2"


def test_each_choice_is_read_for_itself_and_the_order_stays() -> None:
    holding = Holding(4)
    holding.take(b"a", [(0, "aaaa")])
    holding.take(b"b", [(1, "b")])
    holding.take(b"c", [(0, "aaaa")])
    due = holding.due()
    assert set(due) == {0}
    holding.read(due)
    assert holding.ready() == b"a"
    rest = holding.due(at_end=True)
    assert set(rest) == {1}
    holding.read(rest)

    assert holding.ready(at_end=True) == b"bc"


@given(st.lists(st.text(min_size=1, max_size=30), max_size=40), st.integers(1, 50))
def test_whatever_comes_the_end_is_held_back_and_all_goes_out_at_last(
    pieces: list[str], window: int
) -> None:
    holding, sent, taken = Holding(window), b"", 0
    for piece in pieces:
        holding.take(f"{len(piece)};".encode(), [(0, piece)])
        taken += len(piece)
        holding.read(holding.due())
        sent += holding.ready()
        assert sum(int(one) for one in sent.decode().split(";") if one) <= max(0, taken - window)
    holding.read(holding.due(at_end=True))
    sent += holding.ready(at_end=True)

    assert sent.decode() == "".join(f"{len(one)};" for one in pieces)
