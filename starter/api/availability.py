"""Routes of availability: query, explain, confirm."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field

from slotsync.domain.availability.availability import Availability, SlotState
from slotsync.domain.availability.confirmation import MAX_CONFIRM_WAIT, ConfirmResult
from slotsync.domain.availability.explanation import CalendarReason
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message, UtcTime
from slotsync.domain.reservations.snapshot import Moment
from starter.api.documentation import MERCHANT, MerchantId, ProductId
from starter.api.key_gate import may_see_names
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import ServicesDependency
from starter.services.availability import UnknownProduct

MAX_WITHIN_MS: Final = MAX_CONFIRM_WAIT // timedelta(milliseconds=1)

router = APIRouter(prefix=f"{MERCHANT}/products/{{product}}", tags=["availability"])

StartTime = Annotated[
    Moment, Query(alias="from", description="The start: a date-time with an offset, or a date for nights.")
]
EndTime = Annotated[
    Moment, Query(description="The end: a date-time with an offset, or a date; at most the horizon later.")
]
Time = Annotated[UtcTime, Query(description="The moment: a date-time with an offset.")]


class SlotBody(Message):
    """A time that is busy or unknown. ``closed`` is whether it cannot be booked."""

    start: datetime
    end: datetime
    state: SlotState
    closed: bool


class AvailabilityBody(Message):
    """Slots in order of time; times outside of them are free.

    ``checked_at`` is the time of the oldest reading that was used, or null if there is none; ``complete`` is whether
    all of the time is known.
    """

    merchant: str
    product: str
    from_: datetime = Field(serialization_alias="from")
    to: datetime
    checked_at: datetime | None
    complete: bool
    slots: tuple[SlotBody, ...]


class CalendarBody(CalendarReason):
    """One calendar's state at the moment. Its name is null for a key without the role `connect`."""

    name: str | None


class ExplanationBody(Message):
    """The reasons for the product's state at this moment. It names calendars: show it to this merchant only."""

    merchant: str
    product: str
    at: datetime
    state: SlotState
    closed: bool
    because: str
    calendars: tuple[CalendarBody, ...]


class EvidenceBody(Message):
    """One calendar's busy times, or the error instead. Its name is null for a key without the role `connect`."""

    calendar: str | None
    busy: tuple[Interval, ...]
    error: str


class ConfirmationBody(ConfirmResult):
    """The answer, with the evidence of each calendar."""

    evidence: tuple[EvidenceBody, ...]


class ConfirmBody(Message):
    """The time to check, and how long Google may take to answer, in milliseconds.

    ``start`` and ``end`` are both date-times with an offset, or both dates: the nights from midnight to midnight in the
    product's time zone. Nothing before today can be checked.
    """

    start: Moment
    end: Moment
    within_ms: Annotated[int, Field(ge=1, le=MAX_WITHIN_MS)] = 2000


@router.get("/availability")
async def availability(
    merchant: MerchantId, product: ProductId, from_: StartTime, to: EndTime, services: ServicesDependency
) -> AvailabilityBody:
    """Return the times at which the product is busy or unknown, by the latest readings. Unknown is not free."""
    try:
        known = await services.slotsync.availability(merchant, product, from_, to)
    except UnknownProduct as error:
        raise ApiError(NOT_FOUND, str(error)) from None
    return _build_body(merchant, product, known)


@router.get("/explain")
async def explain(
    merchant: MerchantId, product: ProductId, at: Time, services: ServicesDependency, request: Request
) -> ExplanationBody:
    """Explain why the product is free, busy or unknown at a moment: which calendar, interval, reading and rule."""
    try:
        explanation = await services.slotsync.explain(merchant, product, at)
    except UnknownProduct as error:
        raise ApiError(NOT_FOUND, str(error)) from None
    hidden = {} if may_see_names(request) else {"name": None}
    calendars = tuple(CalendarBody(**dict(each) | hidden) for each in explanation.calendars)
    return ExplanationBody(merchant=merchant, product=product, **dict(explanation) | {"calendars": calendars})


@router.post("/confirm")
async def confirm(
    merchant: MerchantId, product: ProductId, body: ConfirmBody, services: ServicesDependency, request: Request
) -> ConfirmationBody:
    """Read the calendars in Google now, and return whether the product is free: yes, no, or unknown.

    It is unknown if Google does not answer in time. ``evidence`` is the result of each calendar. It names them to keys
    with the role `connect`: show it to this merchant only.
    """
    within = timedelta(milliseconds=body.within_ms)
    try:
        found = await services.slotsync.confirm(merchant, product, body.start, body.end, within=within)
    except UnknownProduct as error:
        raise ApiError(NOT_FOUND, str(error)) from None
    hidden = {} if may_see_names(request) else {"calendar": None}
    evidence = tuple(EvidenceBody(**dict(each) | hidden) for each in found.evidence)
    return ConfirmationBody(**dict(found) | {"evidence": evidence})


def _build_body(merchant: str, product: str, known: Availability) -> AvailabilityBody:
    return AvailabilityBody(
        merchant=merchant,
        product=product,
        from_=known.span.start,
        to=known.span.end,
        checked_at=known.checked_at,
        complete=known.complete,
        slots=tuple(
            SlotBody(start=each.span.start, end=each.span.end, state=each.state, closed=each.closed)
            for each in known.slots
        ),
    )
