"""What a program asks for with OpenAI's client, scene by scene: `script.py URL OFFENCE SCENE...`.

It runs in `.clients`, knows nothing of Sutdol, and ends with an error where a client would.
`OPENAI_API_KEY` is the key; the model behind the server repeats the last message backwards.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import openai
from openai import AsyncOpenAI, DefaultAioHttpClient, OpenAI
from pydantic import BaseModel

MODEL = "fake"
SAID, BACK = "sharpen the old knife", "knife old the sharpen"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENER = "all is well today. " * 20
"""What the model of the server with a guarded output says before the offence."""


class Place(BaseModel):
    city: str
    people: int


def asking(text: str = SAID) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}]}


def raised(kind: type[openai.APIError], call: Callable[[], object]) -> Any:
    """The error, which is of this very kind."""
    try:
        call()
    except openai.APIError as error:
        found = error
    else:
        raise AssertionError(f"no {kind.__name__}")
    assert type(found) is kind, repr(found)
    return found


def whole(client: OpenAI, _: str) -> None:
    raw = client.chat.completions.with_raw_response.create(**asking(), temperature=0, n=2)
    answer = raw.parse()
    assert [one.message.content for one in answer.choices] == [BACK, BACK]
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id == raw.headers["x-request-id"]
    short = client.chat.completions.create(**asking(), max_completion_tokens=2)
    assert short.choices[0].finish_reason == "length"


def stream(client: OpenAI, _: str) -> None:
    chunks = list(client.chat.completions.create(**asking(), stream=True))
    assert "".join(one.choices[0].delta.content or "" for one in chunks) == BACK
    assert chunks[-1].choices[0].finish_reason == "stop"


def usage_of_a_stream(client: OpenAI, _: str) -> None:
    options = {"include_usage": True}
    *chunks, last = client.chat.completions.create(**asking(), stream=True, stream_options=options)
    assert all(one.choices and one.usage is None for one in chunks)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 4


def stream_helper(client: OpenAI, _: str) -> None:
    with client.chat.completions.stream(**asking()) as events:
        assert "".join(one.delta for one in events if one.type == "content.delta") == BACK
        assert events.get_final_completion().choices[0].message.content == BACK


def tools(client: OpenAI, _: str) -> None:
    known = [{"type": "function", "function": {"name": "weather", "parameters": CITY}}]
    messages: list[Any] = [{"role": "user", "content": "use the tool"}]
    asked = client.chat.completions.create(model=MODEL, messages=messages, tools=known)
    choice = asked.choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls or ()
    assert call.function.name == "weather"
    assert "city" in call.function.arguments
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny and warm"}
    told = client.chat.completions.create(
        model=MODEL, messages=[*messages, choice.message, result], tools=known
    )
    assert told.choices[0].message.content == "warm and sunny"


def tools_of_a_stream(client: OpenAI, _: str) -> None:
    known = [openai.pydantic_function_tool(Place)]
    with client.chat.completions.stream(**asking("use the tool"), tools=known) as events:
        (call,) = events.get_final_completion().choices[0].message.tool_calls or ()
    assert isinstance(call.function.parsed_arguments, Place)


def parse(client: OpenAI, _: str) -> None:
    parsed = client.chat.completions.parse(**asking(), response_format=Place)
    assert parsed.choices[0].message.parsed == Place(city=BACK, people=1)


def moderations(client: OpenAI, offence: str) -> None:
    told = client.moderations.create(input=["good morning", offence])
    good, bad = told.results
    assert not good.flagged
    assert bad.flagged
    assert bad.categories.profanity in (True, False)  # ours, beyond OpenAI's
    assert 0 <= bad.category_scores.hate <= 1
    assert bad.category_applied_input_types.violence == ["text"]
    named = client.moderations.create(model="omni-moderation-latest", input="good morning")
    assert not named.results[0].flagged


def embeddings(client: OpenAI, _: str) -> None:
    usual = client.embeddings.create(model=MODEL, input=["a knife", "a spoon"])
    plain = client.embeddings.create(
        model=MODEL, input=["a knife", "a spoon"], encoding_format="float"
    )
    for one, other in zip(usual.data, plain.data, strict=True):
        assert len(one.embedding) > 1
        assert max(abs(a - b) for a, b in zip(one.embedding, other.embedding, strict=True)) < 1e-6
    assert usual.usage.total_tokens > 0


def models(client: OpenAI, _: str) -> None:
    listed = {one.id for one in client.models.list()}
    assert listed
    for name in ("org/large", MODEL):
        assert client.models.retrieve(name).id == name


def responses(client: OpenAI, _: str) -> None:
    answer = client.responses.create(model=MODEL, input=SAID, instructions="Be kind.")
    assert answer.output_text == BACK
    assert answer.status == "completed"
    assert answer.usage is not None
    assert answer.usage.output_tokens == 4


def responses_stream(client: OpenAI, _: str) -> None:
    events = list(client.responses.create(model=MODEL, input=SAID, stream=True))
    assert [one.sequence_number for one in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    with client.responses.stream(model=MODEL, input=SAID) as helped:
        said = [one.delta for one in helped if one.type == "response.output_text.delta"]
        assert "".join(said) == helped.get_final_response().output_text == BACK


def responses_parse(client: OpenAI, _: str) -> None:
    parsed = client.responses.parse(model=MODEL, input=SAID, text_format=Place)
    assert parsed.output_parsed == Place(city=BACK, people=1)


def responses_tools(client: OpenAI, _: str) -> None:
    known: Any = [{"type": "function", "name": "weather", "parameters": CITY, "strict": False}]
    said: list[Any] = [{"role": "user", "content": "use the tool"}]
    asked = client.responses.create(model=MODEL, input=said, tools=known)
    (call,) = asked.output
    assert call.type == "function_call"
    assert call.name == "weather"
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny and warm"}
    told = client.responses.create(model=MODEL, input=[*said, call, result], tools=known)
    assert told.output_text == "warm and sunny"


def conversations(client: OpenAI, _: str) -> None:
    raw = client.chat.completions.with_raw_response.create(**asking("I am Kim"), store=True)
    name = raw.headers["x-sutdol-conversation"]
    on = client.responses.create(model=MODEL, input="who am I", conversation=name)
    assert on.output_text == "I am who"
    assert on.usage is not None
    assert on.usage.input_tokens == 9  # with what was said before


def files(client: OpenAI, _: str) -> None:
    sent = client.files.create(file=("notes.txt", b"one\r\ntwo\x00"), purpose="assistants")
    assert (sent.filename, sent.bytes, sent.purpose) == ("notes.txt", 9, "assistants")
    more = [client.files.create(file=(f"{n}.txt", b"x"), purpose="user_data") for n in range(3)]
    listed = [one.id for one in client.files.list(limit=2, order="asc")]  # page by page
    assert listed == [sent.id, *(one.id for one in more)]
    assert [one.id for one in client.files.list(purpose="assistants")] == [sent.id]
    assert client.files.retrieve(sent.id).filename == "notes.txt"
    assert client.files.content(sent.id).read() == b"one\r\ntwo\x00"
    assert client.files.wait_for_processing(sent.id).status == "processed"
    assert client.files.delete(sent.id).deleted
    gone = raised(openai.NotFoundError, lambda: client.files.retrieve(sent.id))
    assert gone.code == "file_not_found"


def asynchronous(client: OpenAI, _: str) -> None:
    asyncio.run(_at_once(str(client.base_url)))


async def _at_once(url: str) -> None:
    async with AsyncOpenAI(base_url=url, http_client=DefaultAioHttpClient()) as client:
        answers = await asyncio.gather(
            *(client.chat.completions.create(**asking(f"number {n}")) for n in range(20))
        )
        said = [one.choices[0].message.content for one in answers]
        assert said == [f"{n} number" for n in range(20)]
        chunks = await client.chat.completions.create(**asking(), stream=True)
        assert "".join([one.choices[0].delta.content or "" async for one in chunks]) == BACK
        left = await client.chat.completions.create(**asking(), stream=True)
        async with left:
            async for _ in left:
                break  # goes away in the middle


def wrong_key(client: OpenAI, _: str) -> None:
    error = raised(openai.AuthenticationError, client.with_options(api_key="x").models.list)
    assert (error.status_code, error.code) == (401, "invalid_api_key")
    assert error.request_id


def wrong_names(client: OpenAI, _: str) -> None:
    error = raised(openai.NotFoundError, lambda: client.models.retrieve("nobody"))
    assert error.code == "model_not_found"
    chats = client.chat.completions
    error = raised(openai.NotFoundError, lambda: chats.create(**asking() | {"model": "fak"}))
    assert "Did you mean 'fake'?" in error.message
    error = raised(openai.BadRequestError, lambda: chats.create(model=MODEL, messages=[]))
    assert (error.param, error.type) == ("messages", "invalid_request_error")


def not_allowed(client: OpenAI, _: str) -> None:
    error = raised(
        openai.PermissionDeniedError, lambda: client.post("/../api/v1/users", cast_to=object)
    )
    assert error.type == "permission_error"


def blocked_input(client: OpenAI, offence: str) -> None:
    for call in (
        lambda: client.chat.completions.create(**asking(offence)),
        lambda: client.chat.completions.create(**asking(offence), stream=True),
        lambda: client.responses.create(model=MODEL, input=offence),
    ):
        error = raised(openai.BadRequestError, call)
        assert error.code == "content_filter"
        assert offence not in str(error)


def too_often(client: OpenAI, _: str) -> None:
    """A key that may ask sixty times a minute: the client waits a second, as it is told to."""
    hasty = client.with_options(max_retries=0)

    def ask_on() -> None:
        for _ in range(200):
            hasty.models.list()

    error = raised(openai.RateLimitError, ask_on)
    assert error.code == "rate_limit_exceeded"
    told = int(error.response.headers["retry-after-ms"]) / 1000
    assert 0 < told <= 1
    start = time.monotonic()
    client.with_options(max_retries=1).models.list()  # by itself it would wait half a second
    assert time.monotonic() - start > 0.8 * told


def broken_stream(client: OpenAI, _: str) -> None:
    said: list[str] = []
    error = raised(openai.APIError, lambda: said.extend(_spoken(client)))
    assert "broke off" in error.message


def guarded_error(client: OpenAI, offence: str) -> None:
    """The guard reads what the model says, and ends it with an error."""
    chats = client.chat.completions
    error = raised(openai.BadRequestError, lambda: chats.create(**asking()))
    assert error.code == "content_filter"
    said: list[str] = []

    def listen() -> None:
        for one in chats.create(**asking(), stream=True):
            said.extend(choice.delta.content or "" for choice in one.choices)

    error = raised(openai.APIError, listen)
    assert error.code == "content_filter"
    assert OPENER.startswith("".join(said))


def guarded_refusal(client: OpenAI, offence: str) -> None:
    """The guard reads what the model says, and says no in its place."""
    chats = client.chat.completions
    (choice,) = chats.create(**asking()).choices
    assert choice.finish_reason == "content_filter"
    assert "blocked the output" in (choice.message.content or "")
    chunks = list(chats.create(**asking(), stream=True))
    said = "".join(choice.delta.content or "" for one in chunks for choice in one.choices)
    assert OPENER.startswith(said)
    assert chunks[-1].choices[0].finish_reason == "content_filter"
    try:
        chats.parse(**asking(), response_format=Place)
    except openai.ContentFilterFinishReasonError:
        return
    raise AssertionError("a refusal was taken for an answer")


def guarded_responses(client: OpenAI, offence: str) -> None:
    answer = client.responses.create(model=MODEL, input=SAID)
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "content_filter"
    *_, last = client.responses.create(model=MODEL, input=SAID, stream=True)
    assert last.type == "response.incomplete"
    assert offence not in last.response.output_text


def _spoken(client: OpenAI) -> list[str]:
    chunks = client.chat.completions.create(**asking(), stream=True)
    return [one.choices[0].delta.content or "" for one in chunks if one.choices]


def main() -> None:
    url, offence, *scenes = sys.argv[1:]
    with OpenAI(base_url=f"{url}/v1") as client:
        for scene in scenes:
            globals()[scene](client, offence)
            print(f"passed {scene}", flush=True)


if __name__ == "__main__":
    main()
