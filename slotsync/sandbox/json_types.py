"""The types of JSON as it comes and goes."""

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
