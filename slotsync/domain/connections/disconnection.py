"""What becomes of calendars and grant when a merchant disconnects Google."""

from collections.abc import Collection, Iterator
from enum import StrEnum

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.messages import Message


class CalendarChoice(StrEnum):
    """What the merchant wants to become of the calendars that slotsync made."""

    KEEP = "keep"
    DELETE = "delete"


class DisconnectedCalendar(Message):
    """A calendar that slotsync made."""

    owner: Owner
    calendar_id: str


class Disconnection(Message):
    """A connection on its way out.

    ``alive``: its grant may still work; ``shared``: another merchant connected the same Google account.
    """

    connection_id: str
    alive: bool
    shared: bool
    calendars: tuple[DisconnectedCalendar, ...] = ()


class DisconnectionResult(Message):
    """What a disconnection did, and what it left behind in Google; ``notes`` say it in plain words.

    ``shared``: another merchant uses the same Google account, so that its access could not be ended.
    """

    deleted: tuple[Owner, ...] = ()
    left: tuple[Owner, ...] = ()
    grant_ended: bool = False
    shared: bool = False
    notes: tuple[str, ...] = ()


def disconnection_result(
    departure: Disconnection, deleted: Collection[Owner], wanted: CalendarChoice, *, grant_ended: bool
) -> DisconnectionResult:
    """What was done and left, from what there was and which calendars were deleted."""
    left = tuple(each.owner for each in departure.calendars if each.owner not in deleted)
    return DisconnectionResult(
        deleted=tuple(each.owner for each in departure.calendars if each.owner in deleted),
        left=left,
        grant_ended=grant_ended,
        shared=departure.shared,
        notes=(*_about_calendars(len(left), wanted), *_about_grant(departure, ended=grant_ended)),
    )


def _about_calendars(left: int, wanted: CalendarChoice) -> Iterator[str]:
    if left and wanted is CalendarChoice.KEEP:
        yield f"{left} calendars stay in Google Calendar, as asked; slotsync no longer updates them."
    elif left:
        yield (
            f"{left} calendars stay in Google Calendar, because they hold events of your own or could not be reached. "
            "Delete them there if you do not need them."
        )


def _about_grant(departure: Disconnection, *, ended: bool) -> Iterator[str]:
    if departure.shared:
        yield "Another merchant uses the same Google account, so the access stays in Google; it is no longer used here."
    elif departure.alive and not ended:
        yield "Google could not be told; remove slotsync at https://myaccount.google.com/connections yourself."
