"""What a client asked goes on to an upstream: all of it, and nothing that nobody here has read."""

import json

import orjson
import pytest

from sutdol.chat.asked import Bad, Chat, parsed, taken
from sutdol.chat.passed import OURS, Passed, passed

RAW = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"top_p":0.5}'


def sent(raw: bytes, *, model: str = "m", count: bool = True) -> Passed:
    body = parsed(raw)
    return passed(body, taken(Chat, body), model=model, count=count)


def more(fields: bytes) -> bytes:
    return RAW[:-1] + b"," + fields + b"}"


def test_all_that_was_asked_is_passed_on() -> None:
    raw = more(b'"seed":18446744073709551615,"x":{"y":[1.5,null,"\\u00e9"]},"temperature":1.0')

    made = sent(raw).body

    assert orjson.loads(made) == orjson.loads(raw)
    assert b"18446744073709551615" in made
    assert b'"temperature":1.0' in made


def test_an_upstreams_own_name_of_the_model_is_put_in() -> None:
    assert orjson.loads(sent(RAW, model="other").body) == orjson.loads(RAW) | {"model": "other"}


@pytest.mark.parametrize("wish", [b"", b',"stream_options":{}', b',"stream_options":null'])
def test_a_stream_is_asked_to_count_and_the_count_is_taken_out_again(wish: bytes) -> None:
    raw = more(b'"stream":true' + wish)

    made = sent(raw)

    wanted = orjson.loads(raw) | {"stream_options": {"include_usage": True}}
    assert orjson.loads(made.body) == wanted
    assert made.strip_usage


def test_a_count_that_the_client_wants_stays() -> None:
    raw = more(b'"stream":true,"stream_options":{"include_usage": true, "x": 1}')

    made = sent(raw)

    assert orjson.loads(made.body) == orjson.loads(raw)
    assert not made.strip_usage


def test_a_count_that_the_client_does_not_want_is_asked_for_all_the_same() -> None:
    made = sent(more(b'"stream":true,"stream_options":{"include_usage":false,"x":1}'))

    assert orjson.loads(made.body)["stream_options"] == {"include_usage": True, "x": 1}
    assert made.strip_usage


@pytest.mark.parametrize("wish", [b"", b',"stream_options":{"include_usage":true}'])
def test_an_upstream_that_cannot_count_is_not_asked_to(wish: bytes) -> None:
    made = sent(more(b'"stream":true' + wish), count=False)

    assert "stream_options" not in orjson.loads(made.body)
    assert not made.strip_usage


def test_what_was_said_before_goes_first() -> None:
    body = parsed(RAW)
    made = passed(
        body, taken(Chat, body), model="m", before=[{"role": "user", "content": "before"}]
    )

    messages = orjson.loads(made.body)["messages"]
    assert [one["content"] for one in messages] == ["before", "hi"]


def test_what_is_obeyed_here_is_not_passed_on() -> None:
    made = sent(more(b'"store":true,"metadata":{"a":"b"},"conversation":"conv_1"'))

    assert not set(OURS) & set(orjson.loads(made.body))


def pairs(raw: bytes) -> list[tuple[str, object]]:
    """Every field of the JSON with its value, those that are there twice as often."""
    found: list[tuple[str, object]] = []
    json.loads(raw, object_pairs_hook=lambda one: found.extend(one) or dict(one))
    return found


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"m","messages":[{"role":"user","content":"bad"}],"messages":[{"role":"user","content":"a"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"bad","content":"a"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"bad","\\u0063ontent":"a"}]}',
        b'{"model":"bad","messages":[{"role":"user","content":"a"}],"model":"m"}',
        b'{"model":"bad","messages":[{"role":"user","content":"a"}],"mod\\u0065l":"m"}',
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"bad","text":"a"}]}]}',
        b'{"model":"m","messages":[{"role":"user","content":"a","name":"bad","name":"b"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"a"}],"n":7,"n":1,"max_tokens":7,"max_tokens":1}',
        b'{"model":"m","messages":[{"role":"user","content":"a"}],"stop":["bad"],"stop":[]}',
        b'{"model":"m","messages":[{"role":"user","content":"a","x":{"y":"bad","y":"b"}}]}',
    ],
)
def test_of_a_field_that_is_there_twice_only_what_was_read_is_sent(raw: bytes) -> None:
    made = sent(raw).body

    assert len(pairs(made)) < len(pairs(raw))
    assert b"bad" not in made
    assert b"7" not in made


def test_what_is_read_is_what_is_sent() -> None:
    part = b'{"type":"text","text":"bad","text":"a"}'
    body = parsed(b'{"model":"m","messages":[{"role":"user","content":[' + part + b"]}]}")

    assert taken(Chat, body).messages[0].strings == "a"
    assert b'"text":"a"' in passed(body, taken(Chat, body), model="m").body


def test_what_is_nested_too_deeply_to_be_written_is_refused() -> None:
    with pytest.raises(Bad, match="too deeply"):
        sent(more(b'"x":' + b"[" * 500 + b"]" * 500))
