"""Page tokens and sync tokens: opaque to clients, readable here."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from slotsync.sandbox.api_error import invalid
from slotsync.sandbox.json_types import JsonObject, as_object


def written(content: JsonObject) -> str:
    """A token with this content."""
    return urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def read(token: str, parameter: str) -> JsonObject:
    """The content of a token; raises Google's ``invalid`` where it is none of ours."""
    try:
        content: object = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError as error:
        raise invalid(f"Invalid {parameter} value.", parameter) from error
    return as_object(content)
