"""A merchant, its account, and its products, resources and reservations."""

from collections.abc import Iterable

from slotsync.domain.calendars.owner import GuestData, Owner, OwnerSettings
from slotsync.domain.reservations.snapshot import Item, Reservation

MERCHANT = "arctic-kayaks"
EMAIL = "kayaks@gmail.example"
TOUR = Owner.product("sunset-tour")
GUIDE = Owner.resource("guide-1")


def item(product: str = TOUR.id, resources: Iterable[str] = (), day: int = 1, **more: object) -> Item:
    times = {"start": f"2027-07-{day:02}T18:00:00+03:00", "end": f"2027-07-{day:02}T20:00:00+03:00"}
    return Item.model_validate({"product": product, "resources": tuple(resources), **times, **more})


def snapshot(
    version: int = 1,
    *items: Item,
    name: str = "R-1",
    merchant: str = MERCHANT,
    **more: object,
) -> Reservation:
    defaults = {
        "merchant": merchant,
        "id": name,
        "version": version,
        "items": items or (item(),),
        "title": f"v{version}",
    }
    return Reservation.model_validate({**defaults, **more})


def settings_of(owner: Owner, **more: object) -> OwnerSettings:
    defaults = {"name": owner.id, "time_zone": "Europe/Helsinki", "guest_data": GuestData.FULL}
    return OwnerSettings.model_validate({**defaults, **more})
