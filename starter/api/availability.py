"""Routes of availability: look up, explain, confirm."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from slotsync.domain.availability.availability import Availability, SlotState
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.availability.messages import LONGEST_WAIT, Confirmation
from slotsync.domain.messages import Message
from starter.api.paths import MERCHANT, MerchantId, ProductId
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import ServicesDependency
from starter.services.availability import UnknownProduct

router = APIRouter(prefix=f"{MERCHANT}/products/{{product}}", tags=["availability"])

From = Annotated[AwareDatetime, Query(alias="from", description="The start: a date-time with an offset.")]
To = Annotated[AwareDatetime, Query(description="The end; at most the horizon later.")]
At = Annotated[AwareDatetime, Query(description="The moment: a date-time with an offset.")]


class SlotBody(Message):
    """A time that is busy, or of which nobody knows. ``closed``: it cannot be booked."""

    start: datetime
    end: datetime
    state: SlotState
    closed: bool


class AvailabilityBody(Message):
    """Slots in order; what is in none of them is free.

    ``checked_at`` is when the oldest reading in it was made, nothing where there is none; ``complete`` is whether all
    of it is known.
    """

    merchant: str
    product: str
    from_: datetime = Field(serialization_alias="from")
    to: datetime
    checked_at: datetime | None
    complete: bool
    slots: tuple[SlotBody, ...]


class ExplanationBody(Explanation):
    """Why the product is what it is at this moment. Calendars are named: show it to this merchant alone."""

    merchant: str
    product: str


@router.get("/availability")
async def availability(
    merchant: MerchantId, product: ProductId, from_: From, to: To, services: ServicesDependency
) -> AvailabilityBody:
    """When the product is busy or unknown, by what was read last. Unknown is not free."""
    try:
        found = await services.slotsync.availability(merchant, product, from_, to)
    except UnknownProduct as error:
        raise ApiError(NOT_FOUND, str(error)) from None
    return _body(merchant, product, found)


@router.get("/explain")
async def explain(merchant: MerchantId, product: ProductId, at: At, services: ServicesDependency) -> ExplanationBody:
    """Why the product is free, busy or unknown at a moment: by which calendar, interval, reading and rule."""
    try:
        found = await services.slotsync.explain(merchant, product, at)
    except UnknownProduct as error:
        raise ApiError(NOT_FOUND, str(error)) from None
    return ExplanationBody(merchant=merchant, product=product, **dict(found))


def _body(merchant: str, product: str, found: Availability) -> AvailabilityBody:
    return AvailabilityBody(
        merchant=merchant,
        product=product,
        from_=found.span.start,
        to=found.span.end,
        checked_at=found.checked_at,
        complete=found.complete,
        slots=tuple(
            SlotBody(start=each.span.start, end=each.span.end, state=each.state, closed=each.closed)
            for each in found.slots
        ),
    )


_MOST = LONGEST_WAIT // timedelta(milliseconds=1)


class ConfirmBody(Message):
    """A time, and how long Google may take to answer."""

    start: AwareDatetime
    end: AwareDatetime
    within_ms: Annotated[int, Field(ge=1, le=_MOST)] = 2000


@router.post("/confirm")
async def confirm(
    merchant: MerchantId, product: ProductId, asked: ConfirmBody, services: ServicesDependency
) -> Confirmation:
    """Asks Google itself whether the product is free: yes, no, or unknown where nobody answered in time.

    ``evidence`` is what each calendar said; it names them: show it to this merchant alone.
    """
    within = timedelta(milliseconds=asked.within_ms)
    try:
        return await services.slotsync.confirm(merchant, product, asked.start, asked.end, within=within)
    except UnknownProduct as error:
        raise ApiError(NOT_FOUND, str(error)) from None
