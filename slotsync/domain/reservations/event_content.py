"""The content of an event, by the merchant's choice for guest data."""

from datetime import UTC, date, datetime, timedelta
from html import escape

from slotsync.domain.calendars.owner import GuestData, OwnerSettings
from slotsync.domain.reservations.event import EventContent, EventStatus
from slotsync.domain.reservations.snapshot import Item, Reservation, ReservationStatus

BUSY_TITLE = "Reserved"


def describe(reservation: Reservation, item: Item, settings: OwnerSettings) -> EventContent:
    """Return the content of the item's event in the calendar of the owner with these settings."""
    start, end = _times(item)
    return EventContent(
        summary=_summary(reservation, settings.guest_data),
        description=_description(reservation, settings.guest_data),
        start=start,
        end=end,
        time_zone=settings.time_zone,
        status=_status(reservation),
        url=reservation.url if settings.guest_data is not GuestData.BUSY else None,
    )


def _times(item: Item) -> tuple[datetime | date, datetime | date]:
    if isinstance(item.start, datetime) and isinstance(item.end, datetime):
        return item.start.astimezone(UTC), item.end.astimezone(UTC)
    # Google refuses an all-day event without days; a stay without nights takes the whole of its day.
    return item.start, max(item.end, item.start + timedelta(days=1))


def _status(reservation: Reservation) -> EventStatus:
    tentative = reservation.status is ReservationStatus.TENTATIVE
    return EventStatus.TENTATIVE if tentative else EventStatus.CONFIRMED


def _summary(reservation: Reservation, level: GuestData) -> str:
    if level is GuestData.BUSY:
        return BUSY_TITLE
    return reservation.title or f"Reservation {reservation.id}"


def _description(reservation: Reservation, level: GuestData) -> str:
    if level is GuestData.BUSY:
        return ""
    lines = [f"Reservation {reservation.id}"]
    if level is GuestData.FULL:
        guest = reservation.guest
        lines += [guest.name, guest.email, guest.phone, reservation.notes]
    # Google shows a description as HTML: what people have typed is text, also where it looks like a tag or a link.
    return "\n".join(escape(line, quote=False) for line in lines if line)
