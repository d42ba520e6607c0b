"""Fill a JSON schema with small values, always the same: what a fake model makes up."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

Schema = Mapping[str, object]

DEEP = 6  # levels; below them only what must be there, for schemas that contain themselves


def fill(schema: Schema, text: str, *, items: int) -> object:
    """A value that fits: strings say `text`, numbers are 1, arrays have `items` if they may."""
    return _Filling(root=schema, text=text, items=items).value(schema, DEEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filling:
    root: Schema
    text: str
    items: int

    def value(self, schema: object, room: int) -> object:
        plain = self._plain(schema, room)
        match plain:
            case {"enum": [value, *_]} | {"const": value}:
                return value
            case {"properties": dict(properties)}:
                return self._object(plain, properties, room)
        return self._array(plain, room) if _kind(plain) == "array" else self._simple(plain)

    def _plain(self, schema: object, room: int) -> Schema:
        """What stands behind references and alternatives, of which the last is often null."""
        match schema:
            case {"$ref": str(place)}:
                return self._plain(self._at(place), room)
            case {"anyOf": [*ways]} | {"oneOf": [*ways]} | {"allOf": [*ways]} if ways:
                return self._plain(ways[0 if room else -1], room)
            case dict():
                return schema
        return {}

    def _at(self, place: str) -> object:
        """The part of the whole schema at a place such as `#/$defs/Step`."""
        found: object = self.root
        for name in place.split("/")[1:]:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def _object(self, schema: Schema, properties: Schema, room: int) -> dict[str, object]:
        needed = schema.get("required")
        names = needed if isinstance(needed, list) and not room else properties
        left = max(0, room - 1)
        return {name: self.value(one, left) for name, one in properties.items() if name in names}

    def _array(self, schema: Schema, room: int) -> list[object]:
        count = round(max(self.items if room else 0, _bound(schema, "minItems", 0)))
        return [self.value(schema.get("items"), max(0, room - 1)) for _ in range(count)]

    def _simple(self, schema: Schema) -> object:
        one = min(max(1, _bound(schema, "minimum", 1)), _bound(schema, "maximum", inf))
        by_kind = {"number": one, "integer": one, "boolean": True, "object": {}, "null": None}
        return by_kind.get(_kind(schema), self.text)


def _kind(schema: Schema) -> str:
    match schema.get("type"):
        case str(kind) | [str(kind), *_]:
            return kind
    return "string"


def _bound(schema: Schema, name: str, usual: float) -> float:
    bound = schema.get(name)
    return bound if isinstance(bound, int | float) else usual
