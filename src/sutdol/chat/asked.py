"""What a client asks of a model: read once, refused with the place where it is wrong."""

import json
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from sutdol.chat.words import texts_in
from sutdol.core.errors import BadInput

Body = dict[str, Any]
Speaker = Literal["system", "developer", "user", "assistant", "tool", "function"]


class Bad(BadInput):
    """A field of the body is wrong; `param` says which."""

    status = 400

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class Piece(BaseModel):
    """One part of a message, such as text or the address of a picture."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str | None = None


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: Speaker
    content: str | list[Piece] | None = None

    @property
    def text(self) -> str:
        """All that is said, without pictures and sound."""
        if isinstance(self.content, list):
            return "\n".join(one.text for one in self.content if one.text)
        return self.content or ""

    @property
    def strings(self) -> str:
        """Every text in it, wherever it stands, but for addresses and encoded pictures or sound."""
        if isinstance(self.content, str) and not self.model_extra:
            return self.content
        parts = self.content
        said = [dict(one) for one in parts] if isinstance(parts, list) else parts
        return "\n".join(texts_in([said, self.model_extra], but=BINARY))


BINARY = ("url", "data", "image_url", "input_audio", "file_data", "tool_call_id", "id", "type")


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class Chat(BaseModel):
    """The body of a chat; what is not named here is passed on as it stands."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1, max_length=200)
    messages: list[Message] = Field(min_length=1, max_length=20_000)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=None, ge=1, le=128)
    max_tokens: int | None = Field(default=None, ge=0)
    max_completion_tokens: int | None = Field(default=None, ge=0)
    store: bool | None = None
    conversation: str | None = Field(default=None, min_length=1, max_length=64)

    @model_validator(mode="after")
    def _clear(self) -> "Chat":
        _require_clear(self)
        for one in self.messages:
            _require_clear(one)
            for piece in one.content if isinstance(one.content, list) else ():
                _require_clear(piece)
        return self

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens


class Embedding(BaseModel):
    """The body of a question for vectors."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1, max_length=200)
    input: str | list[str] | list[int] | list[list[int]] = Field(min_length=1)

    @model_validator(mode="after")
    def _clear(self) -> "Embedding":
        _require_clear(self)
        return self


def _require_clear(body: BaseModel) -> None:
    """Refuse a field that differs from one of ours by its case alone.

    Some servers do not tell them apart: they would obey what nobody here has read.
    """
    known = type(body).model_fields
    for name in body.model_extra or ():
        if name not in known and name.casefold() in known:
            raise ValueError(f"The field is called '{name.casefold()}' and not '{name}'")


B = TypeVar("B", bound=BaseModel)


def read(kind: type[B], raw: bytes) -> B:
    """The body; `Bad` names the field that is wrong, and never repeats what it holds."""
    return taken(kind, parsed(raw))


def parsed(raw: bytes) -> Body:
    """The body as JSON, of names that are there twice the last."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Bad(f"The body is no JSON: {error.msg}, at {place}.") from None
    if not isinstance(found, dict):
        raise Bad("The body is no JSON object.")
    if LONG in raw.translate(AS_DIGITS):
        _require_small_numbers(raw)
    return found


AS_DIGITS = bytes(b" 0"[code in b"0123456789"] for code in range(256))
LONG = b"0" * 19
"""Any number of 19 digits, the fewest that may need more than 64 bits, once digits are all alike:
to look for it so takes a tenth of the time of a pattern.
"""


def _require_small_numbers(raw: bytes) -> None:
    """Larger ones were read as the nearest fraction: nothing is passed on that was not said."""
    try:
        json.loads(raw, parse_int=_require_small)
    except RecursionError:
        raise Bad(DEEP) from None


def _require_small(number: str) -> None:
    if len(number) > 20 or not -(2**63) <= int(number) < 2**64:
        raise Bad("A number in the body has more than 64 bits: send a smaller one.")


DEEP = "The body is nested too deeply: send it flatter."


def taken(kind: type[B], body: Body) -> B:
    """What was read, or `Bad`."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    raise wrong(found, body)


def wrong(errors: Sequence[ErrorDetails], body: object) -> Bad:
    """What a client is told of them: the one that lies deepest in the body.

    Of a field that may have several forms, that is the form which fits best.
    """
    places = [(_place(one, body), one) for one in errors]
    place, error = max(places, key=lambda one: len(one[0]))
    return wrong_at(place, error)


def wrong_at(place: Sequence[int | str], error: ErrorDetails) -> Bad:
    """The error in a sentence."""
    path = ".".join(str(part) for part in place) or None
    is_object = error["type"] in ("dict_type", "model_type", "model_attributes_type")
    what = "Input should be an object" if is_object else error["msg"]
    what = what.removeprefix("Value error, ")
    where = f"'{path}'" if path else "The body"
    return Bad(f"{where}: {what[0].lower()}{what[1:]}.", path)


def _place(error: ErrorDetails, body: object) -> list[int | str]:
    """Where in the body it lies, without the names of the forms that a field may have."""
    kept: list[int | str] = []
    at = body
    for number, part in enumerate(error["loc"], start=1):
        if isinstance(at, list) and isinstance(part, int):
            at = at[part] if part < len(at) else None
        elif isinstance(at, dict) and part in at:
            at = at[part]
        elif error["type"] != "missing" or number < len(error["loc"]):
            continue
        kept.append(part)
    return kept
