from slotsync.rules.owner import GuestData, Owner, OwnerSettings
from slotsync.store import Owners, Store

TOUR = Owner.product("sunset-tour")
SETTINGS = OwnerSettings(name="Sunset tour", time_zone="Europe/Helsinki", guest_data=GuestData.FULL)


def test_settings_come_back_as_they_were_put(store: Store) -> None:
    Owners(store).put("m", TOUR, SETTINGS)
    assert Owners(store).get("m", TOUR) == SETTINGS


def test_putting_again_replaces_every_setting(store: Store) -> None:
    other = OwnerSettings(name="Tour", time_zone="UTC", sync=False, guest_data=GuestData.BUSY)
    Owners(store).put("m", TOUR, SETTINGS)
    Owners(store).put("m", TOUR, other)
    assert Owners(store).all("m") == {TOUR: other}


def test_merchants_and_kinds_are_kept_apart(store: Store) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, SETTINGS)
    assert owners.get("other", TOUR) is None
    assert owners.get("m", Owner.resource(TOUR.id)) is None
    assert owners.all("other") == {}


def test_products_are_listed_before_resources(store: Store) -> None:
    listed = [Owner.product("a"), Owner.product("b"), Owner.resource("a")]
    for owner in reversed(listed):
        Owners(store).put("m", owner, SETTINGS)
    assert list(Owners(store).all("m")) == listed
