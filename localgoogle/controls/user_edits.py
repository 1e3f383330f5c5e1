"""Controls for what a user does in Google by hand: all details, no scopes, no quotas, not in the call log."""

from collections.abc import Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localgoogle.api.calendars import calendar_view, check_calendar
from localgoogle.api.call import ApiCall
from localgoogle.api.methods import HANDLERS
from localgoogle.controls.accounts import find_account
from localgoogle.controls.request_input import invalid_input, read_object
from localgoogle.events.view import event_view
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.arguments import read_body
from localgoogle.protocol.discovery import SCOPE_PREFIX, calendar_v3
from localgoogle.protocol.json_values import JsonObject, as_text, remove_nulls
from localgoogle.state.grants import Caller

_CALENDAR = "/sandbox/accounts/{email}/calendars/{calendarId}"
_EVENT = _CALENDAR + "/events/{eventId}"
_ROLES = ("owner", "writer", "writerWithoutPrivateAccess", "reader", "freeBusyReader")


def user_edit_routes(google: LocalGoogle) -> list[Route]:
    """``/sandbox/accounts/{email}/calendars`` and below."""
    user_edits = UserEdits(google)
    return [
        Route("/sandbox/accounts/{email}/calendars", user_edits.list_calendars, methods=["GET"]),
        Route("/sandbox/accounts/{email}/calendars", user_edits.create_calendar, methods=["POST"]),
        Route(_CALENDAR, user_edits.method("calendars.get"), methods=["GET"]),
        Route(_CALENDAR, user_edits.method("calendars.patch"), methods=["PATCH"]),
        Route(_CALENDAR, user_edits.method("calendars.delete"), methods=["DELETE"]),
        Route(_CALENDAR + "/events", user_edits.list_events, methods=["GET"]),
        Route(_CALENDAR + "/events", user_edits.method("events.insert"), methods=["POST"]),
        Route(_EVENT, user_edits.method("events.get"), methods=["GET"]),
        Route(_EVENT, user_edits.method("events.patch"), methods=["PATCH"]),
        Route(_EVENT, user_edits.method("events.delete"), methods=["DELETE"]),
    ]


class UserEdits:
    """The hand of a user: the methods of the API without what is asked of apps."""

    def __init__(self, google: LocalGoogle) -> None:
        self._google = google

    async def list_calendars(self, request: Request) -> Response:
        """All calendars of the user."""
        calendars = self._google.owned_calendars(find_account(self._google, request).email)
        return JSONResponse({"items": [calendar_view(calendar) for calendar in calendars]})

    async def create_calendar(self, request: Request) -> Response:
        """A new calendar. ``id`` and ``accessRole`` may be given: holidays, a colleague's calendar."""
        account = find_account(self._google, request)
        body = remove_nulls(await read_object(request))
        role = as_text(body.pop("accessRole", "owner"))
        if role not in _ROLES:
            raise invalid_input(f"accessRole: must be one of {', '.join(_ROLES)}")
        calendar_id = as_text(body.pop("id", ""))
        if calendar_id and self._google.has_calendar(calendar_id):
            raise invalid_input(f"id: there is a calendar {calendar_id} already")
        kept = check_calendar({"timeZone": account.time_zone} | body)
        calendar = self._google.create_calendar(account.email, kept, calendar_id=calendar_id, role=role)
        return JSONResponse(calendar_view(calendar), status_code=201)

    async def list_events(self, request: Request) -> Response:
        """All events of a calendar; deleted ones too with ``showDeleted=true``."""
        account = find_account(self._google, request)
        calendar = self._google.calendar(account.email, request.path_params["calendarId"])
        deleted_too = request.query_params.get("showDeleted") == "true"
        events = [event for event in self._google.calendar_events(calendar.id) if deleted_too or not event.cancelled]
        return JSONResponse({"items": [event_view(e, calendar, site=self._google.url) for e in events]})

    def method(self, method_id: str) -> Callable[[Request], object]:
        """An endpoint that does what the API's method does."""
        discovery = calendar_v3()
        method, handler = discovery.methods[method_id], HANDLERS[method_id]
        allowed = replace(method, scopes=frozenset({SCOPE_PREFIX + "calendar"}))

        async def endpoint(request: Request) -> Response:
            account = find_account(self._google, request)
            caller = Caller(account.email, "", allowed.scopes)
            body = read_body(discovery, method.request, await request.body())
            path = {name: str(value) for name, value in request.path_params.items()}
            content = handler(ApiCall(self._google, allowed, caller, path, {}, body, {}))
            return _response(method.verb, content)

        return endpoint


def _response(verb: str, content: JsonObject | None) -> Response:
    if content is None:
        return Response(status_code=204)
    return JSONResponse(content, status_code=201 if verb == "POST" else 200)
