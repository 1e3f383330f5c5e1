"""Checks of recorded exchanges against Google's discovery document and its form of errors."""

from collections.abc import Iterator
from functools import cache

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from tests.support.google_clients.discovery import Method, method_of
from tests.support.google_clients.json_schemas import request_validator, required_fields, response_validator
from tests.support.google_clients.recording import Exchange, Json

TEXT = {"type": "string"}
JSON_TYPE = "application/json; charset=UTF-8"

_ONE_ERROR = {
    "type": "object",
    "required": ["domain", "reason", "message"],
    "properties": dict.fromkeys(("domain", "reason", "message", "locationType", "location", "extendedHelp"), TEXT),
    "dependentRequired": {"location": ["locationType"], "locationType": ["location"]},
    "additionalProperties": False,
}
TOKEN_ERROR = Draft202012Validator(
    {
        "type": "object",
        "required": ["error"],
        "additionalProperties": False,
        "properties": dict.fromkeys(("error", "error_description", "error_subtype", "error_uri"), TEXT),
    }
)


@cache
def error_envelope(status: int) -> Validator:
    """Return a validator for the body of an error."""
    error = {
        "type": "object",
        "required": ["errors", "code", "message"],
        "additionalProperties": False,
        "properties": {
            "errors": {"type": "array", "minItems": 1, "items": _ONE_ERROR},
            "code": {"const": status},
            "message": TEXT,
            # These two come from Google's front end only, which is where 401 and 403 are decided.
            "status": TEXT,
            "details": {"type": "array"},
        },
    }
    whole = {"type": "object", "required": ["error"], "properties": {"error": error}, "additionalProperties": False}
    return Draft202012Validator(whole)


def faults(exchange: Exchange) -> Iterator[str]:
    """Return everything in the exchange that Google would not have sent or accepted."""
    for fault in _faults(exchange):
        yield f"{exchange}: {fault}"


def _faults(exchange: Exchange) -> Iterator[str]:
    if exchange.path == "/token":
        yield from _token_faults(exchange)
    elif exchange.path.startswith("/calendar/v3/"):
        yield from _call_faults(exchange, method_of(exchange.verb, exchange.path))


def _token_faults(exchange: Exchange) -> Iterator[str]:
    if exchange.status >= 400:
        yield from _mismatches(TOKEN_ERROR, exchange.response)


def _call_faults(exchange: Exchange, method: Method) -> Iterator[str]:
    yield from (f"unknown parameter {name}" for name in exchange.query.keys() - method.query)
    if exchange.request_body and method.request:
        yield from _mismatches(request_validator(method.request), exchange.request)
    if exchange.status < 300:
        yield from _omissions(exchange, method)
        yield from _answer_faults(exchange, method)
    elif exchange.status >= 400:
        yield from _error_faults(exchange)


def _omissions(exchange: Exchange, method: Method) -> Iterator[str]:
    """Return what Google requires and this call omitted."""
    yield from (f"accepted without parameter {name}" for name in method.required_query - exchange.query.keys())
    if not method.request:
        return
    sent = exchange.request
    for name in required_fields(method.request, method.id):
        if not isinstance(sent, dict) or sent.get(name) is None:
            yield f"accepted without field {name}"


def _answer_faults(exchange: Exchange, method: Method) -> Iterator[str]:
    if method.response is None:
        if exchange.status != 204 or exchange.response_body:
            yield "should have been 204 with an empty body"
        return
    yield from _content_type_faults(exchange)
    yield from _mismatches(response_validator(method.response), exchange.response)


def _error_faults(exchange: Exchange) -> Iterator[str]:
    yield from _content_type_faults(exchange)
    yield from _mismatches(error_envelope(exchange.status), exchange.response)


def _content_type_faults(exchange: Exchange) -> Iterator[str]:
    content_type = exchange.headers.get("content-type")
    if content_type != JSON_TYPE:
        yield f"content type {content_type}"


def _mismatches(validator: Validator, body: Json) -> Iterator[str]:
    for error in validator.iter_errors(body):
        yield f"{error.json_path}: {error.message}"
