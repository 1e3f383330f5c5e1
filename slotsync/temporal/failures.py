"""Keep contents out of Temporal's failures: operators read them, and they stay in histories."""

from typing import Final

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.service import RPCError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from typing_extensions import override

from slotsync.errors import SlotsyncError

_WITHOUT_CONTENT: Final = (
    FailureError,
    SlotsyncError,
    OSError,
    RPCError,
    OperationalError,
    InterfaceError,
    NoFreeConnection,
)
"""Errors of which the text is ours, or about a server that does not answer. SQLAlchemy hides a statement's parameters,
but PostgreSQL quotes whole rows in errors of other classes ("Failing row contains ...")."""

TEXT_LEFT_OUT: Final = (
    "the text of this error is left out, since it may quote contents; its place is in the stack trace"
)


class ContentFreeFailures(Interceptor):
    """Replaces the texts of errors that activities did not raise on purpose, before Temporal stores them."""

    @override
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Return the interceptor around one activity attempt."""
        return _ContentFreeInbound(next)


class _ContentFreeInbound(ActivityInboundInterceptor):
    @override
    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        try:
            return await super().execute_activity(input)
        except Exception as error:  # noqa: BLE001  whatever it is, Temporal would store it
            safe = without_content(error)
            raise safe from safe.__cause__


def without_content(error: BaseException) -> BaseException:
    """Return the error, or one of the same type and place without its text; its causes are treated likewise."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    safe = error if isinstance(error, _WITHOUT_CONTENT) else _without_text(error)
    safe.__cause__ = without_content(cause) if cause else None
    return safe


def _without_text(error: BaseException) -> ApplicationError:
    name = type(error).__name__
    return ApplicationError(f"{name}: {TEXT_LEFT_OUT}", type=name).with_traceback(error.__traceback__)
