"""From a request of the API to its reply: who asks, what for, may they, and what was told to go wrong."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotsync.sandbox.api_error import ApiError, known_error, login_required
from slotsync.sandbox.call import Call
from slotsync.sandbox.calls import LoggedCall
from slotsync.sandbox.discovery import Discovery, Method
from slotsync.sandbox.faults import Fault
from slotsync.sandbox.fields import selected
from slotsync.sandbox.grants import Caller, InvalidCredentials
from slotsync.sandbox.json_types import JsonObject
from slotsync.sandbox.local_google import LocalGoogle
from slotsync.sandbox.parameters import read_query
from slotsync.sandbox.request_body import read_body
from slotsync.sandbox.wire import LOST, ApiReply, ApiRequest

if TYPE_CHECKING:
    from slotsync.sandbox.api import Handler


@dataclass
class _Trace:
    """What became known of a call: what the log will say, and whether its answer is to be lost."""

    account: str = ""
    method: str = ""
    reason: str = ""
    lost: bool = False


class Dispatcher:
    """Answers requests of the API with the handlers of its methods."""

    def __init__(self, google: LocalGoogle, discovery: Discovery, handlers: Mapping[str, "Handler"]) -> None:
        unknown = handlers.keys() - discovery.methods.keys()
        if unknown:
            raise ValueError(f"not in the discovery document: {sorted(unknown)}")
        self._google = google
        self._discovery = discovery
        self._handlers = handlers

    async def answer(self, request: ApiRequest) -> ApiReply:
        """The reply; whatever was changed is in the state file by then."""
        began, moment, trace = time.perf_counter(), self._google.clock(), _Trace()
        try:
            reply = await self._reply(request, trace)
        except ApiError as error:
            trace.reason = error.reason
            reply = ApiReply.of_error(error)
        reply = LOST if trace.lost else reply
        self._google.journal.commit()
        duration = round((time.perf_counter() - began) * 1000, 3)
        self._google.calls.add(
            LoggedCall(moment, trace.account, trace.method, request.path, reply.status, duration, trace.reason)
        )
        return reply

    async def _reply(self, request: ApiRequest, trace: _Trace) -> ApiReply:
        method, path = self._match(request)
        trace.method = method.id
        caller = self._caller(request)
        trace.account = caller.email
        if method.scopes.isdisjoint(caller.scopes):
            raise known_error("insufficientPermissions", method=method.id)
        calendar = self._google.calendar_key(caller.email, path.get("calendarId", ""))
        for fault in self._google.faults.of_call(method.id, caller.email, calendar):
            trace.reason = fault.kind
            trace.lost = fault.kind in {"lost_response", "drop"}
            if fault.kind == "drop":
                return LOST
            await _suffer(fault, method)
        self._google.quotas.spend_call(caller.email, caller.client_id, self._google.clock())
        return self._handled(method, caller, path, request)

    def _match(self, request: ApiRequest) -> tuple[Method, dict[str, str]]:
        found = self._discovery.match(request.verb, request.path)
        if found is None:
            raise known_error("notFound")
        return found

    def _caller(self, request: ApiRequest) -> Caller:
        token = request.access_token
        if not token:
            raise login_required()
        try:
            return self._google.accounts.caller(token)
        except InvalidCredentials as error:
            raise known_error("authError") from error

    def _handled(self, method: Method, caller: Caller, path: dict[str, str], request: ApiRequest) -> ApiReply:
        handler = self._handlers.get(method.id)
        if handler is None:
            raise ApiError(501, "notImplemented", f"The local Google does not imitate {method.id}.")
        query = read_query(method, request.query)
        body = read_body(self._discovery, method.request, request.body)
        content = handler(Call(self._google, method, caller, path, query, body, request.headers))
        return _finished(method, request, content)


async def _suffer(fault: Fault, method: Method) -> None:
    if fault.kind == "slow":
        await asyncio.sleep(fault.delay.total_seconds())
    elif fault.kind != "lost_response":
        raise known_error(fault.kind, fault.status, method.id)


def _finished(method: Method, request: ApiRequest, content: JsonObject | None) -> ApiReply:
    known = request.headers.get("if-none-match")
    if content and known and method.verb == "GET" and known == content.get("etag"):
        return ApiReply(304, headers={"etag": known})
    if content and (fields := request.parameter("fields")):
        content = selected(content, fields)
    return ApiReply.of(content, pretty=request.parameter("prettyPrint") == "true")
