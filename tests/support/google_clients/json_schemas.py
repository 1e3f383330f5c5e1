"""The discovery document's schemas as JSON Schema, so that bodies can be validated against them."""

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator

from tests.support.google_clients.discovery import Node, document

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
# A request may leave the offset to the timeZone beside it; an answer of Google never does.
RFC3339_OFFSET_OPTIONAL = re.compile(RFC3339.pattern + "?")


@cache
def response_validator(schema: str) -> Validator:
    """Return a validator for answers: unknown fields, wrong types, malformed times and numbers."""
    return _validator(schema, nullable=False, times=RFC3339)


@cache
def request_validator(schema: str) -> Validator:
    """Return a validator for requests. It allows nulls: in a patch they remove a field, and clients send them."""
    return _validator(schema, nullable=True, times=RFC3339_OFFSET_OPTIONAL)


def required_fields(schema: str, method_id: str) -> list[str]:
    """Return the fields of the schema that the document marks as required for this method."""
    properties = cast("dict[str, Node]", _schemas()[schema].get("properties", {}))
    return [name for name, node in properties.items() if method_id in _required_by(node)]


def _required_by(node: Node) -> list[str]:
    return cast("dict[str, list[str]]", node.get("annotations", {})).get("required", [])


def _schemas() -> dict[str, Node]:
    return cast("dict[str, Node]", document()["schemas"])


def _validator(schema: str, *, nullable: bool, times: re.Pattern[str]) -> Validator:
    definitions = {name: _converted(node, nullable=nullable) for name, node in _schemas().items()}
    whole = {"$defs": definitions, "$ref": f"#/$defs/{schema}"}
    return Draft202012Validator(whole, format_checker=_formats(times))


def _converted(node: Node, *, nullable: bool) -> Node:
    """Convert a discovery schema to JSON Schema; an object's unknown properties become errors."""
    if "$ref" in node:
        return {"$ref": f"#/$defs/{node['$ref']}"}
    if node["type"] == "any":
        return {}
    kept: Node = {key: node[key] for key in ("type", "format", "enum", "pattern") if key in node}
    if node["type"] == "array":
        return kept | {"items": _converted(cast("Node", node["items"]), nullable=nullable)}
    if node["type"] == "object":
        return kept | _members(node, nullable=nullable)
    return kept


def _members(node: Node, *, nullable: bool) -> Node:
    properties = cast("dict[str, Node]", node.get("properties", {}))
    others = cast("Node | None", node.get("additionalProperties"))
    return {
        "properties": {name: _property(child, nullable=nullable) for name, child in properties.items()},
        "additionalProperties": _property(others, nullable=nullable) if others else False,
    }


def _property(node: Node, *, nullable: bool) -> Node:
    converted = _converted(node, nullable=nullable)
    return {"anyOf": [converted, {"type": "null"}]} if nullable else converted


def _formats(times: re.Pattern[str]) -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checks("date-time", raises=ValueError)(_only_strings(lambda text: _is_instant(text, times)))
    checker.checks("date", raises=ValueError)(_only_strings(lambda text: bool(date.fromisoformat(text))))
    checker.checks("int64", raises=ValueError)(_only_strings(lambda text: abs(int(text)) < 2**63))
    checker.checks("int32")(lambda number: not isinstance(number, int) or abs(number) < 2**31)
    return checker


def _only_strings(check: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or check(value)


def _is_instant(text: str, pattern: re.Pattern[str]) -> bool:
    return bool(pattern.fullmatch(text) and datetime.fromisoformat(text))
