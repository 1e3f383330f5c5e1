"""Query parameters, read as the discovery document types them."""

from collections.abc import Iterable

from slotsync.sandbox.api_error import ApiError, invalid
from slotsync.sandbox.discovery import Method, Parameter
from slotsync.sandbox.instants import parse_instant
from slotsync.sandbox.json_types import JsonObject

_FLAGS = {"true": True, "false": False, "1": True, "0": False}


def read_query(method: Method, pairs: Iterable[tuple[str, str]]) -> JsonObject:
    """The method's parameters by name; unknown ones are passed over, as Google does."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    query: JsonObject = {}
    for parameter in method.parameters:
        if parameter.in_path:
            continue
        if texts := given.get(parameter.name):
            values = [_value(parameter, text) for text in texts]
            query[parameter.name] = values if parameter.repeated else values[-1]
        elif parameter.required:
            raise ApiError(
                400, "required", f"Required parameter: {parameter.name}", "global", "parameter", parameter.name
            )
    return query


def _value(parameter: Parameter, text: str) -> object:
    if parameter.type == "boolean":
        return _flag(parameter, text)
    if parameter.type == "integer":
        return _number(parameter, text)
    if parameter.format == "date-time":
        return _instant(parameter, text)
    if parameter.enum and text not in parameter.enum:
        raise _refused(parameter, text, f"Allowed values: [{', '.join(sorted(parameter.enum))}]")
    return text


def _flag(parameter: Parameter, text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise _refused(parameter, text, "Allowed values: [true, false]")
    return _FLAGS[text.lower()]


def _number(parameter: Parameter, text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise _refused(parameter, text, "Value must be an integer") from error
    if parameter.minimum is not None and value < parameter.minimum:
        raise _refused(parameter, text, f"Value must be at least {parameter.minimum}")
    if parameter.maximum is not None and value > parameter.maximum:
        raise _refused(parameter, text, f"Value must be at most {parameter.maximum}")
    return value


def _instant(parameter: Parameter, text: str) -> str:
    try:
        return parse_instant(text).isoformat()
    except ValueError as error:
        raise invalid("Bad Request", parameter.name) from error


def _refused(parameter: Parameter, text: str, why: str) -> ApiError:
    kind = "Enum" if parameter.enum else parameter.type
    reason = "invalidParameter"
    message = f"Invalid {kind} value: '{text}'. {why}"
    return ApiError(400, reason, message, location_type="parameter", location=parameter.name)
