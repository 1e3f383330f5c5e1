"""Asking when a product can be booked, and why."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from slotsync.clock import utc_now
from slotsync.errors import InputError
from slotsync.rules.availability import Availability
from slotsync.rules.explanation import Explanation
from slotsync.rules.horizon import Horizon
from slotsync.rules.span import Span
from slotsync.secrets import Vault
from slotsync.store import Store
from slotsync.store.answers import Answers

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


class UnknownProduct(InputError):
    """Nobody has told slotsync of this product."""

    def __init__(self) -> None:
        super().__init__("The product is not known; put its settings first.")


class Asking:
    """Answers from what was read of a merchant's calendars last. An ``InputError`` names what cannot be asked."""

    def __init__(self, store: Store, vault: Vault, horizon: Horizon, clock: Callable[[], datetime] = utc_now) -> None:
        self._answers = Answers(store, vault)
        self._longest = timedelta(days=horizon.days)
        self._clock = clock

    async def availability(self, merchant: str, product: str, start: datetime, end: datetime) -> Availability:
        """When the product is busy or unknown; all else is free."""
        asked = checked_window(start, end, self._longest)
        found = await asyncio.to_thread(self._answers.availability, merchant, product, asked, self._clock())
        if found is None:
            raise UnknownProduct
        return found

    async def explanation(self, merchant: str, product: str, at: datetime) -> Explanation:
        """Why the product is free, busy or unknown at a moment."""
        moment = _checked("The time", at)
        found = await asyncio.to_thread(self._answers.explanation, merchant, product, moment, self._clock())
        if found is None:
            raise UnknownProduct
        return found


def checked_window(start: datetime, end: datetime, longest: timedelta) -> Span:
    """The time from start to end; an ``InputError`` when it is not one, or is longer than that."""
    first, last = _checked("The start", start), _checked("The end", end)
    if last <= first:
        raise InputError("The end is not after the start; ask for a time that ends after it has begun.")
    if last - first > longest:
        raise InputError(f"The end is more than {longest.days} days after the start; ask for less at once.")
    return Span(start=first, end=last)


def _checked(name: str, moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise InputError(f"{name} has no time zone; give an offset, such as 2026-07-01T18:00:00+03:00.")
    if not _EARLIEST <= moment < _LATEST:
        raise InputError(f"{name} is not between {_EARLIEST.year} and {_LATEST.year}; give one that is.")
    return moment.astimezone(UTC)
