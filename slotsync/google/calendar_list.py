"""List the calendars of an account, for the merchant to pick from."""

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Literal

from slotsync.domain.availability.blocking import PickableCalendar, may_block
from slotsync.google.requests import execute, list_items, no_heartbeat
from slotsync.google.service import CalendarService, GoogleServices

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import CalendarList, CalendarListEntry

MAX_CALENDARS_PER_PAGE = 250
"""Google's own maximum."""


class GoogleCalendarList:
    """The calendar lists of connected accounts. Nothing of them is stored."""

    def __init__(self, services: GoogleServices) -> None:
        self._services = services

    def list_entries(self, connection_id: str) -> "list[CalendarListEntry]":
        """Return every calendar that the account shows, hidden ones included."""
        return list(iterate_entries(self._services.calendar(connection_id)))


def iterate_entries(
    service: CalendarService,
    heartbeat: Callable[[], None] = no_heartbeat,
    role: Literal["owner"] | None = None,
) -> "Iterator[CalendarListEntry]":
    """Yield the account's calendars, hidden ones included; with a ``role``, only those where the account has it."""

    def fetch_page(token: str | None) -> "CalendarList":
        listing = service.calendar_list.list(
            maxResults=MAX_CALENDARS_PER_PAGE, minAccessRole=role, showHidden=True, pageToken=token
        )
        return execute(listing, heartbeat)

    return list_items(fetch_page)


def select_pickable(entries: "Collection[CalendarListEntry]", managed: Collection[str]) -> list[PickableCalendar]:
    """Return the calendars that may block a product: the primary calendar first, then by name.

    ``managed`` holds the ids of calendars that slotsync created.
    """
    pickable = [
        PickableCalendar(id=each["id"], name=_name(each), primary=each.get("primary", False))
        for each in entries
        if may_block(each["id"], each.get("description", ""), managed)
    ]
    return sorted(pickable, key=lambda each: (not each.primary, each.name.casefold(), each.id))


def _name(entry: "CalendarListEntry") -> str:
    return entry.get("summaryOverride") or entry.get("summary") or entry["id"]
