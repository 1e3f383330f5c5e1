"""JSON values: their types, and how a PATCH changes an object."""

from typing import cast

JsonObject = dict[str, object]


def as_object(value: object) -> JsonObject:
    """The object, or an empty one where there is something else."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """The list, or an empty one where there is something else."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object, default: str = "") -> str:
    """The string, or ``default`` where there is something else."""
    return value if isinstance(value, str) else default


def remove_nulls(body: JsonObject) -> JsonObject:
    """The object without keys that are null, at any depth of objects."""
    return {
        key: remove_nulls(value) if isinstance(value, dict) else value
        for key, value in body.items()
        if value is not None
    }


def apply_patch(current: JsonObject, patch: JsonObject) -> JsonObject:
    """Objects are merged, lists replaced whole, and null removes a key."""
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
