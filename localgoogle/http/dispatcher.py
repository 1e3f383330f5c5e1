"""From a request to its reply: find the method, check the caller, apply faults and quotas, call the handler."""

from collections.abc import Mapping

from localgoogle.api.call import ApiCall
from localgoogle.api.methods import Handler
from localgoogle.faults.faults import ConnectionDropped
from localgoogle.http.call_trace import CallTrace
from localgoogle.http.messages import LOST_REPLY, ApiReply, ApiRequest
from localgoogle.http.partial_response import select_fields
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.arguments import read_body, read_query
from localgoogle.protocol.discovery import Discovery, Method
from localgoogle.protocol.errors import CalendarApiError, known_error, login_required
from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.grants import Caller, InvalidCredentials


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
        """Return the reply; all changes of the call are in the state file by then."""
        trace = CallTrace(self._google, request.path)
        try:
            reply = await self._reply(request, trace)
        except CalendarApiError as error:
            trace.reason = error.reason
            reply = ApiReply.from_error(error)
        except ConnectionDropped:
            reply = LOST_REPLY
        reply = LOST_REPLY if trace.lost else reply
        self._google.state_file.commit()
        trace.record(reply.status)
        return reply

    async def _reply(self, request: ApiRequest, trace: CallTrace) -> ApiReply:
        method, path = self._match(request)
        trace.method = method.id
        caller = self._find_caller(request)
        trace.account = caller.email
        if method.scopes.isdisjoint(caller.scopes):
            raise known_error("insufficientPermissions", method=method.id)
        await trace.apply_faults(self._google.resolve_calendar_id(caller.email, path.get("calendarId", "")))
        self._google.quotas.spend_call(caller.email, caller.client_id, self._google.clock())
        return self._call_handler(method, caller, path, request)

    def _match(self, request: ApiRequest) -> tuple[Method, dict[str, str]]:
        match = self._discovery.match(request.verb, request.path)
        if match is None:
            raise known_error("notFound")
        return match

    def _find_caller(self, request: ApiRequest) -> Caller:
        token = request.access_token
        if not token:
            raise login_required()
        try:
            return self._google.accounts.find_caller(token)
        except InvalidCredentials as error:
            raise known_error("authError") from error

    def _call_handler(self, method: Method, caller: Caller, path: dict[str, str], request: ApiRequest) -> ApiReply:
        handler = self._handlers.get(method.id)
        if handler is None:
            raise CalendarApiError(501, "notImplemented", f"The local Google does not imitate {method.id}.")
        query = read_query(method, request.query)
        body = read_body(self._discovery, method.request, request.body)
        content = handler(ApiCall(self._google, method, caller, path, query, body, request.headers))
        return _build_reply(method, request, content)


def _build_reply(method: Method, request: ApiRequest, content: JsonObject | None) -> ApiReply:
    known_etag = request.headers.get("if-none-match")
    if content and known_etag and method.verb == "GET" and known_etag == content.get("etag"):
        return ApiReply(304, headers={"etag": known_etag})
    if content and (fields := request.parameter("fields")):
        content = select_fields(content, fields)
    return ApiReply.from_content(content, pretty=request.parameter("prettyPrint") == "true")
