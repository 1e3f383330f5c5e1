"""Read what is sent to a control, and name what is wrong with it."""

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from localgoogle.protocol.errors import CalendarApiError
from localgoogle.protocol.json_values import JsonObject

Model = TypeVar("Model", bound=BaseModel)


def invalid_input(message: str) -> CalendarApiError:
    """The input of a control is not in order."""
    return CalendarApiError(400, "invalid", message, "sandbox")


def unknown_name(message: str) -> CalendarApiError:
    """A control names something that does not exist."""
    return CalendarApiError(404, "notFound", message, "sandbox")


async def read_object(request: Request) -> JsonObject:
    """The JSON object that was sent; an empty one for an empty body."""
    content = await request.body()
    try:
        body: object = json.loads(content) if content.strip() else {}
    except ValueError as error:
        raise invalid_input(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise invalid_input("the body must be a JSON object")
    return body


async def read_model(request: Request, model: type[Model]) -> Model:
    """The body as this model; raises with a message that names each wrong field."""
    return validate_model(await read_object(request), model)


def validate_model(body: JsonObject, model: type[Model]) -> Model:
    """The object as this model; raises with a message that names each wrong field."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]
        raise invalid_input("; ".join(lines)) from error
