"""The fake model server's embeddings: vectors of length 1 that only the input's hash decides."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import ceil, hypot
from struct import pack, unpack

SIZE = 8  # numbers in a vector, unless asked for more or fewer; as many as one hash gives
UNFIT = "`input` must be a text, tokens, or a list of either."


def embeddings(body: Mapping[str, object], model: str) -> dict[str, object]:
    """The answer to a request for embeddings; `ValueError` if it is none."""
    inputs = _inputs(body.get("input"))
    size = body.get("dimensions") or SIZE
    if not isinstance(size, int) or size < 1:
        raise ValueError("`dimensions` must be a whole number above 0.")
    vectors = [_vector(one, size) for one in inputs]
    packed = body.get("encoding_format") == "base64"
    shown = [_packed(vector) for vector in vectors] if packed else vectors
    read = sum(len(one.split()) if isinstance(one, str) else len(one) for one in inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": embedding}
            for index, embedding in enumerate(shown)
        ],
        "model": str(body.get("model", model)),
        "usage": {"prompt_tokens": read, "total_tokens": read},
    }


def _inputs(given: object) -> list[str | list[int]]:
    """What is to be embedded: a text, tokens, or a list of either; `ValueError` if it is none."""
    single = isinstance(given, str) or bool(_tokens(given))
    match [given] if single else given:
        case [_, *_] as inputs:
            return [_input(one) for one in inputs]
    raise ValueError(UNFIT)


def _input(given: object) -> str | list[int]:
    if isinstance(given, str):
        return given
    tokens = _tokens(given)
    if tokens is None:
        raise ValueError(UNFIT)
    return tokens


def _tokens(given: object) -> list[int] | None:
    if not isinstance(given, list):
        return None
    tokens = [token for token in given if isinstance(token, int)]
    return tokens if len(tokens) == len(given) else None


def _vector(given: str | list[int], size: int) -> list[float]:
    text = json.dumps(given)  # tokens are no text that looks like them
    hashes = (sha256(f"{block} {text}".encode()).digest() for block in range(ceil(size / SIZE)))
    drawn = unpack(f"<{size}i", b"".join(hashes)[: 4 * size])
    length = hypot(*drawn)
    return [number / length for number in drawn]


def _packed(vector: Sequence[float]) -> str:
    return b64encode(pack(f"<{len(vector)}f", *vector)).decode()
