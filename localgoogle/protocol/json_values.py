"""JSON values: typed access, and the merge of a PATCH."""

from typing import cast

JsonObject = dict[str, object]


def as_object(value: object) -> JsonObject:
    """Return the object, or an empty one if the value is no object."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Return the list, or an empty one if the value is no list."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object, default: str = "") -> str:
    """Return the string, or ``default`` if the value is no string."""
    return value if isinstance(value, str) else default


def remove_nulls(body: JsonObject) -> JsonObject:
    """Return the object without keys that are null, at any depth of objects."""
    return {
        key: remove_nulls(value) if isinstance(value, dict) else value
        for key, value in body.items()
        if value is not None
    }


def apply_patch(current: JsonObject, patch: JsonObject) -> JsonObject:
    """Return the object as a PATCH changes it: objects are merged, lists are replaced whole, and null removes a key."""
    result = dict(current)
    for key, value in patch.items():
        before = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = apply_patch(before if isinstance(before, dict) else {}, value)
        else:
            result[key] = value
    return result
