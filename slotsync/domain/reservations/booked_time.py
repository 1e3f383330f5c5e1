"""Booked times: when reservations need products."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from slotsync.domain.availability.intervals import Interval, merged_intervals, nights
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Item, Reservation


class BookedTime(Message):
    """The time in which an item of a reservation needs its product."""

    reservation: str
    item: str
    product: str
    interval: Interval


def booked_times(reservation: Reservation, zones: Mapping[Owner, str]) -> list[BookedTime]:
    """Return the booked times of a reservation, none if it is cancelled.

    Nights last from midnight to midnight in the product's time zone; without one they have no time yet.
    """
    if reservation.cancelled:
        return []
    return [
        BookedTime(reservation=reservation.id, item=name, product=item.product, interval=interval)
        for name, item in reservation.numbered_items.items()
        if (interval := _interval(item, zones.get(Owner.product(item.product))))
    ]


def overlapping_times(times: Iterable[BookedTime], intervals: Sequence[Interval]) -> Iterator[BookedTime]:
    """Yield the booked times that overlap any of the intervals."""
    apart = merged_intervals(intervals)
    starts = [each.start for each in apart]
    for each in times:
        started = bisect_left(starts, each.interval.end)
        if started and apart[started - 1].overlaps(each.interval):
            yield each


def _interval(item: Item, zone: str | None) -> Interval | None:
    """Return the time of the item, or None if it takes no time, or has none yet."""
    if isinstance(item.start, datetime) and isinstance(item.end, datetime):
        return Interval(start=item.start, end=item.end) if item.start < item.end else None
    return nights(item.start, item.end, ZoneInfo(zone)) if zone else None
