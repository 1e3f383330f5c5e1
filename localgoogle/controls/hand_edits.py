"""Controls for what people do in Google and no app can: restore events from the bin, change access to calendars."""

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localgoogle.controls.accounts import CALENDAR_PATH, EVENT_PATH, find_account
from localgoogle.controls.request_input import invalid_input, read_model
from localgoogle.events.view import event_view
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.errors import not_found
from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.records import ACCESS_ROLES, NO_ACCESS, StoredCalendar, StoredEvent


class NewAccess(BaseModel):
    """A change of access: the user's ``role``, and the app that counts as the calendar's creator, empty for none."""

    model_config = ConfigDict(extra="forbid")

    role: str | None = None
    client_id: str | None = None

    @field_validator("role")
    @classmethod
    def _check_role(cls, role: str | None) -> str | None:
        if role is not None and role not in {NO_ACCESS, *ACCESS_ROLES}:
            raise ValueError(f"must be one of {', '.join([*reversed(ACCESS_ROLES), NO_ACCESS])}")
        return role


def hand_edit_routes(google: LocalGoogle) -> list[Route]:
    """Return the routes of the bin and of the access to calendars."""

    async def restore(request: Request) -> Response:
        calendar = _find_calendar(google, request)
        event = _find_in_bin(google, calendar, request.path_params["eventId"]).restore(google.next_stamp())
        google.put_event(event)
        return JSONResponse(event_view(event, calendar, site=google.url))

    async def show_access(request: Request) -> Response:
        return JSONResponse(_access_view(google, find_owned_calendar(google, request)))

    async def change_access(request: Request) -> Response:
        calendar, new = find_owned_calendar(google, request), await read_model(request, NewAccess)
        if calendar.primary:
            raise invalid_input("the primary calendar is the user's own")
        _change_access(google, calendar, new)
        return JSONResponse(_access_view(google, find_owned_calendar(google, request)))

    return [
        Route(EVENT_PATH + "/restore", restore, methods=["POST"]),
        Route(CALENDAR_PATH + "/access", show_access, methods=["GET"]),
        Route(CALENDAR_PATH + "/access", change_access, methods=["PATCH"]),
    ]


def _find_calendar(google: LocalGoogle, request: Request) -> StoredCalendar:
    return google.find_own_calendar(find_account(google, request).email, request.path_params["calendarId"])


def find_owned_calendar(google: LocalGoogle, request: Request) -> StoredCalendar:
    """Return the calendar of the path, of which the account is the data owner.

    Raises:
        CalendarApiError: ``notFound``, if there is none, or it is another account's.
    """
    calendar = _find_calendar(google, request)
    if calendar.owner != find_account(google, request).email:
        raise not_found()
    return calendar


def _find_in_bin(google: LocalGoogle, calendar: StoredCalendar, event_id: str) -> StoredEvent:
    """Return the deleted event.

    Raises:
        CalendarApiError: ``notFound``, if there never was one; ``invalid``, if it is not deleted, or was moved away.
    """
    event = google.calendar_events(calendar.id).get(event_id)
    if event is None:
        raise not_found()
    if not event.cancelled:
        raise invalid_input(f"event {event_id} is not deleted")
    if _was_moved(google, event):
        raise invalid_input(f"event {event_id} was moved to another calendar, so it is not in the bin of this one")
    return event


def _was_moved(google: LocalGoogle, event: StoredEvent) -> bool:
    """Return whether the event was moved to another calendar, alone or with its series."""
    series = google.calendar_events(event.calendar_id).get(event.series_id)
    return event.moved_away or bool(series and series.moved_away)


def _change_access(google: LocalGoogle, calendar: StoredCalendar, new: NewAccess) -> None:
    if new.client_id is not None:
        google.put_calendar(replace(calendar, client_id=new.client_id, updated=google.next_stamp()))
    if new.role is not None:
        entry = google.find_entry(calendar.owner, calendar.id)
        google.put_entry(entry.with_role(new.role, google.next_stamp()))


def _access_view(google: LocalGoogle, calendar: StoredCalendar) -> JsonObject:
    return {"role": google.find_entry(calendar.owner, calendar.id).access_role, "client_id": calendar.client_id}
