"""The pages of the local Google, for people who watch."""

import binascii
from base64 import b64decode
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from slotsync.sandbox.instants import zone
from slotsync.sandbox.pages.address import Address
from slotsync.sandbox.pages.blocks import hours_shown
from slotsync.sandbox.pages.rendering import page
from slotsync.sandbox.pages.shown_calendar import key_of
from slotsync.sandbox.pages.week_page import WeekPage

if TYPE_CHECKING:
    from slotsync.sandbox.local_google import LocalGoogle


def page_routes(google: "LocalGoogle") -> list[BaseRoute]:
    """The week page at ``/``, where events' links lead, and the styles and scripts of all pages."""
    pages = Pages(google)
    return [
        Route("/", pages.week),
        Route("/calendar/event", pages.event),
        Mount("/static", app=StaticFiles(packages=[("slotsync.sandbox.pages", "static")])),
    ]


class Pages:
    """Answers what a browser asks for."""

    def __init__(self, google: "LocalGoogle") -> None:
        self._google = google

    async def week(self, request: Request) -> Response:
        """A week of an account's calendars; the first account's where none is named."""
        address = Address.read(request.query_params)
        accounts = {account.email: account for account in self._google.accounts.all()}
        if not accounts:
            return page("empty.html")
        account = accounts.get(address.account) or next(iter(accounts.values()))
        view = WeekPage(self._google, account, replace(address, account=account.email))
        return page("week.html", view=view, address=view.address, accounts=accounts, hours=hours_shown(view.blocks))

    async def event(self, request: Request) -> Response:
        """The week of the event that an ``htmlLink`` names, with the event open."""
        try:
            place = request.query_params.get("eid", "")
            event_id, _, calendar_id = b64decode(place + "=" * (-len(place) % 4)).decode().partition(" ")
            calendar = self._google.any_calendar(calendar_id)
        except (binascii.Error, UnicodeDecodeError, KeyError):
            return page("empty.html", status=404)
        account = self._google.accounts.get(calendar.owner)
        stored = self._google.book(calendar_id).get(event_id)
        day = stored.start.astimezone(zone(account.time_zone)).date() if stored else None
        address = Address(account=account.email, week=day, event=f"{key_of(calendar_id)}.{event_id}")
        return RedirectResponse(str(address), status_code=302)
