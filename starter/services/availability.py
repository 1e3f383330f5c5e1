"""Answer questions about availability from stored readings, and check the times of such questions."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from slotsync.busy_times.product_availability import ProductAvailability
from slotsync.clock import utc_now
from slotsync.domain.availability.availability import Availability
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.availability.intervals import Interval, nights
from slotsync.domain.calendars.owner import Owner
from slotsync.errors import InputError, UnknownSubject
from slotsync.secrets import Vault
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store

_MIN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TIME: Final = datetime(2200, 1, 1, tzinfo=UTC)


class UnknownProduct(UnknownSubject):
    """The platform has not put settings for this product."""

    def __init__(self) -> None:
        super().__init__("The product is not known; put its settings first.")


class ProductZones:
    """The time zones of products."""

    def __init__(self, store: Store) -> None:
        self._owners = Owners(store)

    async def get(self, merchant: str, product: str) -> ZoneInfo:
        """Return the product's time zone.

        Raises:
            UnknownProduct: the product is not known.
        """
        settings = await asyncio.to_thread(self._owners.get, merchant, Owner.product(product))
        if settings is None:
            raise UnknownProduct
        return ZoneInfo(settings.time_zone)


def check_interval(start: datetime | date, end: datetime | date, zone: ZoneInfo, max_duration: timedelta) -> Interval:
    """Return the interval from start to end in UTC; dates are nights, from midnight to midnight in the zone.

    Raises:
        InputError: the times have no zone, are in the wrong order or are a date and a date-time, or the interval is
            longer than ``max_duration``.
    """
    interval, duration = _nights(start, end, zone) if _is_date(start) and _is_date(end) else _time(start, end)
    if duration > max_duration:
        raise InputError(f"The end is more than {max_duration.days} days after the start; ask for less at once.")
    return interval


def check_time(name: str, moment: datetime) -> datetime:
    """Return the time in UTC.

    Raises:
        InputError: it has no time zone, or is before 1970 or after 2199.
    """
    if moment.utcoffset() is None:
        raise InputError(f"{name} has no time zone; give an offset, such as 2026-07-01T18:00:00+03:00.")
    if not _MIN_TIME <= moment < _MAX_TIME:
        raise InputError(f"{name} is not between {_MIN_TIME.year} and {_MAX_TIME.year}; give one that is.")
    return moment.astimezone(UTC)


def check_not_past(interval: Interval, now: datetime, zone: ZoneInfo) -> None:
    """Check that nothing of the interval is before today, as the product's time zone has it.

    Raises:
        InputError: it is.
    """
    today = datetime.combine(now.astimezone(zone).date(), time(), zone)
    if interval.start < today:
        raise InputError("The start is in the past; ask for a time from today on.")


class AvailabilityService:
    """Reads availability as the merchant's calendars were last read."""

    def __init__(self, store: Store, vault: Vault, horizon: Horizon, clock: Callable[[], datetime] = utc_now) -> None:
        self._availability = ProductAvailability(store, vault)
        self._zones = ProductZones(store)
        self._max_duration = timedelta(days=horizon.days)
        self._clock = clock

    async def get(self, merchant: str, product: str, start: datetime | date, end: datetime | date) -> Availability:
        """Return the times between start and end at which the product is busy or unknown; it is free at all others.

        Dates are nights: from midnight to midnight in the product's time zone.

        Raises:
            InputError: the times have no zone, are in the wrong order or are further apart than the horizon.
            UnknownProduct: the product is not known.
        """
        interval = check_interval(start, end, await self._zones.get(merchant, product), self._max_duration)
        found = await asyncio.to_thread(self._availability.get_availability, merchant, product, interval, self._clock())
        if found is None:
            raise UnknownProduct
        return found

    async def explain(self, merchant: str, product: str, at: datetime) -> Explanation:
        """Return why the product is free, busy or unknown at a time.

        Raises:
            InputError: the time has no zone, or is before 1970 or after 2199.
            UnknownProduct: the product is not known.
        """
        moment = check_time("The time", at)
        found = await asyncio.to_thread(self._availability.get_explanation, merchant, product, moment, self._clock())
        if found is None:
            raise UnknownProduct
        return found


def _is_date(moment: datetime | date) -> bool:
    return not isinstance(moment, datetime)


def _nights(start: date, end: date, zone: ZoneInfo) -> tuple[Interval, timedelta]:
    for name, day in (("The start", start), ("The end", end)):
        if not _MIN_TIME.year < day.year < _MAX_TIME.year:  # in UTC it may be a day of the year before or after
            raise InputError(f"{name} is not between {_MIN_TIME.year + 1} and {_MAX_TIME.year - 1}; give one that is.")
    if end < start:
        raise InputError("The end is before the start; give the day of departure as the end.")
    return nights(start, end, zone), end - start


def _time(start: datetime | date, end: datetime | date) -> tuple[Interval, timedelta]:
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        raise InputError("The start and the end are not of one kind; give two date-times, or two dates for nights.")
    first, last = check_time("The start", start), check_time("The end", end)
    if last <= first:
        raise InputError("The end is not after the start; ask for a time that ends after it has begun.")
    return Interval(start=first, end=last), last - first
