"""The calendars of an account, to pick from."""

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Literal

from slotsync.domain.availability.blocking import PickableCalendar, may_block
from slotsync.google.service import CalendarService, GoogleRequest, GoogleServices, ask

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import CalendarList, CalendarListEntry

PAGE = 250


class GoogleCalendarList:
    """Lists calendars. Nothing of it is kept."""

    def __init__(self, services: GoogleServices) -> None:
        self._services = services

    def of(self, connection_id: str) -> "list[CalendarListEntry]":
        """Every calendar that the account shows, hidden ones too."""
        return list(entries(self._services.calendar(connection_id)))


def entries(
    service: CalendarService,
    send: "Callable[[GoogleRequest[CalendarList]], CalendarList]" = ask,
    role: Literal["owner"] | None = None,
) -> "Iterator[CalendarListEntry]":
    """The account's calendars page by page, hidden ones too; where a role is named, only those that it has it in."""
    token: str | None = None
    while True:
        page = send(service.calendar_list.list(maxResults=PAGE, minAccessRole=role, showHidden=True, pageToken=token))
        yield from page.get("items", [])
        token = page.get("nextPageToken")
        if not token:
            return


def pickable(entries: "Collection[CalendarListEntry]", managed: Collection[str]) -> list[PickableCalendar]:
    """Those that may block a product: the account's own first, then by name."""
    found = [
        PickableCalendar(id=each["id"], name=_name(each), primary=each.get("primary", False))
        for each in entries
        if may_block(each["id"], each.get("description", ""), managed)
    ]
    return sorted(found, key=lambda each: (not each.primary, each.name.casefold(), each.id))


def _name(entry: "CalendarListEntry") -> str:
    return entry.get("summaryOverride") or entry.get("summary") or entry["id"]
