from collections.abc import Callable

import pytest
from sqlalchemy.exc import DataError, OperationalError
from temporalio.exceptions import ApplicationError

from slotsync.errors import Refused
from slotsync.temporal.failures import TEXT_LEFT_OUT, without_content

GUEST = "Mervi Mökkiläinen"


def _raised(act: Callable[[], object]) -> Exception:
    try:
        act()
    except Exception as error:  # noqa: BLE001  any of them
        return error
    raise AssertionError


def _fail_while_failing() -> None:
    try:
        int(GUEST)
    except ValueError as error:
        raise ApplicationError("Google refuses the event", type="Refused") from error


def _fail_after_failing() -> None:
    try:
        int(GUEST)
    except ValueError:
        raise Refused("Google refuses the event", reason="forbidden")  # noqa: B904  the context is kept on purpose


def _chain(error: BaseException | None) -> list[str]:
    return [f"{type(error).__name__}: {error}", *_chain(error.__cause__)] if error else []


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"Invalid isoformat string: '{GUEST}'"),
        KeyError(GUEST),
        DataError("INSERT", None, ValueError(GUEST), hide_parameters=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_may_quote_contents_keeps_its_type_and_place_alone(error: Exception) -> None:
    def fail() -> None:
        raise error

    raised = _raised(fail)
    safe = without_content(raised)
    assert isinstance(safe, ApplicationError)
    assert (safe.type, safe.message) == (type(error).__name__, f"{type(error).__name__}: {TEXT_LEFT_OUT}")
    assert safe.__traceback__ is raised.__traceback__
    assert not safe.non_retryable


@pytest.mark.parametrize(
    "error",
    [
        Refused("Google refuses the event", reason="forbidden"),
        ApplicationError("the calendar is gone", type="NotFound", non_retryable=True),
        ConnectionRefusedError(111, "Connection refused"),
        OperationalError("SELECT 1", None, ConnectionError("the database does not answer"), hide_parameters=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_without_contents_stays_as_it_is(error: Exception) -> None:
    text = str(error)
    assert without_content(error) is error
    assert str(error) == text


@pytest.mark.parametrize("act", [_fail_while_failing, _fail_after_failing])
def test_the_causes_of_an_error_are_treated_likewise(act: Callable[[], object]) -> None:
    first, second = _chain(without_content(_raised(act)))
    assert "Google refuses the event" in first
    assert second.endswith(f"ValueError: {TEXT_LEFT_OUT}")
    assert GUEST not in first + second
