"""Ask Google when calendars are busy: bare times, and nothing else of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message
from slotsync.google.events.body import instant_text
from slotsync.google.service import GoogleServices, ask

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import FreeBusyCalendar, FreeBusyRequest


class BusyTimes(Message):
    """The busy times of one calendar; with an ``error``, Google's reason, they are unknown, whatever ``busy`` is."""

    busy: tuple[Interval, ...] = ()
    error: str = ""


class GoogleBusyTimes:
    """Reads busy times with ``freebusy.query``."""

    def __init__(self, services: GoogleServices) -> None:
        self._services = services

    def read(self, connection_id: str, calendar_ids: Sequence[str], span: Interval) -> dict[str, BusyTimes]:
        """What is said of each of at most 50 calendars and 60 days, in one call. Raises a ``GoogleError``."""
        body: FreeBusyRequest = {
            "timeMin": instant_text(span.start),
            "timeMax": instant_text(span.end),
            "items": [{"id": each} for each in calendar_ids],
        }
        answer = ask(self._services.calendar(connection_id).freebusy.query(body=body))
        answered = answer.get("calendars") or {}
        return {each: _busy_times(answered, each) for each in calendar_ids}


def _busy_times(answered: "Mapping[str, FreeBusyCalendar]", calendar_id: str) -> BusyTimes:
    calendar = answered.get(calendar_id)
    if calendar is None:
        return BusyTimes(error="unanswered")
    try:
        if errors := calendar.get("errors"):  # inside a 200
            return BusyTimes(error=errors[0].get("reason") or "unknown")
        times = [(each["start"], each["end"]) for each in calendar["busy"]]
        return BusyTimes(busy=tuple(_span(*each) for each in times if each[0] != each[1]))
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValidationError,
    ):  # one calendar that makes no sense must not hide the others
        return BusyTimes(error="unreadable")


def _span(start: str, end: str) -> Interval:
    return Interval.model_validate({"start": start, "end": end})
