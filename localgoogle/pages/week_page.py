"""Gather what the week page shows."""

from datetime import date, datetime
from functools import cached_property

from localgoogle.local_google import LocalGoogle
from localgoogle.pages.address import WeekAddress
from localgoogle.pages.calendars import ShownCalendar, list_calendars
from localgoogle.pages.events import DrawnEvent, EventDetails
from localgoogle.pages.layout import Block, Lane, build_day_blocks, lane, max_rows_per_lane
from localgoogle.pages.week import Week
from localgoogle.protocol.instants import find_zone
from localgoogle.state.accounts import GoogleAccount


class WeekPage:
    """A week of one account, as an address asks for it."""

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
        """The week's living events, for each calendar of the list."""
        return {calendar: self._events_of(calendar) for calendar in self.calendars}

    @cached_property
    def lanes(self) -> list[Lane]:
        """The band above the hours: the ticked calendars that have something in it."""
        bars = {calendar: [e for e in events if e.is_bar] for calendar, events in self._ticked.items()}
        with_bars = {calendar: events for calendar, events in bars.items() if events}
        most = max_rows_per_lane(len(with_bars), beside_hours=any(self.blocks))
        opened = self.address.lane
        return [lane(c, events, self.week, None if c.key == opened else most) for c, events in with_bars.items()]

    @cached_property
    def blocks(self) -> list[list[Block]]:
        """The ticked calendars' timed events, for each day."""
        timed = [event for events in self._ticked.values() for event in events if not event.is_bar]
        return [build_day_blocks(timed, day) for day in self.week.days]

    @cached_property
    def details(self) -> EventDetails | None:
        """The event that the address opens, a deleted one too."""
        key, _, event_id = self.address.event.partition(".")
        calendar = next((calendar for calendar in self.calendars if calendar.key == key), None)
        stored = self._google.calendar_events(calendar.stored.id).get(event_id) if calendar else None
        if calendar is None or stored is None:
            return None
        return EventDetails.build(DrawnEvent.build(stored, calendar, self.zone), self.account.time_zone)

    def events_of_day(self, day: date) -> dict[ShownCalendar, list[DrawnEvent]]:
        """Everything on a day, for each ticked calendar that has something: whole days first."""
        found = {calendar: [e for e in events if e.first <= day <= e.last] for calendar, events in self._ticked.items()}
        return {calendar: sorted(events, key=_reading_order) for calendar, events in found.items() if events}

    def nearest_week(self) -> date | None:
        """A Monday with events where this week has none: the next one, else the last one."""
        if any(self._ticked.values()):
            return None
        books = (self._google.calendar_events(calendar.stored.id) for calendar in self._ticked)
        starts = [event.start for calendar_events in books for event in calendar_events if not event.cancelled]
        start, _ = self.week.bounds
        nearest = min((s for s in starts if s >= start), default=max(starts, default=None))
        return Week.around(nearest.astimezone(self.zone).date(), self.zone).monday if nearest else None

    @property
    def week_number(self) -> int:
        """The number that Europe gives the week."""
        return self.week.monday.isocalendar().week

    @property
    def _ticked(self) -> dict[ShownCalendar, list[DrawnEvent]]:
        return {calendar: events for calendar, events in self.events.items() if self.address.shows(calendar.key)}

    def _events_of(self, calendar: ShownCalendar) -> list[DrawnEvent]:
        stored = self._google.events_between(self.account.email, calendar.stored.id, *self.week.bounds)
        drawn = [DrawnEvent.build(event, calendar, self.zone) for event in stored]
        return [event for event in drawn if self.week.touches(event.first, event.last)]


def _reading_order(event: DrawnEvent) -> tuple[bool, datetime, str]:
    return not event.is_bar, event.stored.start, event.title
