"""gcsa, the most used wrapper around Google's Python client.

gcsa has no word for patching, for If-Match, for one page of a list, for a sync token (it always sends a window of time,
which Google refuses beside one) and for channels; of an entry in the calendar list, of colours and of settings it keeps
only a part. Those calls go through its ``service``, as its users make them. All others are gcsa's own, and events cross
its classes both ways, so that its serializers are in every scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from gcsa.google_calendar import GoogleCalendar  # type: ignore[import-untyped]  # gcsa ships no types
from gcsa.serializers.calendar_serializer import CalendarSerializer  # type: ignore[import-untyped]  # gcsa ships no types
from gcsa.serializers.event_serializer import EventSerializer  # type: ignore[import-untyped]  # gcsa ships no types

from tests.support.google_clients.calendar_client import Busy, Grant, Parameter
from tests.support.google_clients.python_client import PythonClient, build_credentials, build_service, refusals

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3.schemas import Calendar, Event


class GcsaClient(PythonClient):
    """gcsa, pointed at the local Google."""

    def __init__(self, calendars: GoogleCalendar) -> None:
        super().__init__(calendars.service)
        self._calendars = calendars

    @classmethod
    def connect(cls, grant: Grant) -> GcsaClient:
        """Return a client that acts for the grant."""
        credentials = build_credentials(grant)
        calendars = GoogleCalendar(credentials=credentials)
        calendars.service.close()
        calendars.service = build_service(grant, credentials)
        return cls(calendars)

    def create_calendar(self, body: Calendar) -> Calendar:
        with refusals():
            return _calendar(self._calendars.add_calendar(CalendarSerializer.to_object(body)))

    def get_calendar(self, calendar: str) -> Calendar:
        with refusals():
            return _calendar(self._calendars.get_calendar(calendar))

    def update_calendar(self, calendar: str, body: Calendar) -> Calendar:
        with refusals():
            named = CalendarSerializer.to_object({**body, "id": calendar})
            return _calendar(self._calendars.update_calendar(named))

    def delete_calendar(self, calendar: str) -> None:
        with refusals():
            self._calendars.delete_calendar(calendar)

    def listed_calendars(self) -> list[str]:
        with refusals():
            return [entry.id for entry in self._calendars.get_calendar_list()]

    def insert_event(self, calendar: str, body: Event) -> Event:
        with refusals():
            return _event(self._calendars.add_event(EventSerializer.to_object(body), calendar_id=calendar))

    def import_event(self, calendar: str, body: Event) -> Event:
        with refusals():
            return _event(self._calendars.import_event(EventSerializer.to_object(body), calendar_id=calendar))

    def get_event(self, calendar: str, event: str) -> Event:
        with refusals():
            return _event(self._calendars.get_event(event, calendar_id=calendar))

    def update_event(self, calendar: str, event: str, body: Event, *, if_match: str | None = None) -> Event:
        if if_match:
            return super().update_event(calendar, event, body, if_match=if_match)
        with refusals():
            named = EventSerializer.to_object({**body, "id": event})
            return _event(self._calendars.update_event(named, calendar_id=calendar))

    def delete_event(self, calendar: str, event: str, *, if_match: str | None = None) -> None:
        if if_match:
            super().delete_event(calendar, event, if_match=if_match)
            return
        with refusals():
            self._calendars.delete_event(event, calendar_id=calendar)

    def events(self, calendar: str, **query: Parameter) -> list[Event]:
        if "syncToken" in query:
            return super().events(calendar, **query)
        # gcsa lists a year from now unless it is told otherwise.
        since, until = _bound(query.pop("timeMin", "2000-01-01")), _bound(query.pop("timeMax", "2100-01-01"))
        with refusals():
            found = self._calendars.get_events(since, until, calendar_id=calendar, **query)
            return [_event(one) for one in found]

    def busy(self, calendars: Sequence[str], start: datetime, end: datetime) -> dict[str, Busy]:
        with refusals():
            found = self._calendars.get_free_busy(
                list(calendars), time_min=start, time_max=end, timezone="UTC", ignore_errors=True
            )
        free = {calendar: Busy(slots=tuple(map(tuple, slots))) for calendar, slots in found.calendars.items()}
        failed = {
            calendar: Busy(errors=tuple(error["reason"] for error in errors))
            for calendar, errors in found.calendars_errors.items()
        }
        return free | failed


def _calendar(calendar: object) -> Calendar:
    return cast("Calendar", CalendarSerializer.to_json(calendar))


def _event(event: object) -> Event:
    return cast("Event", EventSerializer.to_json(event))


def _bound(text: Parameter) -> datetime:
    return datetime.fromisoformat(str(text))
