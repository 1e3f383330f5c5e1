"""Snapshots: the whole desired state of a reservation at one version."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, HttpUrl, TypeAdapter, model_validator

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.messages import Identifier, Message

MIN_YEAR = 1970
MAX_YEAR = 2200
"""Beyond any booking. Computations with the last years that datetimes have, which some use for "open", overflow."""


def _parse_moment(value: object) -> object:
    """Parse text, with one clear message for all errors instead of one for each possible type."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) == len("2026-07-01") else datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, date):
        raise ValueError(  # noqa: TRY004 - pydantic names the field of a ValueError only
            "is neither a date-time (2026-07-01T18:00:00+03:00) nor a date (2026-07-01)"
        )
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("has no time zone; give an offset (2026-07-01T18:00:00+03:00), or a plain date for nights")
    return value


def _in_utc(value: datetime | date) -> datetime | date:
    # The year is that of the given time, and of the time in UTC, which is what is stored.
    stored = value.astimezone(UTC) if isinstance(value, datetime) and MIN_YEAR <= value.year <= MAX_YEAR else value
    if not (MIN_YEAR <= value.year <= MAX_YEAR and MIN_YEAR <= stored.year <= MAX_YEAR):
        raise ValueError(f"is not between the years {MIN_YEAR} and {MAX_YEAR} in UTC")
    return stored


MAX_URL_LENGTH = 2083

_parse_url = TypeAdapter(HttpUrl).validate_python


def _normalized_url(value: str) -> str:
    url = str(_parse_url(value))
    if len(url) > MAX_URL_LENGTH:  # letters that are not ASCII take up to twelve characters each
        raise ValueError(f"is longer than {MAX_URL_LENGTH} characters when its special characters are encoded")
    return url


Url = Annotated[
    str,
    Field(min_length=1, max_length=MAX_URL_LENGTH, json_schema_extra={"format": "uri"}),
    AfterValidator(_normalized_url),
]
"""An address of a web page, normalized."""


MAX_VERSION = 2**53
"""The largest whole number that every JSON parser reads exactly."""

MAX_EVENTS = 500
"""The most events of a reservation: a workflow writes them in waves of 40 (``activities.reservations``)."""

Moment = Annotated[
    Annotated[AwareDatetime | date, Field(union_mode="left_to_right")],
    BeforeValidator(_parse_moment),
    AfterValidator(_in_utc),
]
"""An instant (kept in UTC), or a date for nights."""


Line = Annotated[str, Field(max_length=500)]


class ReservationStatus(StrEnum):
    """The statuses of a reservation on the platform."""

    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


def _is_same_second(start: datetime, end: datetime | date) -> bool:
    """Return whether nothing is left between the times: Google takes whole seconds, and refuses an empty time."""
    assert isinstance(end, datetime)
    return start.astimezone(UTC).replace(microsecond=0) == end.astimezone(UTC).replace(microsecond=0)


class Guest(Message):
    """The guest of a reservation. Shown in events only at the guest-data level ``full``."""

    name: Line = ""
    email: Line = ""
    phone: Line = ""


class Item(Message):
    """One item of a reservation: a product, the resources that it needs, a start and an end.

    ``start`` and ``end`` are both instants, half-open, or both dates: the day of arrival and the day of departure.
    A stay without nights (two equal dates) takes the whole of its day.
    """

    product: Identifier
    resources: tuple[Identifier, ...] = ()
    start: Moment
    end: Moment
    id: Identifier | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.start, datetime) != isinstance(self.end, datetime):
            raise ValueError("start and end must both be date-times or both be dates")
        if self.end < self.start:
            raise ValueError("end is before start")
        if isinstance(self.start, datetime) and _is_same_second(self.start, self.end):
            raise ValueError("end is in the same second as start; give an end that is later")
        if len(set(self.resources)) != len(self.resources):
            raise ValueError("resources names one resource twice")
        return self

    @property
    def owners(self) -> tuple[Owner, ...]:
        """The owners of the calendars that show this item: its product, then its resources."""
        return (Owner.product(self.product), *(Owner.resource(resource) for resource in self.resources))


class Snapshot(Message):
    """The whole desired state of a reservation, at one version."""

    version: Annotated[int, Field(ge=0, le=MAX_VERSION)]
    status: ReservationStatus = ReservationStatus.CONFIRMED
    title: Annotated[str, Field(max_length=1000)] = ""
    items: tuple[Item, ...] = ()
    guest: Guest = Guest()
    notes: Annotated[str, Field(max_length=8000)] = ""
    url: Url | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.items and self.status is not ReservationStatus.CANCELLED:
            raise ValueError("items is empty; only a cancelled reservation may have none")
        if len(self.numbered_items) != len(self.items):
            raise ValueError("two items have the same id")
        if sum(len(item.owners) for item in self.items) > MAX_EVENTS:
            raise ValueError(f"items have more than {MAX_EVENTS} products and resources in all; split the reservation")
        return self

    @property
    def cancelled(self) -> bool:
        """True if none of its events should be in Google."""
        return self.status is ReservationStatus.CANCELLED

    @property
    def numbered_items(self) -> dict[str, Item]:
        """The items by id; an item without an id has its position, counted from 1."""
        return {item.id or str(position): item for position, item in enumerate(self.items, 1)}

    @property
    def owners(self) -> tuple[Owner, ...]:
        """All products and resources of the items, each once."""
        return tuple(dict.fromkeys(owner for item in self.items for owner in item.owners))


class Reservation(Snapshot):
    """A reservation as the platform wants it to be, at one version."""

    merchant: Identifier
    id: Identifier
