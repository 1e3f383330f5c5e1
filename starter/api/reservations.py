"""Routes of reservations."""

from typing import Final

from fastapi import APIRouter, Response, status

from slotsync.domain.reservations.snapshot import Reservation, Snapshot
from starter.api.paths import MERCHANT, MerchantId, ReservationId
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import ServicesDependency
from starter.client import Reported
from starter.services.status import SyncStatus
from starter.services.timeline import Timeline

router = APIRouter(prefix=f"{MERCHANT}/reservations/{{reservation}}", tags=["reservations"])

UNKNOWN: Final = "No reservation with this id was reported for this merchant, or no worker has taken it up yet."


@router.put(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    response_description="Durable, and on its way to Google.",
    responses={200: {"model": Reported, "description": "A newer version is known: nothing was changed."}},
)
async def report(
    merchant: MerchantId,
    reservation: ReservationId,
    snapshot: Snapshot,
    services: ServicesDependency,
    response: Response,
) -> Reported:
    """Tells the whole newest state of a reservation.

    Safe to repeat. A version older than the newest one known has no effect.
    """
    told = Reservation.model_validate({"merchant": merchant, "id": reservation, **dict(snapshot)})
    reported = await services.slotsync.report(told)
    if reported.superseded:
        response.status_code = status.HTTP_200_OK
    return reported


@router.get("")
async def stand(merchant: MerchantId, reservation: ReservationId, services: ServicesDependency) -> SyncStatus:
    """How a reservation stands: for each item in each calendar its state, its link, the last error, since when."""
    standing = await services.slotsync.status(merchant, reservation)
    if standing is None:
        raise ApiError(NOT_FOUND, UNKNOWN)
    return standing


@router.get("/timeline", response_model_exclude_none=True)
async def timeline(merchant: MerchantId, reservation: ReservationId, services: ServicesDependency) -> Timeline:
    """What happened to a reservation, and when, the oldest first."""
    told = await services.timelines.of(merchant, reservation)
    if told is None:
        raise ApiError(NOT_FOUND, UNKNOWN)
    return told
