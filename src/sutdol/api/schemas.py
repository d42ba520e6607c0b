"""What the OpenAPI document says of errors, and of routes that read and write JSON themselves."""

from typing import Any

from pydantic import BaseModel

from sutdol.chat.asked import Chat, Embedding

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}
STATUSES = (400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 501, 502, 503, 504)
EVENTS: dict[str, Schema] = {
    "text/event-stream": {
        "itemSchema": {
            "type": "object",
            "required": ["data"],
            "properties": {"data": TEXT, "event": TEXT, "id": TEXT},
        }
    }
}
"""Server-sent events, as what an answer holds."""


def _object(**properties: Schema) -> Schema:
    """An object that has all of these."""
    return {"type": "object", "required": [*properties], "properties": properties}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _errors(form: str, **properties: Schema) -> dict[int | str, Schema]:
    """What a router says of the errors of all its routes."""
    content = {"application/json": {"schema": _object(error=_object(**properties))}}
    told = {"description": f"An error in {form} form.", "content": content}
    return dict.fromkeys(STATUSES, told)


ERRORS = _errors("OpenAI's", message=TEXT, type=TEXT, param=MAYBE, code=MAYBE)
AS_GOOGLE = _errors("Google's", code={"type": "integer"}, message=TEXT, status=TEXT)
MODEL = _object(id=TEXT, object={"const": "model"})
MODELS = _object(object={"const": "list"}, data=_list(MODEL))
CHATTED = _object(choices=_list({"type": "object"}))
VECTORS = _object(object={"const": "list"}, data=_list({"type": "object"}))


def schema(model: type[BaseModel]) -> Schema:
    """The JSON schema of a body, with what it refers to in its place."""
    found = model.model_json_schema()
    definitions = found.pop("$defs", {})
    resolved = _resolved(found, definitions)
    assert isinstance(resolved, dict)
    return resolved


def _resolved(found: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(found, list):
        return [_resolved(one, definitions) for one in found]
    if not isinstance(found, dict):
        return found
    if "$ref" in found:
        return _resolved(definitions[found["$ref"].rpartition("/")[2]], definitions)
    return {key: _resolved(value, definitions) for key, value in found.items()}


def documented(
    body: Schema, answer: Schema | None = None, *, stream: bool = False
) -> dict[str, Any]:
    """What a route's decorator is given for a JSON body that the route reads itself."""
    sent = {"required": True, "content": {"application/json": {"schema": body}}}
    return {"openapi_extra": {"requestBody": sent}, **answered(answer, stream=stream)}


def answered(answer: Schema | None = None, *, stream: bool = False) -> dict[str, Any]:
    """What a route's decorator is given for an answer in JSON that the route writes itself."""
    content = {"application/json": {"schema": answer or {"type": "object"}}}
    told = {"description": "The answer.", "content": content | (EVENTS if stream else {})}
    return {"responses": {200: told}}


CHAT = schema(Chat)
EMBEDDING = schema(Embedding)
