"""The week page: its routes, and the data that it shows."""

import binascii
from base64 import b64decode
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from localgoogle.local_google import LocalGoogle
from localgoogle.pages.calendars import ShownCalendar, list_calendars, short_key
from localgoogle.pages.events import DrawnEvent, EventDetails
from localgoogle.pages.layout import Block, Lane, build_day_blocks, build_lane, max_rows_per_lane, visible_hours
from localgoogle.pages.rendering import render_page
from localgoogle.pages.week import Week, WeekAddress
from localgoogle.protocol.instants import find_zone
from localgoogle.state.accounts import GoogleAccount


def page_routes(google: LocalGoogle) -> list[BaseRoute]:
    """Return the routes of the week page at ``/``, of events' links, and of the styles and scripts of all pages."""
    pages = Pages(google)
    return [
        Route("/", pages.week),
        Route("/calendar/event", pages.event),
        Mount("/static", app=StaticFiles(packages=[("localgoogle.pages", "static")])),
    ]


class Pages:
    """The endpoints of the pages."""

    def __init__(self, google: LocalGoogle) -> None:
        self._google = google

    async def week(self, request: Request) -> Response:
        """Show a week of an account's calendars; of the first account if the address names none."""
        address = WeekAddress.read(request.query_params)
        accounts = {account.email: account for account in self._google.accounts.all()}
        if not accounts:
            return render_page("empty.html")
        account = self._google.accounts.find(address.account) or next(iter(accounts.values()))
        view = WeekPage(self._google, account, replace(address, account=account.email))
        return render_page(
            "week.html", view=view, address=view.address, accounts=accounts, hours=visible_hours(view.blocks)
        )

    async def event(self, request: Request) -> Response:
        """Redirect from the ``htmlLink`` of an event to its week, with the event open."""
        try:
            place = request.query_params.get("eid", "")
            event_id, _, calendar_id = b64decode(place + "=" * (-len(place) % 4)).decode().partition(" ")
            calendar = self._google.find_any_calendar(calendar_id)
        except (binascii.Error, UnicodeDecodeError, KeyError):
            return render_page("empty.html", status=404)
        account = self._google.accounts.get(calendar.owner)
        stored = self._google.calendar_events(calendar_id).get(event_id)
        day = stored.start.astimezone(find_zone(account.time_zone)).date() if stored else None
        address = WeekAddress(account=account.email, week=day, event=f"{short_key(calendar_id)}.{event_id}")
        return RedirectResponse(str(address), status_code=302)


class WeekPage:
    """The data of the week page: a week of one account, as an address selects it."""

    def __init__(self, google: LocalGoogle, account: GoogleAccount, address: WeekAddress) -> None:
        self._google = google
        self.account = account
        self.address = address
        self.zone = find_zone(account.time_zone)
        now = google.clock().astimezone(self.zone)
        self.today, self.minute = now.date(), now.hour * 60 + now.minute
        self.week = Week.around(address.week or self.today, self.zone)

    @cached_property
    def calendars(self) -> list[ShownCalendar]:
        """The calendars of the account's list."""
        return list_calendars(self._google, self.account.email)

    @cached_property
    def events(self) -> dict[ShownCalendar, list[DrawnEvent]]:
        """The week's events that are not deleted, for each calendar of the list."""
        return {calendar: self._list_events(calendar) for calendar in self.calendars}

    @cached_property
    def lanes(self) -> list[Lane]:
        """The rows of bars above the hours, for each ticked calendar that has bars."""
        bars = {calendar: [e for e in events if e.is_bar] for calendar, events in self._ticked.items()}
        with_bars = {calendar: events for calendar, events in bars.items() if events}
        max_rows = max_rows_per_lane(len(with_bars), beside_hours=any(self.blocks))
        opened = self.address.lane
        return [
            build_lane(c, events, self.week, None if c.key == opened else max_rows) for c, events in with_bars.items()
        ]

    @cached_property
    def blocks(self) -> list[list[Block]]:
        """The ticked calendars' timed events, for each day."""
        timed = [event for events in self._ticked.values() for event in events if not event.is_bar]
        return [build_day_blocks(timed, day) for day in self.week.days]

    @cached_property
    def details(self) -> EventDetails | None:
        """The details of the event that the address opens, also of a deleted one; None if it opens none."""
        key, _, event_id = self.address.event.partition(".")
        calendar = next((calendar for calendar in self.calendars if calendar.key == key), None)
        stored = self._google.calendar_events(calendar.stored.id).get(event_id) if calendar else None
        if calendar is None or stored is None:
            return None
        return EventDetails.build(DrawnEvent.build(stored, calendar, self.zone), self.account.time_zone)

    def events_of_day(self, day: date) -> dict[ShownCalendar, list[DrawnEvent]]:
        """Return the events of a day, whole days first, for each ticked calendar that has events."""
        of_day = {
            calendar: [e for e in events if e.first <= day <= e.last] for calendar, events in self._ticked.items()
        }
        return {calendar: sorted(events, key=_reading_order) for calendar, events in of_day.items() if events}

    def nearest_week(self) -> date | None:
        """Return the Monday of the next week with events, else of the last one; None if there is no need or none."""
        if any(self._ticked.values()):
            return None
        all_events = (self._google.calendar_events(calendar.stored.id) for calendar in self._ticked)
        starts = [event.start for calendar_events in all_events for event in calendar_events if not event.cancelled]
        start, _ = self.week.bounds
        nearest = min((s for s in starts if s >= start), default=max(starts, default=None))
        return Week.around(nearest.astimezone(self.zone).date(), self.zone).monday if nearest else None

    @property
    def week_number(self) -> int:
        """The number of the week by ISO 8601."""
        return self.week.monday.isocalendar().week

    @property
    def _ticked(self) -> dict[ShownCalendar, list[DrawnEvent]]:
        return {calendar: events for calendar, events in self.events.items() if self.address.shows(calendar.key)}

    def _list_events(self, calendar: ShownCalendar) -> list[DrawnEvent]:
        stored = self._google.list_events_between(self.account.email, calendar.stored.id, *self.week.bounds)
        drawn = [DrawnEvent.build(event, calendar, self.zone) for event in stored]
        return [event for event in drawn if self.week.touches(event.first, event.last)]


def _reading_order(event: DrawnEvent) -> tuple[bool, datetime, str]:
    return not event.is_bar, event.stored.start, event.title
