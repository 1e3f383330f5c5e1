"""The schedule of a reservation: when it starts, ends, closes, and may be written again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from slotsync.domain.calendars.owner import ManagedCalendar, Owner
from slotsync.domain.reservations.snapshot import Reservation

GRACE_PERIOD = timedelta(days=1)
"""The time after its end in which a reservation may still change, before its workflow closes."""

MAX_PARKED_AFTER_END = timedelta(days=30)
"""The time for which a reservation that is over waits for a grant: as long as a refused grant is kept."""

URGENT_WITHIN = timedelta(days=2)
"""A reservation that starts within this time has priority."""

BURST_WINDOW = timedelta(seconds=30)
"""The time for which a write counts as part of a burst."""

MAX_DEBOUNCE = timedelta(seconds=10)


def debounce(writes: Sequence[datetime], now: datetime, longest: timedelta = MAX_DEBOUNCE) -> timedelta:
    """Return how long to wait before the next write, after writes at these times: in a burst 2, 4, 8, then 10 s.

    It is never longer than ``longest``. A first change is written at once; the changes of a burst are written together,
    since Google limits quick writes to one calendar.
    """
    # Writes in the future are those of before the server's clock was set back.
    recent = [at for at in writes if timedelta() <= now - at < BURST_WINDOW]
    if not recent:
        return timedelta()
    gap = min(timedelta(seconds=2 ** len(recent)), longest)
    return max(recent[-1] + gap - now, timedelta())


def starts_at(reservation: Reservation, zones: Mapping[Owner, str] | None = None) -> datetime | None:
    """Return the first start of all items in UTC, or None if there are none.

    Nights start at midnight in the product's time zone.
    """
    return min(
        (_instant(item.start, _zone(zones, item.owners[0])) for item in reservation.items),
        default=None,
    )


def ends_at(reservation: Reservation, zones: Mapping[Owner, str] | None = None) -> datetime | None:
    """Return the last end of all items in UTC, or None if there are none.

    Nights end at midnight in the product's time zone.
    """
    return max(
        (_instant(item.end, _zone(zones, item.owners[0])) for item in reservation.items),
        default=None,
    )


def closes_at(reservation: Reservation, zones: Mapping[Owner, str], now: datetime) -> datetime:
    """Return when no more change is expected: now if it is cancelled, else a day after its end."""
    ends = None if reservation.cancelled else ends_at(reservation, zones)
    return ends + GRACE_PERIOD if ends else now


def is_over(reservation: Reservation, ends: datetime | None, now: datetime) -> bool:
    """Return whether a reservation that was not cancelled has ended, at this time, so long ago that it is closed."""
    return not reservation.cancelled and ends is not None and ends + GRACE_PERIOD <= now


def time_zones(calendars: Iterable[ManagedCalendar]) -> dict[Owner, str]:
    """Return the time zone of each owner, by its IANA name."""
    return {calendar.owner: calendar.settings.time_zone for calendar in calendars}


def priority(starts: datetime | None, now: datetime) -> int:
    """Return 1 for a reservation that starts or has started within two days, else 3; Temporal runs the lower first."""
    return 1 if starts is not None and starts - now < URGENT_WITHIN else 3


def _zone(zones: Mapping[Owner, str] | None, owner: Owner) -> ZoneInfo:
    return ZoneInfo((zones or {}).get(owner, "UTC"))


def _instant(moment: datetime | date, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), zone).astimezone(UTC)
