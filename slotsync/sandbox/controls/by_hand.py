"""Controls for what the user does by hand in Google: all details, no scopes, no quotas, not in the call log."""

from collections.abc import Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slotsync.sandbox import event_view
from slotsync.sandbox.api import HANDLERS
from slotsync.sandbox.api.calendars import kept_calendar
from slotsync.sandbox.calendar_view import calendar_view
from slotsync.sandbox.call import Call
from slotsync.sandbox.controls.accounts import named_account
from slotsync.sandbox.controls.reading import read_object, wrong
from slotsync.sandbox.discovery import SCOPE_PREFIX, calendar_v3
from slotsync.sandbox.grants import Caller
from slotsync.sandbox.json_types import JsonObject, as_text
from slotsync.sandbox.local_google import LocalGoogle
from slotsync.sandbox.merging import without_nulls
from slotsync.sandbox.request_body import read_body

_CALENDAR = "/sandbox/accounts/{email}/calendars/{calendarId}"
_EVENT = _CALENDAR + "/events/{eventId}"
_ROLES = ("owner", "writer", "writerWithoutPrivateAccess", "reader", "freeBusyReader")


def hand_routes(google: LocalGoogle) -> list[Route]:
    """``/sandbox/accounts/{email}/calendars`` and below."""
    by_hand = ByHand(google)
    return [
        Route("/sandbox/accounts/{email}/calendars", by_hand.list_calendars, methods=["GET"]),
        Route("/sandbox/accounts/{email}/calendars", by_hand.create_calendar, methods=["POST"]),
        Route(_CALENDAR, by_hand.method("calendars.get"), methods=["GET"]),
        Route(_CALENDAR, by_hand.method("calendars.patch"), methods=["PATCH"]),
        Route(_CALENDAR, by_hand.method("calendars.delete"), methods=["DELETE"]),
        Route(_CALENDAR + "/events", by_hand.list_events, methods=["GET"]),
        Route(_CALENDAR + "/events", by_hand.method("events.insert"), methods=["POST"]),
        Route(_EVENT, by_hand.method("events.get"), methods=["GET"]),
        Route(_EVENT, by_hand.method("events.patch"), methods=["PATCH"]),
        Route(_EVENT, by_hand.method("events.delete"), methods=["DELETE"]),
    ]


class ByHand:
    """The hand of a user: the methods of the API without what is asked of apps."""

    def __init__(self, google: LocalGoogle) -> None:
        self._google = google

    async def list_calendars(self, request: Request) -> Response:
        """All calendars of the user."""
        calendars = self._google.calendars_of(named_account(self._google, request).email)
        return JSONResponse({"items": [calendar_view(calendar) for calendar in calendars]})

    async def create_calendar(self, request: Request) -> Response:
        """A new calendar. ``id`` and ``accessRole`` may be given: holidays, a colleague's calendar."""
        account = named_account(self._google, request)
        body = without_nulls(await read_object(request))
        role = as_text(body.pop("accessRole", "owner"))
        if role not in _ROLES:
            raise wrong(f"accessRole: must be one of {', '.join(_ROLES)}")
        calendar_id = as_text(body.pop("id", ""))
        if calendar_id and self._google.has_calendar(calendar_id):
            raise wrong(f"id: there is a calendar {calendar_id} already")
        kept = kept_calendar({"timeZone": account.time_zone} | body)
        calendar = self._google.create_calendar(account.email, kept, calendar_id=calendar_id, role=role)
        return JSONResponse(calendar_view(calendar), status_code=201)

    async def list_events(self, request: Request) -> Response:
        """All events of a calendar; deleted ones too with ``showDeleted=true``."""
        account = named_account(self._google, request)
        calendar = self._google.calendar(account.email, request.path_params["calendarId"])
        deleted_too = request.query_params.get("showDeleted") == "true"
        events = [event for event in self._google.book(calendar.id) if deleted_too or not event.cancelled]
        return JSONResponse({"items": [event_view.full(e, calendar, site=self._google.url) for e in events]})

    def method(self, method_id: str) -> Callable[[Request], object]:
        """An endpoint that does what the API's method does."""
        discovery = calendar_v3()
        method, handler = discovery.methods[method_id], HANDLERS[method_id]
        allowed = replace(method, scopes=frozenset({SCOPE_PREFIX + "calendar"}))

        async def endpoint(request: Request) -> Response:
            account = named_account(self._google, request)
            caller = Caller(account.email, "", allowed.scopes)
            body = read_body(discovery, method.request, await request.body())
            path = {name: str(value) for name, value in request.path_params.items()}
            content = handler(Call(self._google, allowed, caller, path, {}, body, {}))
            return _response(method.verb, content)

        return endpoint


def _response(verb: str, content: JsonObject | None) -> Response:
    if content is None:
        return Response(status_code=204)
    return JSONResponse(content, status_code=201 if verb == "POST" else 200)
