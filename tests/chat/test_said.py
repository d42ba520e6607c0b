"""Answers taken apart: whatever field a model says something in."""

import pytest

from sutdol.chat import said


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": "bad"}},
        {"message": {"refusal": "bad"}},
        {"message": {"content": [{"type": "text", "text": "bad"}]}},
        {"message": {"content": "a", "reasoning_content": "bad"}},
        {"message": {"tool_calls": [{"function": {"name": "f", "arguments": '{"a":"bad"}'}}]}},
        {"text": "bad"},
    ],
)
def test_whatever_an_answer_says_is_read(choice: dict[str, object]) -> None:
    assert "bad" in "".join(said.texts({"choices": [choice]}))


def test_marks_of_the_form_are_no_words() -> None:
    choice = {"message": {"role": "assistant", "content": None}, "finish_reason": "stop"}

    assert said.texts({"choices": [choice]}) == []


@pytest.mark.parametrize("more", ["", ', "prompt_tokens_details": {"cached_tokens": 0}'])
def test_the_usage_of_a_long_answer_is_found_at_its_end(more: str) -> None:
    body = f'{{"data": [{"0.1, " * 5_000}], "usage": {{"prompt_tokens": 7{more}}}}}'.encode()

    usage = said.usage_at_end(body)

    assert usage is not None
    assert usage["prompt_tokens"] == 7
