"""Snapshots as text for the store. What is stored is read as it is: limits of today are not checked anew."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from slotsync.domain.reservations.item_numbers import number_items
from slotsync.domain.reservations.snapshot import Guest, Item, Reservation, ReservationStatus

_KEY: Final = {"merchant", "id"}
_NUMBERS: Final = frozenset({"item_keys", "last_number", "last_items"})
_REDUCED: Final = frozenset({"version", "status", "items"}) | _NUMBERS


class Reduction(StrEnum):
    """Why a stored snapshot was reduced to its version, status and items.

    With ``retention`` its events in Google stay as they are, with ``erasure`` they are written again.
    """

    RETENTION = "retention"
    ERASURE = "erasure"


class NumberedReservation(Reservation):
    """A reservation of which items without an id have other numbers than their positions, or once had.

    ``item_keys`` are in the order of the items, ``last_number`` is the highest number that any item ever had.
    ``last_items`` are those of the version before, which had these keys, if this one was cancelled without items.
    """

    item_keys: tuple[str, ...] = ()
    last_number: int = 0
    last_items: tuple[Item, ...] = ()

    @property
    def numbered_items(self) -> dict[str, Item]:
        """The items by id; an item without an id has its number."""
        return self.last_numbered_items if self.items else {}

    @property
    def last_numbered_items(self) -> dict[str, Item]:
        """The items of the last version that had any, by id or number."""
        items = self.items or self.last_items
        return dict(zip(self.item_keys, items, strict=True)) if self.item_keys else super().numbered_items


class ReducedReservation(NumberedReservation):
    """A reservation of long ago: what its events show of the guest is stored no more, and they stay as they are."""


def dump_snapshot(reservation: Reservation, former: Reservation | None = None) -> str:
    """Return the snapshot as JSON, without merchant and id, which are the key of its row.

    Items without an id are numbered by the former version.
    """
    return _number(reservation, former).model_dump_json(exclude=_KEY)


def _number(reservation: Reservation, former: Reservation | None) -> Reservation:
    numbered = former if isinstance(former, NumberedReservation) else None
    before = numbered.last_numbered_items if numbered else former.numbered_items if former else {}
    last = numbered.last_number if numbered else 0
    items = reservation.items or tuple(before.values())
    numbers = number_items(items, before, last)
    if numbers == number_items(reservation.items, {}):
        return reservation
    return NumberedReservation.model_construct(
        **{name: getattr(reservation, name) for name in Reservation.model_fields},
        item_keys=numbers.keys,
        last_number=numbers.last,
        last_items=() if reservation.items else items,
    )


def reduce_snapshot(text: str, status: ReservationStatus | None = None) -> str:
    """Return the stored snapshot without title, guest, notes and address, and with another status if one is given."""
    kept = {name: value for name, value in json.loads(text).items() if name in _REDUCED}
    return json.dumps(kept | ({"status": status.value} if status else {}))


def load_snapshot(merchant: str, reservation: str, text: str, *, kept_in_google: bool = False) -> Reservation:
    """Return the stored snapshot. Unknown fields are ignored, missing ones get their defaults, no limit is checked.

    With ``kept_in_google`` it is a ``ReducedReservation``.
    """
    fields: dict[str, Any] = json.loads(text)
    model = NumberedReservation if fields.keys() & _NUMBERS else Reservation
    model = ReducedReservation if kept_in_google else model
    keys = {"item_keys": tuple(fields["item_keys"])} if "item_keys" in fields else {}
    gone = {"last_items": tuple(map(_load_item, fields["last_items"]))} if "last_items" in fields else {}
    return model.model_construct(
        merchant=merchant,
        id=reservation,
        **_known(model, fields)
        | keys
        | gone
        | {
            "status": ReservationStatus(fields.get("status", ReservationStatus.CONFIRMED)),
            "items": tuple(map(_load_item, fields.get("items", ()))),
            "guest": Guest.model_construct(**_known(Guest, fields.get("guest", {}))),
        },
    )


def plain_content_hash(reservation: Reservation) -> str:
    """Return a hash of a report without merchant, id and version: equal for equal content, different for all other.

    It is neither stored nor shown, since contents can be guessed by it.
    """
    content = reservation.model_dump(mode="json", exclude={*_KEY, "version"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _load_item(fields: Mapping[str, Any]) -> Item:
    return Item.model_construct(
        **_known(Item, fields)
        | {
            "resources": tuple(fields.get("resources", ())),
            "start": _load_moment(fields["start"]),
            "end": _load_moment(fields["end"]),
        }
    )


def _load_moment(text: str) -> datetime | date:
    return date.fromisoformat(text) if len(text) == len("2026-07-01") else datetime.fromisoformat(text)


def _known(model: type[Reservation | Item | Guest], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in model.model_fields}
