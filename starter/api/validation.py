"""What is wrong with a request, field by field, in words; never a value that was sent."""

from collections.abc import Sequence
from typing import cast

from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails

from starter.api.problems import FieldProblem

LONGEST_FIELD = 200

_REMEDIES = {
    "missing": "is missing",
    "extra_forbidden": "is not known here: remove it, or check its spelling",
    "string_pattern_mismatch": (
        "is empty or has a character that is not allowed (spaces, colons, slashes, double quotes, controls)"
    ),
    "model_attributes_type": "is not a JSON object; send one, with the header Content-Type: application/json",
}


def field_problems(error: RequestValidationError) -> list[FieldProblem]:
    """Each field that is wrong, with a remedy."""
    return [_field_problem(detail) for detail in cast("Sequence[ErrorDetails]", error.errors())]


def why_unreadable(error: RequestValidationError) -> str | None:
    """Where the body stops being JSON; nothing when it is JSON."""
    for detail in cast("Sequence[ErrorDetails]", error.errors()):
        if detail["type"] == "json_invalid":
            why = detail.get("ctx", {}).get("error", "it cannot be read")
            return f"The body is not JSON: {why}, at character {detail['loc'][-1]}."
    return None


def _field_problem(detail: ErrorDetails) -> FieldProblem:
    place, *way = detail["loc"]
    words = _REMEDIES.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    return FieldProblem(place=str(place), field=_name(way), detail=words)


def _name(way: Sequence[int | str]) -> str:
    return ".".join(map(str, way))[:LONGEST_FIELD]
