"""Apply faults to calls and record them in the call log, for the API and for Google's OAuth endpoints."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localgoogle.faults.faults import OAUTH_METHODS_BY_PATH, ConnectionDropped, apply_fault
from localgoogle.http.messages import close_connection
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.arguments import read_bearer_token
from localgoogle.protocol.errors import CalendarApiError
from localgoogle.protocol.token_errors import TokenError
from localgoogle.state.call_log import LoggedCall

_TOKEN_FIELDS = frozenset({"refresh_token", "code", "token", "access_token"})


@dataclass
class CallTrace:
    """One call and the facts about it that the log records. A ``lost`` call takes effect, but gets no answer.

    ``token_owner`` is the account of a call of OAuth, for its faults; in the log such calls have no account.
    """

    google: LocalGoogle
    path: str
    method: str = ""
    account: str = ""
    reason: str = ""
    lost: bool = False
    token_owner: str = ""
    started_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.google.clock()
        self._started = time.perf_counter()

    async def apply_faults(self, calendar_id: str = "") -> None:
        """Apply all faults that are set for this call: wait, mark its answer as lost, or raise.

        Raises:
            CalendarApiError: a fault is an error of Google.
            TokenError: a fault is an error of Google's token endpoint.
            ConnectionDropped: the fault ``drop``.
        """
        for fault in self.google.faults.take_for_call(self.method, self.account or self.token_owner, calendar_id):
            self.reason = fault.kind
            self.lost = fault.kind == "lost_response"
            await apply_fault(fault, self.method)

    def record(self, status: int) -> None:
        """Record the call in the call log; ``status`` is 0 if no answer was sent."""
        duration = round((time.perf_counter() - self._started) * 1000, 3)
        self.google.calls.add(
            LoggedCall(self.started_at, self.account, self.method, self.path, status, duration, self.reason)
        )


class OAuthMiddleware:
    """Applies faults to calls of the OAuth endpoints, and records them in the call log."""

    def __init__(self, app: ASGIApp, google: LocalGoogle) -> None:
        self._app = app
        self._google = google

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is a call of OAuth that a fault answers."""
        method = OAUTH_METHODS_BY_PATH.get(scope["path"]) if scope["type"] == "http" else None
        if method is None:
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        receive = _replay(body, receive)
        trace = CallTrace(self._google, scope["path"], method)
        trace.token_owner = self._google.accounts.grants.find_owner(_read_token(scope, body))
        status = 0

        async def record_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self._answer(trace, scope, receive, record_status)
        trace.record(status)

    async def _answer(self, trace: CallTrace, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await trace.apply_faults()
        except ConnectionDropped:
            await close_connection(scope, receive)
        except TokenError as error:
            await JSONResponse(error.body(), status_code=error.status)(scope, receive, send)
        except CalendarApiError as error:
            content = {"error": error.reason, "error_description": error.message}
            await JSONResponse(content, status_code=error.status)(scope, receive, send)
        else:
            await self._app(scope, receive, _discard if trace.lost else send)
            if trace.lost:
                self._google.save()
                await close_connection(scope, receive)


def _read_token(scope: Scope, body: bytes) -> str:
    """Return the token or the code by which the account of the call can be found, or an empty string."""
    if bearer := read_bearer_token(Headers(scope=scope).get("authorization", "")):
        return bearer
    pairs = parse_qsl(body.decode(errors="replace")) + parse_qsl(scope["query_string"].decode(errors="replace"))
    return next((value for name, value in pairs if name in _TOKEN_FIELDS), "")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that begins with the body, which was read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


async def _discard(_: Message) -> None:
    """Discard a part of an answer."""
