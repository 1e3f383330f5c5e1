"""Products and resources as owners of a managed calendar, and their settings."""

import json
import re
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from slotsync.domain.health import Blocker, blocker_without_connection
from slotsync.domain.messages import DisplayName, Message


class OwnerKind(StrEnum):
    """The kinds of owners of a managed calendar."""

    PRODUCT = "product"
    RESOURCE = "resource"


class GuestData(StrEnum):
    """The levels of guest data: how much of a reservation its event may show."""

    FULL = "full"
    LIMITED = "limited"
    BUSY = "busy"

    def shows_less_than(self, other: "GuestData | None") -> bool:
        """Return whether an event at this level shows less than one at the other; one at an unknown level shows all."""
        levels = [*GuestData]
        return levels.index(self) > levels.index(other or GuestData.FULL)


class Owner(Message):
    """A product or a resource of one merchant.

    The id is checked where it comes in, never where it is read: one that today's rules refuse holds up nothing.
    """

    kind: OwnerKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    def __hash__(self) -> int:
        return hash((self.kind, self.id))

    @classmethod
    def product(cls, owner_id: str) -> "Owner":
        """Return the product with this id."""
        return cls(kind=OwnerKind.PRODUCT, id=owner_id)

    @classmethod
    def resource(cls, owner_id: str) -> "Owner":
        """Return the resource with this id."""
        return cls(kind=OwnerKind.RESOURCE, id=owner_id)


@cache  # each call of available_timezones reads many files
def _known_zones() -> frozenset[str]:
    """Return the IANA names. The machine's database has others besides, which Google refuses."""
    return frozenset(
        name for name in available_timezones() if name not in _NO_ZONES and not name.startswith(_NO_ZONE_FOLDERS)
    )


def _check_zone(name: str) -> str:
    if name not in _known_zones():
        raise ValueError("is not a time zone; give one of the IANA names, such as Europe/Helsinki")
    return name


_NO_ZONES: Final = frozenset({"Factory", "localtime", "posixrules"})
_NO_ZONE_FOLDERS: Final = ("posix/", "right/")

MAX_LAST_KNOWN_HOURS = 24 * 7

_HOURS = re.compile("[0-9]{1,3}")


def _check_on_unknown(choice: str) -> str:
    kind, _, hours = choice.partition(":")
    if kind == "last_known":
        if _HOURS.fullmatch(hours) and 1 <= int(hours) <= MAX_LAST_KNOWN_HOURS:
            return choice
        raise ValueError(f"needs whole hours after last_known, 1 to {MAX_LAST_KNOWN_HOURS}, such as last_known:4")
    if choice in {"block", "sell"}:
        return choice
    raise ValueError("is not block, sell or last_known:<hours>")


TimeZone = Annotated[str, AfterValidator(_check_zone), Field(examples=["Europe/Helsinki"])]
"""An IANA name."""

OnUnknown = Annotated[str, AfterValidator(_check_on_unknown)]
"""The choice for times that are unknown: ``block``, ``sell``, or ``last_known:<hours>``."""


MAX_PADDING: Final = timedelta(days=1)

Padding = Annotated[int, Field(ge=0, le=MAX_PADDING // timedelta(minutes=1))]
"""Minutes by which a busy time is made longer on one side; a day at most."""

FreeCalendars = Annotated[int, Field(ge=1, le=50)]


class OwnerChanges(Message):
    """Changes of the settings of a product or resource: what is left out keeps its value, or has its default at first.

    ``free_calendars_needed`` is how many of the calendars that block a product must be free for it to be sold; None
    means all of them.
    """

    name: DisplayName = ""
    time_zone: TimeZone = "UTC"
    sync: bool = True
    guest_data: GuestData = GuestData.LIMITED
    on_unknown: OnUnknown = "block"
    pad_before_minutes: Padding = 0
    pad_after_minutes: Padding = 0
    free_calendars_needed: FreeCalendars | None = None

    @property
    def given(self) -> dict[str, object]:
        """The settings that are not left out, by name."""
        return self.model_dump(include=self.model_fields_set & OwnerChanges.model_fields.keys())


class OwnerSettings(OwnerChanges):
    """All settings of one product or resource."""

    name: DisplayName


class OwnerDefaults(Message):
    """The platform's defaults for the new products and resources of a merchant; None stands for slotsync's own."""

    sync: bool | None = None
    guest_data: GuestData | None = None
    on_unknown: OnUnknown | None = None
    pad_before_minutes: Padding | None = None
    pad_after_minutes: Padding | None = None
    free_calendars_needed: FreeCalendars | None = None

    @staticmethod
    def read(text: str | None) -> "OwnerDefaults":
        """Return the defaults in a text that ``write`` returned. They are not checked anew: limits may have changed."""
        values: dict[str, Any] = {name: value for name, value in json.loads(text or "{}").items() if name in _DEFAULTED}
        if "guest_data" in values:
            values["guest_data"] = GuestData(values["guest_data"])
        return OwnerDefaults.model_construct(**values)

    def write(self) -> str | None:
        """Return the defaults as they are stored, or None if all are slotsync's own."""
        return self.model_dump_json(exclude_none=True) if self.values else None

    @property
    def values(self) -> dict[str, object]:
        """The defaults that are not slotsync's own, by name."""
        return self.model_dump(exclude_none=True)

    def change(self, changes: "OwnerDefaults") -> Self:
        """Return the defaults after a change. What is left out keeps its value."""
        return self.model_copy(update=changes.model_dump(exclude_unset=True))


_DEFAULTED: Final = frozenset(OwnerDefaults.model_fields)


class Switch(Message):
    """The choice whether to synchronize and, while it is off, whether to remove our events or leave them."""

    sync: bool
    remove_events: bool = False


class ManagedCalendar(Message):
    """The settings of an owner, with its calendar in Google once there is one.

    ``settings.sync`` is true if both the owner's switch and its merchant's are on. ``removing`` is true if it is false
    and the merchant wants our events removed. ``known`` is false if the platform never put the owner's settings, or has
    deleted it. ``connection_id`` is None unless the merchant has a connection that allows to write; ``lacks_scope`` is
    true if it has one that does not. ``refusal`` is why Google refuses the grant, None if it does not. ``shown_zone``
    is the time zone that Google shows of the calendar, None if that is unknown.
    """

    owner: Owner
    settings: OwnerSettings
    known: bool = True
    removing: bool = False
    connection_id: str | None = None
    lacks_scope: bool = False
    refusal: str | None = None
    calendar_id: str | None = None
    shown_zone: str | None = None

    @property
    def event_settings(self) -> OwnerSettings:
        """The settings by which events are written: in the calendar's own time zone, as long as Google has no other.

        Google may refuse a new one: until it takes it, the events must not wait.
        """
        zone = self.shown_zone or self.settings.time_zone
        return self.settings.model_copy(update={"time_zone": zone})

    @property
    def connection_blocker(self) -> Blocker:
        """The reason why nothing is written while there is no connection."""
        return blocker_without_connection(self.refusal, lacks_scope=self.lacks_scope)
