"""Snapshots as text for the store. What is stored is read as it is: limits of today are not checked anew."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from slotsync.domain.reservations.snapshot import Guest, Item, Reservation, ReservationStatus

_KEY: Final = {"merchant", "id"}
_REDUCED: Final = frozenset({"version", "status", "items"})


class Reduction(StrEnum):
    """Why a stored snapshot was reduced to its version, status and items.

    With ``retention`` its events in Google stay as they are, with ``erasure`` they are written again.
    """

    RETENTION = "retention"
    ERASURE = "erasure"


class ReducedReservation(Reservation):
    """A reservation of long ago: what its events show of the guest is stored no more, and they stay as they are."""


def dump_snapshot(reservation: Reservation) -> str:
    """Return the snapshot as JSON, without merchant and id, which are the key of its row."""
    return reservation.model_dump_json(exclude=_KEY)


def reduce_snapshot(text: str, status: ReservationStatus | None = None) -> str:
    """Return the stored snapshot without title, guest, notes and address, and with another status if one is given."""
    kept = {name: value for name, value in json.loads(text).items() if name in _REDUCED}
    return json.dumps(kept | ({"status": status.value} if status else {}))


def load_snapshot(merchant: str, reservation: str, text: str, *, kept_in_google: bool = False) -> Reservation:
    """Return the stored snapshot. Unknown fields are ignored, missing ones get their defaults, no limit is checked.

    With ``kept_in_google`` it is a ``ReducedReservation``.
    """
    fields: dict[str, Any] = json.loads(text)
    model = ReducedReservation if kept_in_google else Reservation
    return model.model_construct(
        merchant=merchant,
        id=reservation,
        **_known(Reservation, fields)
        | {
            "status": ReservationStatus(fields.get("status", ReservationStatus.CONFIRMED)),
            "items": tuple(map(_load_item, fields.get("items", ()))),
            "guest": Guest.model_construct(**_known(Guest, fields.get("guest", {}))),
        },
    )


def plain_content_hash(reservation: Reservation) -> str:
    """Return a hash of all but merchant, id and version: equal for equal content, and different for all other.

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
