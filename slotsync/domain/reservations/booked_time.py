"""The times in which reservations need products."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from slotsync.domain.availability.intervals import Interval, merged_intervals
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Item, Reservation


class BookedTime(Message):
    """When an item of a reservation needs its product."""

    reservation: str
    item: str
    product: str
    span: Interval


def booked_times(reservation: Reservation, zones: Mapping[Owner, str]) -> list[BookedTime]:
    """Those of a reservation, none when it is cancelled; nights are from midnight to midnight in the product's zone."""
    if reservation.cancelled:
        return []
    return [
        BookedTime(reservation=reservation.id, item=name, product=item.product, span=span)
        for name, item in reservation.numbered_items.items()
        if (span := _span(item, ZoneInfo(zones.get(Owner.product(item.product), "UTC"))))
    ]


def met(times: Iterable[BookedTime], spans: Sequence[Interval]) -> Iterator[BookedTime]:
    """Those that have a moment in common with any of the spans."""
    there = merged_intervals(spans)
    starts = [each.start for each in there]
    for each in times:
        before_its_end = bisect_left(starts, each.span.end)
        if before_its_end and there[before_its_end - 1].overlaps(each.span):
            yield each


def _span(item: Item, zone: ZoneInfo) -> Interval | None:
    """When it is; nothing for an item that takes no time."""
    if isinstance(item.start, datetime) and isinstance(item.end, datetime):
        return Interval(start=item.start, end=item.end) if item.start < item.end else None
    # A stay without nights takes its day.
    days = (item.start, max(item.end, item.start + timedelta(days=1)))
    start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in days)
    return Interval(start=start, end=end)
