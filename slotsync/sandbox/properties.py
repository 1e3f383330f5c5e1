"""Extended properties and their limits."""

from slotsync.sandbox.api_error import invalid
from slotsync.sandbox.json_types import JsonObject, as_object

KEY_LENGTH = 44
VALUE_LENGTH = 1024
MOST_PROPERTIES = 300
MOST_BYTES = 32 * 1024


def limited(extended: JsonObject) -> JsonObject:
    """The properties as Google keeps them: it drops long keys and cuts long values without a word."""
    kept = {scope: _limited_scope(as_object(extended.get(scope))) for scope in ("private", "shared")}
    pairs = [pair for scope in kept.values() for pair in scope.items()]
    if len(pairs) > MOST_PROPERTIES or sum(len(f"{key}{value}".encode()) for key, value in pairs) > MOST_BYTES:
        raise invalid("The extended properties of the event are too large.")
    return {scope: values for scope, values in kept.items() if values}


def _limited_scope(values: JsonObject) -> JsonObject:
    return {key: str(value)[:VALUE_LENGTH] for key, value in values.items() if key and len(key) <= KEY_LENGTH}
