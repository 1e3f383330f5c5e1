import pytest

from slotsync.domain.calendars.owner import GuestData, Owner, OwnerSettings, Switch
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants

TOUR = Owner.product("sunset-tour")
SETTINGS = OwnerSettings(name="Sunset tour", time_zone="Europe/Helsinki", guest_data=GuestData.FULL)


def test_settings_come_back_as_they_were_put(store: Store) -> None:
    Owners(store).put("m", TOUR, SETTINGS)
    assert Owners(store).get("m", TOUR) == SETTINGS


def test_putting_again_replaces_every_setting(store: Store) -> None:
    other = OwnerSettings(name="Tour", time_zone="UTC", sync=False, guest_data=GuestData.BUSY, on_unknown="sell")
    Owners(store).put("m", TOUR, SETTINGS)
    Owners(store).put("m", TOUR, other)
    assert Owners(store).get_all("m") == {TOUR: other}


def test_merchants_and_kinds_are_kept_apart(store: Store) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, SETTINGS)
    assert owners.get("other", TOUR) is None
    assert owners.get("m", Owner.resource(TOUR.id)) is None
    assert owners.get_all("other") == {}


def test_products_are_listed_before_resources(store: Store) -> None:
    listed = [Owner.product("a"), Owner.product("b"), Owner.resource("a")]
    for owner in reversed(listed):
        Owners(store).put("m", owner, SETTINGS)
    assert list(Owners(store).get_all("m")) == listed


OFF, AWAY = Switch(sync=False), Switch(sync=False, remove_events=True)


@pytest.mark.parametrize(
    ("merchant_switch", "owner_switch", "effective"),
    [
        (Switch(sync=True), Switch(sync=True), (True, False)),
        (Switch(sync=True), OFF, (False, False)),
        (Switch(sync=True), AWAY, (False, True)),
        (OFF, Switch(sync=True), (False, False)),
        (AWAY, Switch(sync=True), (False, True)),
        (AWAY, OFF, (False, False)),
        (OFF, AWAY, (False, True)),
    ],
    ids=str,
)
def test_an_owner_is_synchronized_if_its_merchant_is_too_and_its_own_wish_counts_first(
    store: Store, merchant_switch: Switch, owner_switch: Switch, effective: tuple[bool, bool]
) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, SETTINGS)
    assert owners.switch("m", TOUR, owner_switch)
    Merchants(store).switch("m", merchant_switch)
    (calendar,) = ManagedCalendars(store).get_calendars("m", [TOUR])
    assert (calendar.settings.sync, calendar.removing) == effective
    assert Merchants(store).is_synced("m") is merchant_switch.sync
    assert owners.get_all("m")[TOUR].sync is owner_switch.sync, "its own switch stays as it is"


def test_what_was_wished_of_being_off_outlives_new_settings_but_not_being_on_again(store: Store) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, SETTINGS)
    owners.switch("m", TOUR, AWAY)
    wished = []
    for sync in (False, True, False):
        owners.put("m", TOUR, SETTINGS.model_copy(update={"sync": sync}))
        wished.append(ManagedCalendars(store).get_calendars("m", [TOUR])[0].removing)
    assert wished == [True, False, False]


def test_an_unknown_owner_cannot_be_switched(store: Store) -> None:
    assert not Owners(store).switch("m", TOUR, OFF)
