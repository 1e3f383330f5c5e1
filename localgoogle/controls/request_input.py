"""Read the body of a request to a control, with messages that name each wrong field."""

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from localgoogle.protocol.errors import CalendarApiError
from localgoogle.protocol.json_values import JsonObject

Model = TypeVar("Model", bound=BaseModel)


def invalid_input(message: str) -> CalendarApiError:
    """Return the error 400 for a control's input that is not valid."""
    return CalendarApiError(400, "invalid", message, "sandbox")


def unknown_name(message: str) -> CalendarApiError:
    """Return the error 404 for a name that does not exist."""
    return CalendarApiError(404, "notFound", message, "sandbox")


async def read_object(request: Request) -> JsonObject:
    """Return the JSON object of the body; an empty one for an empty body.

    Raises:
        CalendarApiError: ``invalid``, if the body is no JSON object.
    """
    content = await request.body()
    try:
        body: object = json.loads(content) if content.strip() else {}
    except ValueError as error:
        raise invalid_input(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise invalid_input("the body must be a JSON object")
    return body


async def read_model(request: Request, model: type[Model]) -> Model:
    """Return the body as this model.

    Raises:
        CalendarApiError: ``invalid`` with a message that names each wrong field.
    """
    return validate_model(await read_object(request), model)


def validate_model(body: JsonObject, model: type[Model]) -> Model:
    """Return the JSON object as this model.

    Raises:
        CalendarApiError: ``invalid`` with a message that names each wrong field.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]
        raise invalid_input("; ".join(lines)) from error
