"""The fake model server's embeddings: of what, in which forms, always the same."""

from base64 import b64decode
from math import hypot
from struct import unpack
from typing import Any

import pytest

from sutdol.models.fake_vectors import embeddings


def embedded(body: dict[str, object]) -> Any:
    """The answer to a request for embeddings, as its JSON has it."""
    return embeddings(body, "m")


@pytest.mark.parametrize(
    ("given", "count", "read"),
    [("a b", 1, 2), (["a b", "c"], 2, 3), ([5, 6, 7], 1, 3), ([[5], [6, 7]], 2, 3)],
)
def test_embeds_texts_and_tokens(given: object, count: int, read: int) -> None:
    answer = embedded({"input": given})
    vectors = [one["embedding"] for one in answer["data"]]
    assert (answer["object"], answer["model"]) == ("list", "m")
    assert [one["index"] for one in answer["data"]] == list(range(count))
    assert [len(vector) for vector in vectors] == [8] * count
    assert all(hypot(*vector) == pytest.approx(1) for vector in vectors)
    assert len({tuple(vector) for vector in vectors}) == count
    assert answer["usage"] == {"prompt_tokens": read, "total_tokens": read}


def test_the_same_text_has_the_same_vector_in_each_form_and_place() -> None:
    body: dict[str, object] = {"dimensions": 20}
    numbers = embedded(body | {"input": "knife"})["data"][0]["embedding"]
    packed = embedded(body | {"input": ["x", "knife"], "encoding_format": "base64"})
    assert len(numbers) == 20
    assert unpack("<20f", b64decode(packed["data"][1]["embedding"])) == pytest.approx(numbers)


def test_a_vector_is_the_same_in_every_version() -> None:
    first, *_ = embedded({"input": "knife"})["data"][0]["embedding"]
    assert first == pytest.approx(0.2246533068628975)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": []},
        {"input": 5},
        {"input": ["a", 5]},
        {"input": [5, "a"]},
        {"input": [[5, "a"]]},
        {"input": "a", "dimensions": -1},
        {"input": "a", "dimensions": "8"},
    ],
)
def test_embeds_neither_less_nor_else(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        embedded(body)
