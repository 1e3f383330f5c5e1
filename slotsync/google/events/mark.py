"""The mark that identifies an event as ours: private properties, with names that no other program gives to its own."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, Self

from slotsync.domain.reservations.event import DesiredEvent, EventContent, EventKey

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

FORMAT: Final = "slotsync"
"""The property with the format's number. The second format has ``reservation`` once more, without a prefix."""

MARK_FORMAT: Final = "3"
FIRST_FORMAT: Final = "1"

_FIELDS: Final = ("merchant", "reservation", "item", "owner", "version", "fingerprint")
_NAMES: Final = {name: f"slotsync{name.capitalize()}" for name in _FIELDS}
"""The names of the fields' properties: other programs have a ``version`` of their own on our events."""

_FIRST_NAMES: Final = {name: name for name in _FIELDS}
"""The names in marks of the first format, which events keep until they are written again."""

_WRITTEN: Final = "slotsyncFields"
_NOTHING_WRITTEN: Final = "none"
"""An empty property could get lost."""

OPTIONAL_FIELDS: Final = frozenset({"description", "source"})
"""The fields of an event in Google that slotsync writes at some levels of guest data, and leaves empty at others."""

SEARCHED: Final = _NAMES["reservation"]
"""The property by which events are searched for."""

SEARCHED_FIRST: Final = _FIRST_NAMES["reservation"]
"""The property by which events with marks of the first format are searched for."""


@dataclass(frozen=True)
class Mark:
    """The identity and version of an event, stored in its private extended properties.

    Google allows at most 44 characters of key and 1024 of value. ``written`` are those of the fields that slotsync
    does not always write that it wrote, None in formats that do not say it.
    """

    merchant: str
    reservation: str
    item: str
    owner: str
    version: int
    fingerprint: str
    written: frozenset[str] | None = field(default=None, compare=False)
    is_first_format: bool = field(default=False, compare=False)

    @classmethod
    def from_desired(cls, desired: DesiredEvent) -> Self:
        """Return the mark for an event in this state."""
        return cls(
            merchant=desired.merchant,
            reservation=desired.reservation,
            item=desired.key.item,
            owner=str(desired.key.owner),
            version=desired.version,
            fingerprint=desired.fingerprint,
            written=_written_fields(desired.content),
        )

    @classmethod
    def of_placeholder(cls, merchant: str, reservation: str, key: EventKey, version: int) -> Self:
        """Return the mark for an event that only takes the id of this one, until it is deleted at this version."""
        return cls(merchant, reservation, key.item, str(key.owner), version, fingerprint=_NOTHING_WRITTEN)

    @classmethod
    def from_event(cls, event: "Event") -> Self | None:
        """Return the event's mark, or None if it has none or one that was damaged by hand."""
        properties = event.get("extendedProperties", {}).get("private", {})
        first = _is_first_format(properties)
        names = _FIRST_NAMES if first else _NAMES
        try:
            return cls(
                merchant=properties[names["merchant"]],
                reservation=properties[names["reservation"]],
                item=properties[names["item"]],
                owner=properties[names["owner"]],
                version=_first_version(properties) if first else int(properties[names["version"]]),
                fingerprint=properties[names["fingerprint"]],
                written=frozenset(properties[_WRITTEN].split()) if _WRITTEN in properties else None,
                is_first_format=first,
            )
        except (KeyError, ValueError):
            return None

    def matches(self, merchant: str, reservation: str, key: EventKey) -> bool:
        """Return whether the mark belongs to the event that has the id of this one, in any version.

        Of the first format nothing is believed: other programs have properties of these names, and the id is enough.
        """
        identity = (self.merchant, self.reservation, self.item, self.owner)
        return self.is_first_format or identity == (merchant, reservation, key.item, str(key.owner))

    @property
    def unwritten(self) -> frozenset[str]:
        """The fields that slotsync left empty: what stands there is somebody else's."""
        return OPTIONAL_FIELDS - self.written if self.written is not None else frozenset()

    def is_newer_than(self, version: int) -> bool:
        """Return whether the mark certainly names a newer version: in the first format it may be another program's."""
        return self.version > version and not self.is_first_format

    def to_properties(self) -> dict[str, str]:
        """Return the mark as private extended properties."""
        fields = {_NAMES[name]: str(value) for name, value in asdict(self).items() if name in _NAMES}
        return {FORMAT: MARK_FORMAT, **fields, _WRITTEN: " ".join(sorted(self.written or ())) or _NOTHING_WRITTEN}


def _written_fields(content: EventContent) -> frozenset[str]:
    written = {"description": content.description, "source": content.url}
    return frozenset(name for name in OPTIONAL_FIELDS if written[name])


def remove_mark(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the private properties that are not of our mark: those of other programs."""
    ours = {FORMAT, _WRITTEN, *_NAMES.values()}
    if _is_first_format(properties):
        ours |= {*_FIRST_NAMES.values()}
    elif properties.get(FORMAT) == "2" and properties.get(SEARCHED_FIRST) == properties.get(SEARCHED):
        ours.add(SEARCHED_FIRST)
    return {name: value for name, value in properties.items() if name not in ours}


def _is_first_format(properties: Mapping[str, str]) -> bool:
    return properties.get(FORMAT) == FIRST_FORMAT and _NAMES["version"] not in properties


def _first_version(properties: Mapping[str, str]) -> int:
    """Return the version in a mark of the first format, or 0 if another program has written something else there."""
    text = properties[_FIRST_NAMES["version"]]
    return int(text) if text.isdecimal() else 0
