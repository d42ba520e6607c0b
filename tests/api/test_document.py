"""What the OpenAPI document says of our own resources is what they take and give."""

from functools import cache
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from sutdol.api.app import routes
from sutdol.api.fields import Body
from sutdol.core.caller import SCOPES, Scope
from sutdol.flow.desk import State
from sutdol.flows import KINDS
from sutdol.storage.verdicts import Decision

Schema = dict[str, Any]


@cache
def document() -> Schema:
    return routes().openapi()


def field(model: str, name: str) -> Schema:
    """The schema of a field, of which null is left out."""
    found: Schema = document()["components"]["schemas"][model]["properties"][name]
    choices = [one for one in found.get("anyOf", ()) if one != {"type": "null"}]
    return choices[0] if len(choices) == 1 else found


def parameter(method: str, path: str, name: str) -> Schema:
    (found,) = [
        one for one in document()["paths"][path][method]["parameters"] if one["name"] == name
    ]
    return found | found["schema"]


@pytest.mark.parametrize(
    ("model", "name", "told"),
    [
        ("CreateUser", "name", {"minLength": 1}),
        ("CreateUser", "password", {"minLength": 10}),
        ("NewPassword", "password", {"minLength": 10}),
        ("CreateKey", "name", {"minLength": 1}),
        ("CreateKey", "user", {"minLength": 1}),
        ("CreateKey", "scopes", {"minItems": 1}),
        ("Label", "label", {"type": "integer", "minimum": 0, "maximum": 1}),
        ("CreateKey", "expires_at", {"type": "string", "format": "date-time"}),
    ],
)
def test_bodies_are_told_with_their_bounds(model: str, name: str, told: Schema) -> None:
    assert field(model, name).items() >= told.items()


def test_who_signs_in_may_send_anything() -> None:
    for name in ("name", "password"):
        assert "minLength" not in field("SignIn", name)


def test_words_of_which_there_are_few_are_all_told() -> None:
    assert set(SCOPES) == set(get_args(Scope))
    for item in (field("CreateKey", "scopes")["items"],):
        assert {word for one in item["anyOf"] for word in one.get("enum", [one.get("const")])} == {
            "*",
            *SCOPES,
        }
    assert field("FlowTold", "state")["enum"] == list(get_args(State))
    assert {"waiting", "interrupted"} <= {
        word for one in field("BattleTold", "state")["anyOf"] for word in one["enum"]
    }
    assert field("VerdictTold", "decision")["enum"] == list(get_args(Decision))
    assert "disabled" in field("KeyTold", "state")["enum"]
    assert parameter("get", "/api/v1/flows", "kind")["enum"] == list(KINDS)
    assert parameter("delete", "/api/v1/conversations", "confirm")["const"] == "all"


def test_what_stays_when_it_is_left_out_is_never_null() -> None:
    for model in ("ChangeUser", "ChangeConversation"):
        found = document()["components"]["schemas"][model]
        assert "required" not in found
        for one in found["properties"].values():
            assert one.keys().isdisjoint({"anyOf", "default"}), one


def test_ids_and_cursors_have_an_end() -> None:
    for path, operations in document()["paths"].items():
        if not path.startswith("/api/v1/"):
            continue
        for operation in operations.values():
            for one in operation.get("parameters", ()):
                if one["name"] in ("before", "cursor", "id", "version", "role", "user", "key"):
                    (found, *_) = one["schema"].get("anyOf", [one["schema"]])
                    bounded = "maxLength" in found or found.get("pattern", "").endswith("}$")
                    assert bounded, (path, one["name"])
                if one["name"] in ("before", "cursor"):
                    assert "pattern" in found, path


def test_an_export_is_json_or_plain_text() -> None:
    told = document()["paths"]["/api/v1/conversations/{id}/export"]["get"]["responses"]["200"]
    assert set(told["content"]) == {"application/json", "text/plain"}


def bodies(kind: type[BaseModel]) -> list[type[BaseModel]]:
    return [one for below in kind.__subclasses__() for one in (below, *bodies(below))]


def test_no_body_takes_one_type_for_another() -> None:
    assert len(bodies(Body)) > 10
    for one in bodies(Body):
        assert one.model_config["strict"], one
        for name, info in one.model_fields.items():
            lax = any(getattr(each, "strict", None) is False for each in info.metadata)
            assert not lax or name in ("scopes", "models", "messages", "expires_at"), (one, name)
