"""When a reservation starts, ends, closes, and may be written again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from slotsync.domain.calendars.owner import ManagedCalendar, Owner
from slotsync.domain.reservations.snapshot import Reservation

GRACE_PERIOD = timedelta(days=1)
"""How long after its end a reservation may still change before its workflow closes."""

URGENT_WITHIN = timedelta(days=2)
BURST_WINDOW = timedelta(seconds=30)
MAX_DEBOUNCE = timedelta(seconds=10)


def debounce(writes: Sequence[datetime], now: datetime) -> timedelta:
    """How long to wait before writing again, after writes at these times: 2 s, 4 s, 8 s, then 10 s in a row.

    A first change is written at once; a burst of changes is gathered, since Google limits quick writes to one calendar.
    """
    recent = [at for at in writes if now - at < BURST_WINDOW]
    if not recent:
        return timedelta()
    gap = min(timedelta(seconds=2 ** len(recent)), MAX_DEBOUNCE)
    return max(recent[-1] + gap - now, timedelta())


def starts_at(reservation: Reservation, zones: Mapping[Owner, str] | None = None) -> datetime | None:
    """The first start, as an instant; nights start at midnight in the product's zone."""
    return min(
        (_instant(item.start, _zone(zones, item.owners[0])) for item in reservation.items),
        default=None,
    )


def ends_at(reservation: Reservation, zones: Mapping[Owner, str] | None = None) -> datetime | None:
    """The last end, as an instant; nights end at midnight in the product's zone."""
    return max(
        (_instant(item.end, _zone(zones, item.owners[0])) for item in reservation.items),
        default=None,
    )


def zones_of(calendars: Iterable[ManagedCalendar]) -> dict[Owner, str]:
    """The time zone of each owner."""
    return {calendar.owner: calendar.settings.time_zone for calendar in calendars}


def priority(starts: datetime | None, now: datetime) -> int:
    """1 for what starts (or started) within two days, 3 for the rest; Temporal runs the lower first."""
    return 1 if starts is not None and starts - now < URGENT_WITHIN else 3


def _zone(zones: Mapping[Owner, str] | None, owner: Owner) -> ZoneInfo:
    return ZoneInfo((zones or {}).get(owner, "UTC"))


def _instant(moment: datetime | date, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), zone).astimezone(UTC)
