"""Reads what is sent to a control, and says what is wrong with it."""

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from slotsync.sandbox.api_error import ApiError
from slotsync.sandbox.json_types import JsonObject

Model = TypeVar("Model", bound=BaseModel)


def wrong(message: str) -> ApiError:
    """The input of a control is not in order."""
    return ApiError(400, "invalid", message, "sandbox")


def missing(message: str) -> ApiError:
    """A control names something that does not exist."""
    return ApiError(404, "notFound", message, "sandbox")


async def read_object(request: Request) -> JsonObject:
    """The JSON object that was sent; an empty one for an empty body."""
    content = await request.body()
    try:
        body: object = json.loads(content) if content.strip() else {}
    except ValueError as error:
        raise wrong(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise wrong("the body must be a JSON object")
    return body


async def read(request: Request, model: type[Model]) -> Model:
    """The body as this model; raises with a message that names each wrong field."""
    return checked(await read_object(request), model)


def checked(body: JsonObject, model: type[Model]) -> Model:
    """The object as this model; raises with a message that names each wrong field."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]
        raise wrong("; ".join(lines)) from error
