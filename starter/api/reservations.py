"""Routes of reservations."""

from typing import Final

from fastapi import APIRouter, Response, status

from slotsync.domain.reservations.snapshot import Reservation, Snapshot
from starter.api.documentation import MERCHANT, MerchantId, ReservationId
from starter.api.problems import NOT_FOUND, ApiError, Problem
from starter.bootstrap import ServicesDependency
from starter.services.reports import Reported
from starter.services.status import SyncStatus
from starter.services.timeline import Timeline

router = APIRouter(prefix=f"{MERCHANT}/reservations/{{reservation}}", tags=["reservations"])

UNKNOWN_RESERVATION: Final = "No reservation with this id was reported for this merchant."


@router.put(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    response_description="The report is stored, and will be written to Google.",
    responses={
        200: {"model": Reported, "description": "This version is known, or a newer one: nothing was changed."},
        409: {"model": Problem, "description": "This version is known with another content: nothing was changed."},
    },
)
async def report(
    merchant: MerchantId,
    reservation: ReservationId,
    snapshot: Snapshot,
    services: ServicesDependency,
    response: Response,
) -> Reported:
    """Report the whole newest state of a reservation.

    This is safe to repeat. A version older than the newest known one has no effect. Give each change a version of its
    own: the same version with another content is refused.
    """
    newest = Reservation.model_validate({"merchant": merchant, "id": reservation, **dict(snapshot)})
    reported = await services.slotsync.report(newest)
    if reported.superseded or reported.unchanged:
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
