"""Products and resources as owners of a managed calendar, and their settings."""

import re
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from slotsync.domain.messages import Identifier, Message


class OwnerKind(StrEnum):
    """What a managed calendar can be made for."""

    PRODUCT = "product"
    RESOURCE = "resource"


class GuestData(StrEnum):
    """How much of a reservation its event may show."""

    FULL = "full"
    LIMITED = "limited"
    BUSY = "busy"


class Owner(Message):
    """A product or a resource of one merchant."""

    kind: OwnerKind
    id: Identifier

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    def __hash__(self) -> int:
        return hash((self.kind, self.id))

    @classmethod
    def product(cls, owner_id: str) -> "Owner":
        """The product with this id."""
        return cls(kind=OwnerKind.PRODUCT, id=owner_id)

    @classmethod
    def resource(cls, owner_id: str) -> "Owner":
        """The resource with this id."""
        return cls(kind=OwnerKind.RESOURCE, id=owner_id)


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError("is not a time zone; give one of the IANA names, such as Europe/Helsinki") from None
    return name


LONGEST_LAST_KNOWN = 24 * 7

_HOURS = re.compile("[0-9]{1,3}")


def _check_on_unknown(choice: str) -> str:
    word, _, hours = choice.partition(":")
    if word == "last_known":
        if _HOURS.fullmatch(hours) and 1 <= int(hours) <= LONGEST_LAST_KNOWN:
            return choice
        raise ValueError(f"needs whole hours after last_known, 1 to {LONGEST_LAST_KNOWN}, such as last_known:4")
    if choice in {"block", "sell"}:
        return choice
    raise ValueError("is not block, sell or last_known:<hours>")


TimeZone = Annotated[str, AfterValidator(_check_zone)]
"""An IANA name."""

OnUnknown = Annotated[str, AfterValidator(_check_on_unknown)]
"""What is done with a time of which nobody knows whether it is free: ``block``, ``sell``, or ``last_known:<hours>``."""


Padding = Annotated[int, Field(ge=0, le=24 * 60)]
"""Minutes by which a busy time is made longer on one side; a day at most."""


class OwnerSettings(Message):
    """What the merchant chose for one product or resource.

    ``free_calendars_needed`` is how many of the calendars that block a product must be free for it to be sold; without
    it, all of them.
    """

    name: str
    time_zone: TimeZone = "UTC"
    sync: bool = True
    guest_data: GuestData = GuestData.LIMITED
    on_unknown: OnUnknown = "block"
    pad_before_minutes: Padding = 0
    pad_after_minutes: Padding = 0
    free_calendars_needed: Annotated[int, Field(ge=1, le=50)] | None = None


class Switch(Message):
    """Whether to synchronize; while it is off, whether our events are taken away or stay as they are."""

    sync: bool
    remove_events: bool = False


class ManagedCalendar(Message):
    """The settings of an owner, with its calendar in Google once there is one.

    ``settings.sync`` is what the owner's switch and its merchant's make together. ``removing`` is true when that is off
    and the merchant wants our events taken away.
    """

    owner: Owner
    settings: OwnerSettings
    removing: bool = False
    connection_id: str | None = None
    calendar_id: str | None = None
