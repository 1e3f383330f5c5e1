"""Routes of drift: the list, and answers to what is asked about."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from slotsync.domain.messages import Identifier, Message
from slotsync.domain.reservations.drift import DriftAnswer
from slotsync.errors import UnknownSubject
from slotsync.store.calendars.drift_records import ListedDrift
from starter.api.cursors import Cursor, Limit, decode_cursor, encode_cursor
from starter.api.documentation import MERCHANT, MerchantId
from starter.api.merchants import require_merchant
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import ServicesDependency

router = APIRouter(prefix=MERCHANT, tags=["lists"])

DriftId = Annotated[Identifier, Path(alias="drift", description="The drift's id, as the list has it.")]
Open = Annotated[bool, Query(alias="open", description="Only what an audit has not found right since.")]


class DriftList(Message):
    """Drift by when it was found; `next` is null after the last one."""

    items: tuple[ListedDrift, ...]
    next: str | None


class DriftAnswerBody(Message):
    """Answer to drift that is asked about: `keep` what people did to this event, or `repair`, which puts ours back.

    What is kept stays until the event is reported otherwise, or changed further. With `always`, the same is done about
    all drift from now on without asking: `on_drift` becomes `report` or `repair`, unless the merchant has chosen.
    """

    answer: DriftAnswer
    always: bool = False


@router.get("/drift")
async def list_drift(
    merchant: MerchantId,
    services: ServicesDependency,
    limit: Limit = 50,
    after: Cursor = None,
    *,
    only_open: Open = False,
) -> DriftList:
    """List what people did by hand to our events and calendars in Google, and what was done about it."""
    position = decode_cursor(after)
    found = await services.drift.find(merchant, limit + 1, position, only_open=only_open)
    if not found:
        await require_merchant(services, merchant)
    page = found[:limit]
    last = encode_cursor(page[-1].found_at, page[-1].id) if len(found) > limit else None
    return DriftList(items=tuple(page), next=last)


@router.post("/drift/{drift}/answer")
async def answer_drift(
    merchant: MerchantId, drift: DriftId, body: DriftAnswerBody, services: ServicesDependency
) -> ListedDrift:
    """Say what is to be done about drift that is asked about; the last word counts as long as it stands."""
    try:
        return await services.drift.answer(merchant, drift, body.answer, always=body.always)
    except UnknownSubject as error:
        raise ApiError(NOT_FOUND, str(error)) from None
