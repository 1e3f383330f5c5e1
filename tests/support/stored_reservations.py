"""Reservations that are written to the store directly, without a workflow."""

from collections.abc import Sequence
from datetime import datetime

from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import ReportResult, Reservations
from tests.support.samples import snapshot

ANY_KEY = Vault(["dGVzdHMtdGhhdC1uZWVkLW5vLXNlY3JldC1hdC1hbGw="])


def store_version(  # noqa: PLR0913  the reservation, and what to store of it
    store: Store,
    version: int,
    now: datetime,
    *,
    reservation: str = "R-1",
    merchant: str = "m",
    status: ReservationStatus = ReservationStatus.CONFIRMED,
    ends_at: datetime | None = None,
    booked: Sequence[BookedTime] = (),
) -> bool:
    """Report a version and plan it; return whether that was new."""
    reservations = Reservations(store, ANY_KEY)
    reported = snapshot(version, name=reservation, merchant=merchant, status=status)
    if reservations.report(reported, now).result is not ReportResult.ACCEPTED:
        return False
    reservations.record_plan(reported, ends_at, booked, now)
    return True
