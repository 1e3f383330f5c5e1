"""Routes of reservations."""

from typing import Final

from fastapi import APIRouter, Response, status

from slotsync.domain.reservations.snapshot import Reservation, Snapshot
from starter.api.documentation import MERCHANT, MerchantId, ReservationId
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import ServicesDependency
from starter.client import Reported
from starter.services.status import SyncStatus
from starter.services.timeline import Timeline

router = APIRouter(prefix=f"{MERCHANT}/reservations/{{reservation}}", tags=["reservations"])

UNKNOWN_RESERVATION: Final = (
    "No reservation with this id was reported for this merchant, or no worker has processed it yet."
)


@router.put(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    response_description="The report is stored, and will be written to Google.",
    responses={200: {"model": Reported, "description": "A newer version is known: nothing was changed."}},
)
async def report(
    merchant: MerchantId,
    reservation: ReservationId,
    snapshot: Snapshot,
    services: ServicesDependency,
    response: Response,
) -> Reported:
    """Report the whole newest state of a reservation.

    This is safe to repeat. A version older than the newest known one has no effect.
    """
    newest = Reservation.model_validate({"merchant": merchant, "id": reservation, **dict(snapshot)})
    reported = await services.slotsync.report(newest)
    if reported.superseded:
        response.status_code = status.HTTP_200_OK
    return reported


# The operation id is a public name: generated clients use it.
@router.get("", operation_id="stand_v1_merchants__merchant__reservations__reservation__get")
async def sync_status(merchant: MerchantId, reservation: ReservationId, services: ServicesDependency) -> SyncStatus:
    """Return a reservation's sync status: for each item in each calendar its state, since when, link and last error."""
    result = await services.slotsync.status(merchant, reservation)
    if result is None:
        raise ApiError(NOT_FOUND, UNKNOWN_RESERVATION)
    return result


@router.get("/timeline", response_model_exclude_none=True)
async def timeline(merchant: MerchantId, reservation: ReservationId, services: ServicesDependency) -> Timeline:
    """Return the events in the life of a reservation, the oldest first."""
    events = await services.timelines.get(merchant, reservation)
    if events is None:
        raise ApiError(NOT_FOUND, UNKNOWN_RESERVATION)
    return events
