"""The control by which people share a calendar with other accounts, as the access control list of Google's page."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localgoogle.controls.accounts import CALENDAR_PATH
from localgoogle.controls.hand_edits import find_owned_calendar
from localgoogle.controls.request_input import invalid_input, read_model, unknown_name
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.records import ACCESS_ROLES, NO_ACCESS, StoredCalendar


class SharedWith(BaseModel):
    """The user whom a calendar is shared with: Google's ``scope``, which can be no group and no domain here."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["user"] = "user"
    value: str


class NewRule(BaseModel):
    """A rule of the access control list: Google's ``AclRule``."""

    model_config = ConfigDict(extra="forbid")

    role: str
    scope: SharedWith

    @field_validator("role")
    @classmethod
    def _check_role(cls, role: str) -> str:
        if role not in {NO_ACCESS, *ACCESS_ROLES}:
            raise ValueError(f"must be one of {', '.join([*reversed(ACCESS_ROLES), NO_ACCESS])}")
        return role


def sharing_routes(google: LocalGoogle) -> list[Route]:
    """Return the routes of the access control list of a calendar."""

    async def show_rules(request: Request) -> Response:
        return JSONResponse(_rules_view(google, find_owned_calendar(google, request)))

    async def share(request: Request) -> Response:
        calendar, rule = find_owned_calendar(google, request), await read_model(request, NewRule)
        if calendar.primary:
            raise invalid_input("only secondary calendars can be shared here")
        google.share_calendar(calendar, _find_other(google, calendar, rule.scope.value), rule.role)
        return JSONResponse(_rules_view(google, calendar))

    return [
        Route(CALENDAR_PATH + "/acl", show_rules, methods=["GET"]),
        Route(CALENDAR_PATH + "/acl", share, methods=["POST"]),
    ]


def _find_other(google: LocalGoogle, calendar: StoredCalendar, email: str) -> str:
    """Return the address of the account with which the calendar is shared.

    Raises:
        CalendarApiError: ``notFound``, if there is no such account; ``invalid``, if it is the calendar's own.
    """
    try:
        found = google.accounts.get(email).email
    except KeyError as error:
        raise unknown_name(f"there is no account {email}") from error
    if found == calendar.owner:
        raise invalid_input("scope: the calendar is this account's own; see /access")
    return found


def _rules_view(google: LocalGoogle, calendar: StoredCalendar) -> JsonObject:
    people = [entry for entry in google.list_people(calendar.id) if entry.reachable]
    return {"items": [{"role": each.access_role, "scope": {"type": "user", "value": each.email}} for each in people]}
