"""From a request to its reply: find the method, check the caller, apply faults and quotas, call the handler."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from localgoogle.api.call import ApiCall
from localgoogle.api.methods import Handler
from localgoogle.faults.faults import apply_fault
from localgoogle.http.messages import LOST_REPLY, ApiReply, ApiRequest
from localgoogle.http.partial_response import select_fields
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.arguments import read_body, read_query
from localgoogle.protocol.discovery import Discovery, Method
from localgoogle.protocol.errors import CalendarApiError, known_error, login_required
from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.call_log import LoggedCall
from localgoogle.state.grants import Caller, InvalidCredentials


@dataclass
class _CallTrace:
    """What became known of a call: what the log will say, and whether its answer is to be lost."""

    account: str = ""
    method: str = ""
    reason: str = ""
    lost: bool = False


class Dispatcher:
    """Answers requests of the API with the handlers of its methods."""

    def __init__(self, google: LocalGoogle, discovery: Discovery, handlers: Mapping[str, Handler]) -> None:
        unknown = handlers.keys() - discovery.methods.keys()
        if unknown:
            raise ValueError(f"not in the discovery document: {sorted(unknown)}")
        self._google = google
        self._discovery = discovery
        self._handlers = handlers

    async def answer(self, request: ApiRequest) -> ApiReply:
        """The reply; whatever was changed is in the state file by then."""
        began, moment, trace = time.perf_counter(), self._google.clock(), _CallTrace()
        try:
            reply = await self._reply(request, trace)
        except CalendarApiError as error:
            trace.reason = error.reason
            reply = ApiReply.from_error(error)
        reply = LOST_REPLY if trace.lost else reply
        self._google.state_file.commit()
        duration = round((time.perf_counter() - began) * 1000, 3)
        self._google.calls.add(
            LoggedCall(moment, trace.account, trace.method, request.path, reply.status, duration, trace.reason)
        )
        return reply

    async def _reply(self, request: ApiRequest, trace: _CallTrace) -> ApiReply:
        method, path = self._match(request)
        trace.method = method.id
        caller = self._caller(request)
        trace.account = caller.email
        if method.scopes.isdisjoint(caller.scopes):
            raise known_error("insufficientPermissions", method=method.id)
        calendar = self._google.calendar_key(caller.email, path.get("calendarId", ""))
        for fault in self._google.faults.take_for_call(method.id, caller.email, calendar):
            trace.reason = fault.kind
            trace.lost = fault.kind in {"lost_response", "drop"}
            if fault.kind == "drop":
                return LOST_REPLY
            await apply_fault(fault, method)
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
            raise CalendarApiError(501, "notImplemented", f"The local Google does not imitate {method.id}.")
        query = read_query(method, request.query)
        body = read_body(self._discovery, method.request, request.body)
        content = handler(ApiCall(self._google, method, caller, path, query, body, request.headers))
        return _build_reply(method, request, content)


def _build_reply(method: Method, request: ApiRequest, content: JsonObject | None) -> ApiReply:
    known = request.headers.get("if-none-match")
    if content and known and method.verb == "GET" and known == content.get("etag"):
        return ApiReply(304, headers={"etag": known})
    if content and (fields := request.parameter("fields")):
        content = select_fields(content, fields)
    return ApiReply.from_content(content, pretty=request.parameter("prettyPrint") == "true")
