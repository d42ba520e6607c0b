"""Every text within what was asked or answered, wherever it stands."""

from collections.abc import Container, Iterator


def texts_in(found: object, *, but: Container[str]) -> Iterator[str]:
    """In their order, without those that stand under one of these names.

    It does not call itself: JSON may be nested deeper than calls may be.
    """
    left = [found]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield from (one,) if one else ()
        elif isinstance(one, dict):
            left += [value for key, value in reversed(one.items()) if key not in but]
        elif isinstance(one, list):
            left += reversed(one)
