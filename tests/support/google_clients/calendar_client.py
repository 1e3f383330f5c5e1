"""The interface of all Google Calendar clients under test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, cast

import pytest

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3.schemas import (
        Calendar,
        CalendarList,
        Channel,
        Event,
        Events,
        FreeBusyResponse,
    )

Parameter: TypeAlias = "str | int | bool | list[str]"
Parameters: TypeAlias = "dict[str, Parameter]"
Slot: TypeAlias = tuple[datetime, datetime]


class Refused(Exception):
    """An error of Google, equal for all clients."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


@contextmanager
def refused(status: int, reason: str) -> Iterator[None]:
    """Assert that the call inside is refused with this status and reason."""
    with pytest.raises(Refused) as caught:
        yield
    assert (caught.value.status, caught.value.reason) == (status, reason), f"refused as {caught.value}"


@dataclass(frozen=True)
class Grant:
    """The credentials with which a client acts for an account."""

    google: str
    refresh_token: str
    access_token: str | None = None
    client_id: str = "slotsync-tests"
    client_secret: str = "no-secret-at-all"


@dataclass(frozen=True)
class Busy:
    """The freebusy answer for one calendar."""

    slots: tuple[Slot, ...] = ()
    errors: tuple[str, ...] = ()


class CalendarClient(ABC):
    """A client for one grant. Each driver defines ``call``; one with methods of its own overrides the methods here."""

    @abstractmethod
    def call(self, method: str, parameters: Parameters, *, body: object = None, if_match: str | None = None) -> object:
        """Return the answer to one call of the API, ``method`` as in the discovery document.

        Raises:
            Refused: Google answered with an error.
        """

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""

    def create_calendar(self, body: Calendar) -> Calendar:
        return cast("Calendar", self.call("calendars.insert", {}, body=body))

    def get_calendar(self, calendar: str) -> Calendar:
        return cast("Calendar", self.call("calendars.get", {"calendarId": calendar}))

    def update_calendar(self, calendar: str, body: Calendar) -> Calendar:
        return cast("Calendar", self.call("calendars.update", {"calendarId": calendar}, body=body))

    def patch_calendar(self, calendar: str, body: Calendar) -> Calendar:
        return cast("Calendar", self.call("calendars.patch", {"calendarId": calendar}, body=body))

    def delete_calendar(self, calendar: str) -> None:
        self.call("calendars.delete", {"calendarId": calendar})

    def listed_calendars(self) -> list[str]:
        """Return the ids of the account's calendar list."""
        listed = cast("CalendarList", self.call("calendarList.list", {}))
        return [entry["id"] for entry in listed["items"]]

    def insert_event(self, calendar: str, body: Event) -> Event:
        return cast("Event", self.call("events.insert", {"calendarId": calendar}, body=body))

    def import_event(self, calendar: str, body: Event) -> Event:
        return cast("Event", self.call("events.import", {"calendarId": calendar}, body=body))

    def get_event(self, calendar: str, event: str) -> Event:
        return cast("Event", self.call("events.get", {"calendarId": calendar, "eventId": event}))

    def update_event(self, calendar: str, event: str, body: Event, *, if_match: str | None = None) -> Event:
        answer = self.call("events.update", {"calendarId": calendar, "eventId": event}, body=body, if_match=if_match)
        return cast("Event", answer)

    def patch_event(
        self, calendar: str, event: str, body: Event | dict[str, None], *, if_match: str | None = None
    ) -> Event:
        answer = self.call("events.patch", {"calendarId": calendar, "eventId": event}, body=body, if_match=if_match)
        return cast("Event", answer)

    def delete_event(self, calendar: str, event: str, *, if_match: str | None = None) -> None:
        self.call("events.delete", {"calendarId": calendar, "eventId": event}, if_match=if_match)

    def events_page(self, calendar: str, **query: Parameter) -> Events:
        """Return a page of the list, with the tokens for the next one."""
        return cast("Events", self.call("events.list", {"calendarId": calendar, **query}))

    def events(self, calendar: str, **query: Parameter) -> list[Event]:
        """Return the events of all pages of the list."""
        page = self.events_page(calendar, **query)
        listed = list(page["items"])
        while token := page.get("nextPageToken"):
            page = self.events_page(calendar, **{**query, "pageToken": token})
            listed += page["items"]
        return listed

    def busy(self, calendars: Sequence[str], start: datetime, end: datetime) -> dict[str, Busy]:
        """Return the freebusy answer for each calendar."""
        body = {
            "timeMin": start.isoformat(),
            "timeMax": end.isoformat(),
            "items": [{"id": calendar} for calendar in calendars],
        }
        answer = cast("FreeBusyResponse", self.call("freebusy.query", {}, body=body))
        return {
            calendar: Busy(
                slots=tuple((_instant(slot["start"]), _instant(slot["end"])) for slot in found["busy"]),
                errors=tuple(error["reason"] for error in found.get("errors", [])),
            )
            for calendar, found in answer["calendars"].items()
        }

    def watch_events(self, calendar: str, channel: Channel) -> Channel:
        return cast("Channel", self.call("events.watch", {"calendarId": calendar}, body=channel))

    def stop_channel(self, channel: Channel) -> None:
        self.call("channels.stop", {}, body={"id": channel["id"], "resourceId": channel["resourceId"]})


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
