"""Controls for accounts, their grants, and the edits that a user makes by hand."""

from collections.abc import Callable
from dataclasses import asdict, replace

from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localgoogle.address_change import change_address
from localgoogle.api.calendars import calendar_view, check_calendar
from localgoogle.api.call import ApiCall
from localgoogle.api.methods import HANDLERS
from localgoogle.controls.request_input import invalid_input, read_model, read_object, unknown_name
from localgoogle.events.view import event_view
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.arguments import read_body, read_query
from localgoogle.protocol.discovery import calendar_v3
from localgoogle.protocol.instants import find_zone
from localgoogle.protocol.json_values import JsonObject, as_text, remove_nulls
from localgoogle.protocol.scopes import CALENDAR
from localgoogle.state.accounts import GoogleAccount
from localgoogle.state.grants import Caller
from localgoogle.state.records import ACCESS_ROLES

CALENDAR_PATH = "/sandbox/accounts/{email}/calendars/{calendarId}"
EVENT_PATH = CALENDAR_PATH + "/events/{eventId}"
_LIST_PATH = "/sandbox/accounts/{email}/calendarList"
_ENTRY_PATH = _LIST_PATH + "/{calendarId}"


class NewAddress(BaseModel):
    """The address that an account gets."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(pattern=r"^[^@\s/]+@[^@\s/]+$")


class NewAccount(NewAddress):
    """An account to create."""

    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, name: str) -> str:
        return find_zone(name).key


class NewAppGrant(BaseModel):
    """A grant to create without a browser."""

    model_config = ConfigDict(extra="forbid")

    client_id: str = Field(min_length=1)
    scopes: list[str]


def account_routes(google: LocalGoogle) -> list[Route]:
    """Return the routes of ``/sandbox/accounts`` and of the grants below it."""

    async def create(request: Request) -> Response:
        new = await read_model(request, NewAccount)
        try:
            return JSONResponse(asdict(google.create_account(new.email, new.time_zone)), status_code=201)
        except ValueError as error:
            raise invalid_input(f"email: {error}") from error

    async def change(request: Request) -> Response:
        account, new = find_account(google, request), await read_model(request, NewAddress)
        try:
            return JSONResponse(asdict(change_address(google, account.email, new.email)))
        except ValueError as error:
            raise invalid_input(f"email: {error}") from error

    async def list_all(_: Request) -> Response:
        return JSONResponse({"items": [asdict(account) for account in google.accounts.all()]})

    async def grant(request: Request) -> Response:
        account, new = find_account(google, request), await read_model(request, NewAppGrant)
        token = google.accounts.grant(account.email, new.client_id, new.scopes)
        return JSONResponse({"refresh_token": token, "client_id": new.client_id, "scopes": new.scopes})

    async def revoke(request: Request) -> Response:
        google.accounts.revoke(find_account(google, request).email)
        return Response(status_code=204)

    return [
        Route("/sandbox/accounts", create, methods=["POST"]),
        Route("/sandbox/accounts", list_all, methods=["GET"]),
        Route("/sandbox/accounts/{email}", change, methods=["PATCH"]),
        Route("/sandbox/accounts/{email}/grant", grant, methods=["POST"]),
        Route("/sandbox/accounts/{email}/revoke", revoke, methods=["POST"]),
    ]


def find_account(google: LocalGoogle, request: Request) -> GoogleAccount:
    """Return the account of the path.

    Raises:
        CalendarApiError: ``notFound``, if there is no such account.
    """
    email = request.path_params["email"]
    try:
        return google.accounts.get(email)
    except KeyError as error:
        raise unknown_name(f"there is no account {email}") from error


def user_edit_routes(google: LocalGoogle) -> list[Route]:
    """Return the routes of ``/sandbox/accounts/{email}/calendars`` and of the events below it."""
    user_edits = UserEdits(google)
    return [
        Route("/sandbox/accounts/{email}/calendars", user_edits.list_calendars, methods=["GET"]),
        Route("/sandbox/accounts/{email}/calendars", user_edits.create_calendar, methods=["POST"]),
        Route(_LIST_PATH, user_edits.build_endpoint("calendarList.list"), methods=["GET"]),
        Route(_LIST_PATH, user_edits.build_endpoint("calendarList.insert"), methods=["POST"]),
        Route(_ENTRY_PATH, user_edits.build_endpoint("calendarList.get"), methods=["GET"]),
        Route(_ENTRY_PATH, user_edits.build_endpoint("calendarList.patch"), methods=["PATCH"]),
        Route(_ENTRY_PATH, user_edits.build_endpoint("calendarList.delete"), methods=["DELETE"]),
        Route(CALENDAR_PATH, user_edits.build_endpoint("calendars.get"), methods=["GET"]),
        Route(CALENDAR_PATH, user_edits.build_endpoint("calendars.patch"), methods=["PATCH"]),
        Route(CALENDAR_PATH, user_edits.build_endpoint("calendars.delete"), methods=["DELETE"]),
        Route(CALENDAR_PATH + "/events", user_edits.list_events, methods=["GET"]),
        Route(CALENDAR_PATH + "/events", user_edits.build_endpoint("events.insert"), methods=["POST"]),
        Route(EVENT_PATH, user_edits.build_endpoint("events.get"), methods=["GET"]),
        Route(EVENT_PATH + "/move", user_edits.build_endpoint("events.move"), methods=["POST"]),
        Route(EVENT_PATH, user_edits.build_endpoint("events.patch"), methods=["PATCH"]),
        Route(EVENT_PATH, user_edits.build_endpoint("events.delete"), methods=["DELETE"]),
    ]


class UserEdits:
    """Edits by hand: the methods of the API with all details, without scopes, quotas and the call log."""

    def __init__(self, google: LocalGoogle) -> None:
        self._google = google

    async def list_calendars(self, request: Request) -> Response:
        """Return all calendars of the user."""
        calendars = self._google.list_owned_calendars(find_account(self._google, request).email)
        return JSONResponse({"items": [calendar_view(calendar) for calendar in calendars]})

    async def create_calendar(self, request: Request) -> Response:
        """Create a calendar. The body may name an ``id`` and an ``accessRole``: holidays, a colleague's calendar."""
        account = find_account(self._google, request)
        body = remove_nulls(await read_object(request))
        role = as_text(body.pop("accessRole", "owner"))
        if role not in ACCESS_ROLES:
            raise invalid_input(f"accessRole: must be one of {', '.join(reversed(ACCESS_ROLES))}")
        calendar_id = as_text(body.pop("id", ""))
        if calendar_id and self._google.has_calendar(calendar_id):
            raise invalid_input(f"id: there is a calendar {calendar_id} already")
        kept = check_calendar({"timeZone": account.time_zone} | body)
        calendar = self._google.create_calendar(account.email, kept, calendar_id=calendar_id, role=role)
        return JSONResponse(calendar_view(calendar), status_code=201)

    async def list_events(self, request: Request) -> Response:
        """Return all events of a calendar; with ``showDeleted=true`` the deleted ones, too."""
        account = find_account(self._google, request)
        calendar = self._google.find_own_calendar(account.email, request.path_params["calendarId"])
        with_deleted = request.query_params.get("showDeleted") == "true"
        events = [event for event in self._google.calendar_events(calendar.id) if with_deleted or not event.cancelled]
        return JSONResponse({"items": [event_view(e, calendar, site=self._google.url) for e in events]})

    def build_endpoint(self, method_id: str) -> Callable[[Request], object]:
        """Return an endpoint that runs the API's method, with a body that is checked as the API does."""
        discovery = calendar_v3()
        method, handler = discovery.methods[method_id], HANDLERS[method_id]
        allowed = replace(method, scopes=frozenset({CALENDAR}))

        async def endpoint(request: Request) -> Response:
            account = find_account(self._google, request)
            caller = Caller(account.email, "", allowed.scopes)
            body = read_body(discovery, method.request, await request.body())
            path = {name: str(value) for name, value in request.path_params.items()}
            arguments = {} if method.request or method.verb != "POST" else await read_object(request)
            query = read_query(method, [*request.query_params.multi_items(), *map(_as_pair, arguments.items())])
            content = handler(ApiCall(self._google, allowed, caller, path, query, body, {}, by_hand=True))
            return _response(method_id, content)

        return endpoint


def _as_pair(argument: tuple[str, object]) -> tuple[str, str]:
    name, value = argument
    return name, str(value)


def _response(method_id: str, content: JsonObject | None) -> Response:
    if content is None:
        return Response(status_code=204)
    return JSONResponse(content, status_code=201 if method_id.endswith(".insert") else 200)
