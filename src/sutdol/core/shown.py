"""Every setting as it may be shown: what it is now and by default, and no secret in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo

from sutdol.core.addresses import bare
from sutdol.core.settings import CONVENTIONAL, Settings, usual_database

Kind = Literal["plain", "address", "secret"]
SET = "set"
"""What is told of a secret that there is, and of an address that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`name` is dotted, as `sutdol.yaml` nests it; `environment` are variables, the first wins."""

    name: str
    kind: Kind
    value: JsonValue
    default: JsonValue
    changed: bool
    environment: tuple[str, ...]
    about: str


def shown(settings: Settings) -> list[Shown]:
    """All of them, in the order in which the reference has them."""
    usual = {"home": Path(".sutdol").absolute(), "database_url": usual_database(settings.home)}
    return list(_within(settings, "", usual))


def _within(group: BaseModel, prefix: str, usual: dict[str, object]) -> Iterator[Shown]:
    for name, field in type(group).model_fields.items():
        value = getattr(group, name)
        if isinstance(field.default, BaseModel):
            yield from _within(value, f"{name}.", {})
            continue
        default = usual.get(name, field.default)
        variable = f"SUTDOL_{prefix}{name}".upper().replace(".", "__")
        yield Shown(
            name=prefix + name,
            kind=_kind(field),
            value=_told(value, field),
            default=_told(default, field),
            changed=value != default,
            environment=(variable, *(() if prefix else CONVENTIONAL.get(name, ()))),
            about=" ".join((field.description or "").split()),
        )


def _kind(field: FieldInfo) -> Kind:
    if "Secret" in str(field.annotation):
        return "secret"
    return "plain" if field.repr else "address"


def _told(value: object, field: FieldInfo) -> JsonValue:
    if value in (None, ""):
        return None
    kind = _kind(field)
    if kind == "plain":
        return _open(value)
    return SET if kind == "secret" else bare(str(value)) or SET


def _open(value: object) -> JsonValue:
    """A value that holds no secret itself; the upstreams among them have some inside."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        return {name: _told(getattr(value, name), field) for name, field in fields}
    if isinstance(value, dict):
        return {str(name): _open(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_open(one) for one in value]
    return value if isinstance(value, bool | int | float | None) else str(value)
