"""What a client asks: read once, and passed on with as little change as possible."""

import orjson
import pytest

from sutdol.chat.asked import Bad, Chat, Embedding, read

RAW = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"top_p":0.5}'


def chat(raw: bytes) -> Chat:
    return read(Chat, raw)


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b"{", None),
        (b"\xff\xfe", None),
        (b'{"messages":[{"role":"user","content":"hi"}]}', "model"),
        (b'{"model":"m","messages":[]}', "messages"),
        (b'{"model":"m","messages":[{"role":"king","content":"hi"}]}', "messages.0.role"),
        (b'{"model":"m","messages":"hi"}', "messages"),
        (b'{"model":"m","messages":[{"role":"user","content":"hi"}],"n":0}', "n"),
        (b'{"model":"m","messages":[{"role":"user","content":"hi"}],"n":1e9}', "n"),
        (b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":"x"}', "stream"),
    ],
)
def test_a_wrong_body_is_refused_with_the_place(raw: bytes, param: str | None) -> None:
    with pytest.raises(Bad) as refused:
        chat(raw)

    assert refused.value.param == param
    assert refused.value.status == 400


def test_an_error_never_repeats_what_was_sent() -> None:
    with pytest.raises(Bad) as refused:
        chat(b'{"model":"m","messages":[{"role":"my secret","content":"hi"}]}')

    assert "secret" not in str(refused.value)


def test_a_body_nested_without_end_is_refused() -> None:
    with pytest.raises(Bad):
        chat(b'{"model":"m","messages":' + b"[" * 100_000)


def test_text_is_what_all_parts_say() -> None:
    raw = orjson.dumps(
        {
            "model": "m",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "one"},
                        {"type": "image_url", "image_url": {"url": "http://x"}},
                        {"type": "text", "text": "two"},
                    ],
                }
            ],
        }
    )

    assert chat(raw).messages[0].text == "one\ntwo"


@pytest.mark.parametrize("given", ["hi", ["hi", "ho"], [1, 2], [[1, 2], [3]]])
def test_vectors_may_be_asked_for_in_four_forms(given: object) -> None:
    assert read(Embedding, orjson.dumps({"model": "m", "input": given})).input == given


@pytest.mark.parametrize("given", ["", [], None, 7])
def test_nothing_has_no_vector(given: object) -> None:
    with pytest.raises(Bad):
        read(Embedding, orjson.dumps({"model": "m", "input": given}))


@pytest.mark.parametrize(
    "body",
    [
        {"Messages": []},
        {"MODEL": "other"},
        {"messages": [{"role": "user", "content": "hi", "Content": "ho"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "Text": "b"}]}]},
    ],
)
def test_no_second_spelling_of_a_field_is_let_through(body: dict[str, object]) -> None:
    with pytest.raises(Bad, match="is called"):
        chat(orjson.dumps(orjson.loads(RAW) | body))


def test_every_text_of_a_message_is_read_wherever_it_stands() -> None:
    parts = [
        {"type": "refusal", "refusal": "one"},
        {"type": "text", "content": "two"},
        {"type": "file", "file": {"filename": "three", "file_data": "AAAA"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    body = {"model": "m", "messages": [{"role": "user", "name": "four", "content": parts}]}
    found = chat(orjson.dumps(body)).messages[0].strings.split("\n")

    assert sorted(found) == ["four", "one", "three", "two"]


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e400"])
def test_a_number_that_is_none_is_the_clients_mistake(number: bytes) -> None:
    with pytest.raises(Bad, match="no JSON"):
        chat(RAW[:-1] + b',"temperature":' + number + b"}")


@pytest.mark.parametrize("number", [str(2**64), str(-(2**63) - 1), "1" + "0" * 200])
def test_a_whole_number_that_could_not_be_passed_on_as_it_is_is_refused(number: str) -> None:
    with pytest.raises(Bad, match="64 bits"):
        chat(RAW[:-1] + b',"seed":[' + number.encode() + b"]}")


def test_so_is_one_of_more_digits_than_python_reads() -> None:
    with pytest.raises(Bad):
        chat(RAW[:-1] + b',"seed":[' + b"1" * 5_000 + b"]}")


def test_the_largest_numbers_and_long_rows_of_digits_are_taken() -> None:
    said = orjson.dumps({"user": "9" * 40, "low": -(2**63), "high": 2**64 - 1, "half": 0.5})

    assert chat(RAW[:-1] + b"," + said[1:]).model_extra == {"top_p": 0.5, **orjson.loads(said)}


def test_large_numbers_in_a_nest_without_end_are_refused_too() -> None:
    with pytest.raises(Bad):
        chat(RAW[:-1] + b',"a":' + b"[" * 1_000 + b"9" * 30 + b"]" * 1_000 + b"}")


@pytest.mark.parametrize(
    ("messages", "param", "what"),
    [
        ([{"role": "user", "content": 5}], "messages.0.content", "a valid string"),
        (
            [{"role": "user", "content": [{"type": "text", "text": 5}]}],
            "messages.0.content.0.text",
            "a valid string",
        ),
        (
            [{"role": "user", "content": [{"text": "hi"}]}],
            "messages.0.content.0.type",
            "field required",
        ),
        ([{"role": "user", "content": ["hi"]}], "messages.0.content.0", "an object"),
        (["hi"], "messages.0", "an object"),
    ],
)
def test_of_what_may_have_several_forms_the_place_that_is_wrong_is_told(
    messages: list[object], param: str, what: str
) -> None:
    with pytest.raises(Bad, match=what) as refused:
        chat(orjson.dumps({"model": "m", "messages": messages}))

    assert refused.value.param == param
    assert f"'{param}'" in str(refused.value)


def test_texts_nested_deeper_than_calls_may_be_are_read() -> None:
    nest = b"[" * 1_000 + b'"deep"' + b"]" * 1_000
    raw = b'{"model":"m","messages":[{"role":"user","content":"hi","more":' + nest + b"}]}"

    assert chat(raw).messages[0].strings == "hi\ndeep"
