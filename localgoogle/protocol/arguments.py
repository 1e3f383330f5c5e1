"""Read and check the arguments of a request: query parameters and body as the discovery document types them."""

import json
from collections.abc import Iterable
from ipaddress import ip_address
from zoneinfo import ZoneInfo

from localgoogle.protocol.discovery import Discovery, Method, Parameter
from localgoogle.protocol.errors import CalendarApiError, invalid
from localgoogle.protocol.instants import find_zone, parse_instant
from localgoogle.protocol.json_values import JsonObject, as_object, as_text

_FLAGS = {"true": True, "false": False, "1": True, "0": False}


def read_query(method: Method, pairs: Iterable[tuple[str, str]]) -> JsonObject:
    """Return the method's parameters by name; unknown ones are ignored, as Google does.

    Raises:
        CalendarApiError: a required parameter is missing, or a value is not valid.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    query: JsonObject = {}
    for parameter in method.parameters:
        if parameter.in_path:
            continue
        if texts := given.get(parameter.name):
            values = [_read_value(parameter, text) for text in texts]
            query[parameter.name] = values if parameter.repeated else values[-1]
        elif parameter.required:
            raise CalendarApiError(
                400, "required", f"Required parameter: {parameter.name}", "global", "parameter", parameter.name
            )
    return query


def _read_value(parameter: Parameter, text: str) -> object:
    if parameter.type == "boolean":
        return _read_flag(parameter, text)
    if parameter.type == "integer":
        return _read_number(parameter, text)
    if parameter.format == "date-time":
        return _read_instant(parameter, text)
    if parameter.enum and text not in parameter.enum:
        raise _invalid_parameter(parameter, text, f"Allowed values: [{', '.join(sorted(parameter.enum))}]")
    return text


def _read_flag(parameter: Parameter, text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise _invalid_parameter(parameter, text, "Allowed values: [true, false]")
    return _FLAGS[text.lower()]


def _read_number(parameter: Parameter, text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise _invalid_parameter(parameter, text, "Value must be an integer") from error
    if parameter.minimum is not None and value < parameter.minimum:
        raise _invalid_parameter(parameter, text, f"Value must be at least {parameter.minimum}")
    if parameter.maximum is not None and value > parameter.maximum:
        raise _invalid_parameter(parameter, text, f"Value must be at most {parameter.maximum}")
    return value


def _read_instant(parameter: Parameter, text: str) -> str:
    try:
        return parse_instant(text).isoformat()
    except ValueError as error:
        raise invalid("Bad Request", parameter.name) from error


def _invalid_parameter(parameter: Parameter, text: str, why: str) -> CalendarApiError:
    kind = "Enum" if parameter.enum else parameter.type
    reason = "invalidParameter"
    message = f"Invalid {kind} value: '{text}'. {why}"
    return CalendarApiError(400, reason, message, location_type="parameter", location=parameter.name)


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


def read_body(discovery: Discovery, schema: str | None, content: bytes) -> JsonObject:
    """Return the body with the fields that its schema has; nulls stay, because they have a meaning in a PATCH.

    Raises:
        CalendarApiError: the body is no JSON object, or a value has another type than the schema says.
    """
    if schema is None or not content.strip():
        return {}
    try:
        body: object = json.loads(content)
    except ValueError as error:
        raise CalendarApiError(400, "parseError", "Parse Error") from error
    if not isinstance(body, dict):
        raise CalendarApiError(400, "parseError", "This API does not support parsing form-encoded input.")
    return _check_properties(discovery, discovery.properties(schema), body, "")


def _check_properties(discovery: Discovery, properties: JsonObject, body: JsonObject, place: str) -> JsonObject:
    return {
        name: _check_value(discovery, as_object(properties[name]), value, f"{place}{name}")
        for name, value in body.items()
        if name in properties
    }


def _check_value(discovery: Discovery, schema: JsonObject, value: object, place: str) -> object:
    if value is None:
        return None
    if "$ref" in schema:
        schema = as_object(discovery.schemas[as_text(schema["$ref"])])
    if as_text(schema.get("format")) == "int64" and isinstance(value, int):
        value = str(value)
    kind = as_text(schema.get("type"), "object")
    if not isinstance(value, _PYTHON_TYPES.get(kind, (object,))) or (kind == "integer" and isinstance(value, bool)):
        raise invalid(f"Invalid value for: {place}")
    if isinstance(value, list):
        items = as_object(schema.get("items"))
        return [_check_value(discovery, items, item, f"{place}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return _check_object(discovery, schema, value, place)
    return value


def _check_object(discovery: Discovery, schema: JsonObject, value: JsonObject, place: str) -> JsonObject:
    if "additionalProperties" in schema:
        inner = as_object(schema["additionalProperties"])
        return {name: _check_value(discovery, inner, item, f"{place}.{name}") for name, item in value.items()}
    return _check_properties(discovery, as_object(schema.get("properties")), value, f"{place}.")


def read_zone(name: str, parameter: str | None = None, message: str = "Invalid time zone.") -> ZoneInfo:
    """Return the IANA time zone of this name.

    Raises:
        CalendarApiError: ``invalid`` with this message, if there is no such zone.
    """
    try:
        return find_zone(name)
    except ValueError as error:
        raise invalid(message, parameter) from error


def read_bearer_token(authorization: str) -> str | None:
    """Return the token of an ``Authorization`` header, or None if the header has another scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine: ``localhost`` or a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
