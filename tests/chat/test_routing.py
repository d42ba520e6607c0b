"""Which upstreams may answer for a model."""

import pytest

from sutdol.chat.routing import Served, Way, names, ways
from sutdol.core.errors import UnknownName


def served(name: str, *patterns: str, listed: set[str] | None = None, **rename: str) -> Served:
    return Served(
        upstream=name,
        patterns=patterns,
        rename=rename,
        listed=None if listed is None else frozenset(listed),
    )


def way(upstream: str, model: str, asked: str = "") -> Way:
    return Way(upstream=upstream, model=model, asked=asked or model)


def test_all_that_serve_it_in_their_order() -> None:
    table = [served("a", listed={"x"}), served("b", "y*"), served("c", "x", "z")]

    assert ways("x", table) == [way("a", "x"), way("c", "x")]
    assert ways("y-2", table) == [way("b", "y-2")]


def test_patterns_count_and_not_what_is_listed() -> None:
    assert ways("x", [served("a", "y", listed={"x"}), served("b", "x")]) == [way("b", "x")]


def test_another_name_for_another_upstream() -> None:
    table = [served("a", "javis"), served("b", javis="llama3.2")]

    assert ways("javis", table) == [way("a", "javis"), way("b", "llama3.2", "javis")]


def test_one_upstream_alone_can_be_asked_for() -> None:
    table = [served("a", listed={"x"}), served("b", listed={"x"})]

    assert ways("b/x", table) == [way("b", "x")]


def test_it_is_known_by_which_name_it_was_asked_of_an_upstream() -> None:
    table = [served("a", fast="qwen"), served("b", listed={"x"})]

    assert ways("a/fast", table) == [way("a", "qwen", "fast")]
    assert ways("b/x", table) == [way("b", "x", "x")]


def test_a_model_whose_own_name_has_a_slash_goes_first() -> None:
    table = [served("b", listed={"x"}), served("hub", listed={"b/x"})]

    assert ways("b/x", table) == [way("hub", "b/x")]


def test_an_upstream_that_does_not_say_what_it_serves_is_asked_where_nobody_else_does() -> None:
    table = [served("a", listed={"x"}), served("mute")]

    assert ways("y", table) == [way("mute", "y")]
    assert ways("x", table) == [way("a", "x")]


def test_a_model_nobody_has_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'llama3\.2'"):
        ways("lama3.2", [served("a", listed={"llama3.2"})])


def test_names_are_told_once_and_without_patterns() -> None:
    table = [
        served("a", "gpt-*", "solo", listed={"gpt-4", "other"}),
        served("b", listed={"gpt-4", "x"}, ours="x"),
    ]

    assert names(table) == ["solo", "gpt-4", "ours", "x"]
