"""The mark that slotsync leaves on each of its events: whose it is, and which state it shows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from slotsync.rules.event import DesiredEvent, EventKey

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

FORMAT = "1"


@dataclass(frozen=True)
class Mark:
    """Kept in an event's private extended properties: at most 44 characters of key, 1024 of value."""

    merchant: str
    reservation: str
    item: str
    owner: str
    version: int
    fingerprint: str

    @classmethod
    def of(cls, desired: DesiredEvent) -> Self:
        """The mark of an event that shows this state."""
        return cls(
            merchant=desired.merchant,
            reservation=desired.reservation,
            item=desired.key.item,
            owner=str(desired.key.owner),
            version=desired.version,
            fingerprint=desired.content.fingerprint,
        )

    @classmethod
    def on(cls, event: "Event") -> Self | None:
        """The mark on this event; nothing on an event without one, or with one that was damaged by hand."""
        found = event.get("extendedProperties", {}).get("private", {})
        try:
            return cls(
                merchant=found["merchant"],
                reservation=found["reservation"],
                item=found["item"],
                owner=found["owner"],
                version=int(found["version"]),
                fingerprint=found["fingerprint"],
            )
        except (KeyError, ValueError):
            return None

    def is_of(self, merchant: str, reservation: str, key: EventKey) -> bool:
        """Whether it names this event of this reservation, in whatever state."""
        return (self.merchant, self.reservation, self.item, self.owner) == (
            merchant,
            reservation,
            key.item,
            str(key.owner),
        )

    def properties(self) -> dict[str, str]:
        """As private extended properties."""
        return {
            "slotsync": FORMAT,
            "merchant": self.merchant,
            "reservation": self.reservation,
            "item": self.item,
            "owner": self.owner,
            "version": str(self.version),
            "fingerprint": self.fingerprint,
        }
