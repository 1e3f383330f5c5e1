"""Read calendars' busy times from Google: times only, no titles or other fields."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message
from slotsync.google.events.body import format_instant
from slotsync.google.requests import execute
from slotsync.google.service import GoogleServices

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import FreeBusyCalendar, FreeBusyRequest


class BusyTimes(Message):
    """The busy times of one calendar. With an ``error`` (Google's reason) they are unknown, whatever ``busy`` is."""

    busy: tuple[Interval, ...] = ()
    error: str = ""


class GoogleBusyTimes:
    """Busy times by ``freebusy.query``."""

    def __init__(self, services: GoogleServices) -> None:
        self._services = services

    def read(self, connection_id: str, calendar_ids: Sequence[str], interval: Interval) -> dict[str, BusyTimes]:
        """Return the busy times in the interval by calendar id, with one call: at most 50 calendars and 60 days.

        Raises:
            GoogleError: The call failed as a whole.
        """
        body: FreeBusyRequest = {
            "timeMin": format_instant(interval.start),
            "timeMax": format_instant(interval.end),
            "items": [{"id": each} for each in calendar_ids],
        }
        answer = execute(self._services.calendar(connection_id).freebusy.query(body=body))
        calendars = answer.get("calendars") or {}
        return {each: _busy_times(calendars, each) for each in calendar_ids}


def _busy_times(calendars: "Mapping[str, FreeBusyCalendar]", calendar_id: str) -> BusyTimes:
    calendar = calendars.get(calendar_id)
    if calendar is None:
        return BusyTimes(error="unanswered")
    try:
        if errors := calendar.get("errors"):  # inside an answer with status 200
            return BusyTimes(error=errors[0].get("reason") or "unknown")
        times = [(each["start"], each["end"]) for each in calendar["busy"]]
        return BusyTimes(busy=tuple(_interval(*each) for each in times if each[0] != each[1]))
    except (AttributeError, KeyError, TypeError, ValidationError):
        # One calendar that cannot be read must not hide the others.
        return BusyTimes(error="unreadable")


def _interval(start: str, end: str) -> Interval:
    return Interval.model_validate({"start": start, "end": end})
