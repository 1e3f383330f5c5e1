"""Answer questions about availability from stored readings."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta

from slotsync.busy_times.product_availability import ProductAvailability
from slotsync.clock import utc_now
from slotsync.domain.availability.availability import Availability
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.availability.horizon import Horizon
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from starter.services.times import ProductZones, UnknownProduct, check_interval, check_time


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
        time = check_time("The time", at)
        found = await asyncio.to_thread(self._availability.get_explanation, merchant, product, time, self._clock())
        if found is None:
            raise UnknownProduct
        return found
