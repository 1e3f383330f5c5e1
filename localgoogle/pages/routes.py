"""The routes of the pages: the week, the links of events, styles and scripts."""

import binascii
from base64 import b64decode
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from localgoogle.local_google import LocalGoogle
from localgoogle.pages.address import WeekAddress
from localgoogle.pages.calendars import short_key
from localgoogle.pages.layout import visible_hours
from localgoogle.pages.rendering import render_page
from localgoogle.pages.week_page import WeekPage
from localgoogle.protocol.instants import find_zone


def page_routes(google: LocalGoogle) -> list[BaseRoute]:
    """The week page at ``/``, where events' links lead, and the styles and scripts of all pages."""
    pages = Pages(google)
    return [
        Route("/", pages.week),
        Route("/calendar/event", pages.event),
        Mount("/static", app=StaticFiles(packages=[("localgoogle.pages", "static")])),
    ]


class Pages:
    """Answers what a browser asks for."""

    def __init__(self, google: LocalGoogle) -> None:
        self._google = google

    async def week(self, request: Request) -> Response:
        """A week of an account's calendars; the first account's where none is named."""
        address = WeekAddress.read(request.query_params)
        accounts = {account.email: account for account in self._google.accounts.all()}
        if not accounts:
            return render_page("empty.html")
        account = accounts.get(address.account) or next(iter(accounts.values()))
        view = WeekPage(self._google, account, replace(address, account=account.email))
        return render_page(
            "week.html", view=view, address=view.address, accounts=accounts, hours=visible_hours(view.blocks)
        )

    async def event(self, request: Request) -> Response:
        """The week of the event that an ``htmlLink`` names, with the event open."""
        try:
            place = request.query_params.get("eid", "")
            event_id, _, calendar_id = b64decode(place + "=" * (-len(place) % 4)).decode().partition(" ")
            calendar = self._google.any_calendar(calendar_id)
        except (binascii.Error, UnicodeDecodeError, KeyError):
            return render_page("empty.html", status=404)
        account = self._google.accounts.get(calendar.owner)
        stored = self._google.calendar_events(calendar_id).get(event_id)
        day = stored.start.astimezone(find_zone(account.time_zone)).date() if stored else None
        address = WeekAddress(account=account.email, week=day, event=f"{short_key(calendar_id)}.{event_id}")
        return RedirectResponse(str(address), status_code=302)
