"""Request bodies, held against the discovery document's schemas."""

import json

from slotsync.sandbox.api_error import ApiError, invalid
from slotsync.sandbox.discovery import Discovery
from slotsync.sandbox.json_types import JsonObject, as_object, as_text

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


def read_body(discovery: Discovery, schema: str | None, content: bytes) -> JsonObject:
    """The body with the fields that its schema knows; nulls stay, because a PATCH means them."""
    if schema is None or not content.strip():
        return {}
    try:
        body: object = json.loads(content)
    except ValueError as error:
        raise ApiError(400, "parseError", "Parse Error") from error
    if not isinstance(body, dict):
        raise ApiError(400, "parseError", "This API does not support parsing form-encoded input.")
    return _known(discovery, discovery.properties(schema), body, "")


def _known(discovery: Discovery, properties: JsonObject, body: JsonObject, place: str) -> JsonObject:
    return {
        name: _checked(discovery, as_object(properties[name]), value, f"{place}{name}")
        for name, value in body.items()
        if name in properties
    }


def _checked(discovery: Discovery, schema: JsonObject, value: object, place: str) -> object:
    if value is None:
        return None
    if "$ref" in schema:
        schema = as_object(discovery.schemas[as_text(schema["$ref"])])
    if as_text(schema.get("format")) == "int64" and isinstance(value, int):
        value = str(value)
    kind = as_text(schema.get("type"), "object")
    if not isinstance(value, _TYPES.get(kind, (object,))) or (kind == "integer" and isinstance(value, bool)):
        raise invalid(f"Invalid value for: {place}")
    if isinstance(value, list):
        items = as_object(schema.get("items"))
        return [_checked(discovery, items, item, f"{place}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return _object(discovery, schema, value, place)
    return value


def _object(discovery: Discovery, schema: JsonObject, value: JsonObject, place: str) -> JsonObject:
    if "additionalProperties" in schema:
        inner = as_object(schema["additionalProperties"])
        return {name: _checked(discovery, inner, item, f"{place}.{name}") for name, item in value.items()}
    return _known(discovery, as_object(schema.get("properties")), value, f"{place}.")
