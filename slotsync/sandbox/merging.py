"""How a PATCH changes an object."""

from slotsync.sandbox.json_types import JsonObject


def without_nulls(body: JsonObject) -> JsonObject:
    """The object without keys that are null, at any depth of objects."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in body.items()
        if value is not None
    }


def merged(current: JsonObject, patch: JsonObject) -> JsonObject:
    """Objects are merged, lists replaced whole, and null removes a key."""
    result = dict(current)
    for key, value in patch.items():
        before = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(before if isinstance(before, dict) else {}, value)
        else:
            result[key] = value
    return result
