"""Check messages that Python code hands over, and say what is wrong with them."""

from typing import TypeVar

from pydantic import ValidationError

from slotsync.domain.messages import Message
from slotsync.errors import InputError

_Message = TypeVar("_Message", bound=Message)


def check_again(message: _Message) -> _Message:
    """Return the message once its fields were checked: pydantic checks none of a copy that was made with changes.

    Raises:
        InputError: a field is wrong. The message names each one, and never quotes its content.
    """
    try:
        return type(message).model_validate(message.model_dump(exclude_unset=True))
    except ValidationError as error:
        raise InputError(describe_problems(error, type(message).__name__)) from None


def describe_problems(error: ValidationError, subject: str) -> str:
    """Return a text that names each wrong field of the subject, and quotes no content."""
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or subject}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors(include_input=False, include_url=False)
    )
