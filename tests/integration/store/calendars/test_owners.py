from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerChanges, OwnerDefaults, OwnerSettings, Switch
from slotsync.domain.merchant import MerchantDetails
from slotsync.errors import InputError, MerchantsChoice
from slotsync.secrets import Vault
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owner_rows import OwnerIntent
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOUR, GUIDE = Owner.product("sunset-tour"), Owner.resource("guide-1")
SETTINGS = OwnerSettings(name="Sunset tour", time_zone="Europe/Helsinki", guest_data=GuestData.FULL)


def test_settings_come_back_as_they_were_put(store: Store) -> None:
    Owners(store).put("m", TOUR, SETTINGS)
    assert Owners(store).get("m", TOUR) == SETTINGS


def test_putting_again_replaces_every_setting(store: Store) -> None:
    other = OwnerSettings(name="Tour", time_zone="UTC", sync=False, guest_data=GuestData.BUSY, on_unknown="sell")
    Owners(store).put("m", TOUR, SETTINGS)
    Owners(store).put("m", TOUR, other)
    assert Owners(store).get_all("m") == {TOUR: other}


@pytest.mark.parametrize("owner", [TOUR, GUIDE], ids=str)
def test_the_platforms_defaults_are_for_what_is_put_afterwards(store: Store, vault: Vault, owner: Owner) -> None:
    owners, merchants = Owners(store), Merchants(store, vault)
    deleted = owner.model_copy(update={"id": "deleted"})
    for each in (owner, deleted):
        owners.put("m", each, OwnerChanges(name="Old"))
    owners.delete("m", deleted, remove_events=False)
    merchants.put("m", MerchantDetails(defaults=OwnerDefaults(guest_data=GuestData.BUSY, sync=False)))
    owners.put("m", owner, OwnerChanges(name="Old 2"))
    assert owners.get("m", owner) == OwnerSettings(name="Old 2")
    for each in (deleted, owner.model_copy(update={"id": "new"})):
        owners.put("m", each, OwnerChanges(name="New", sync=True))
        assert owners.get("m", each) == OwnerSettings(name="New", guest_data=GuestData.BUSY)
    merchants.put("m", MerchantDetails(defaults=None))
    owners.put("m", owner.model_copy(update={"id": "newer"}), OwnerChanges(name="Newer"))
    assert owners.get("m", owner.model_copy(update={"id": "newer"})) == OwnerSettings(name="Newer")


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
    store: Store, vault: Vault, merchant_switch: Switch, owner_switch: Switch, effective: tuple[bool, bool]
) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, SETTINGS)
    assert owners.switch("m", TOUR, owner_switch)
    owners.switch_merchant("m", merchant_switch)
    (calendar,) = ManagedCalendars(store).get_calendars("m", [TOUR])
    assert (calendar.settings.sync, calendar.removing) == effective
    assert Merchants(store, vault).is_synced("m") is merchant_switch.sync
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


def intent(store: Store, owner: Owner = TOUR) -> OwnerIntent:
    found = Owners(store).get_intent("m", owner)
    assert found is not None
    return found


def take_up(store: Store, owner: Owner = TOUR) -> None:
    """Do what the calendar's workflow does once everything is carried out."""
    revision = intent(store, owner).revision
    Owners(store).record_applied("m", owner, revision, 0)
    assert Owners(store).record_due("m", owner, revision, None)


def test_every_change_is_due_until_it_is_taken_up(store: Store) -> None:
    owners = Owners(store)
    changes: list[Callable[[], object]] = [
        lambda: owners.put("m", TOUR, SETTINGS),
        lambda: owners.put("m", TOUR, SETTINGS.model_copy(update={"guest_data": GuestData.BUSY})),
        lambda: owners.switch("m", TOUR, OFF),
    ]
    for revision, change in enumerate(changes, 1):
        change()
        found = intent(store)
        assert (found.revision, found.applied_revision) == (revision, revision - 1)
        assert found.due_at is not None
        take_up(store)
        assert (intent(store).applied_revision, intent(store).due_at) == (revision, None)


def test_unchanged_settings_are_due_only_while_they_were_not_taken_up(store: Store) -> None:
    owners = Owners(store)
    assert owners.put("m", TOUR, SETTINGS)
    assert owners.put("m", TOUR, SETTINGS), "nobody has taken them up: the signal may have been lost"
    take_up(store)
    assert not owners.put("m", TOUR, SETTINGS)
    assert intent(store).revision == 1


def test_a_round_of_a_former_revision_leaves_the_newer_one_due(store: Store) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, SETTINGS)
    owners.switch("m", TOUR, OFF)
    assert not owners.record_due("m", TOUR, 1, None)
    assert intent(store).due_at is not None


def test_a_stopped_calendar_is_due_again_once_it_is_resumed_or_changed(store: Store) -> None:
    owners = Owners(store)
    for owner in (TOUR, GUIDE):
        owners.put("m", owner, SETTINGS)
        owners.stop("m", owner, NOON)
        assert (intent(store, owner).stopped_at, intent(store, owner).due_at) == (NOON, None)
    owners.switch("m", GUIDE, OFF)
    assert owners.resume("m", NOON) == [TOUR]
    assert owners.resume("m", NOON) == []
    assert [intent(store, owner).stopped_at for owner in (TOUR, GUIDE)] == [None, None]


def test_a_stop_leaves_settings_alone_that_were_changed_since(store: Store) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, SETTINGS)
    owners.switch("m", TOUR, OFF)
    owners.stop("m", TOUR, NOON, revision=1)
    assert intent(store).stopped_at is None
    assert intent(store).due_at is not None
    owners.stop("m", TOUR, NOON, revision=2)
    assert (intent(store).stopped_at, intent(store).due_at) == (NOON, None)


def test_owners_are_found_by_name_or_id_in_the_order_of_names(store: Store) -> None:
    owners = Owners(store)
    names = {"a": "Ähtäri zoo", "b": "Zoo of Turku", "c": "boat 100%"}
    for name, shown in names.items():
        owners.put("m", Owner.product(name), SETTINGS.model_copy(update={"name": shown}))
    owners.put("m", GUIDE, SETTINGS)
    owners.put("other", Owner.product("zoo"), SETTINGS)

    def found(search: str) -> set[str]:
        assert owners.count("m", search) == len(owners.find("m", search, limit=9))
        return {owner.id for owner in owners.find("m", search, limit=9)}

    assert found("ZOO") == {"a", "b"}
    assert found("ähtäri") == {"a"}
    assert found("%") == {"c"}
    assert found("GUIDE-1") == {"guide-1"}
    assert found("_") == set()
    everything = [owner.id for owner in owners.find("m", limit=9)]
    assert (everything.index("c") < everything.index("b"), everything[-1]) == (True, "guide-1")
    assert [owner.id for owner in owners.find("m", limit=2, skip=1)] == everything[1:3]


@pytest.mark.parametrize("sync", [True, False])
def test_what_the_merchant_chose_outlives_a_deletion_by_the_platform(store: Store, sync: bool) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, OwnerSettings(name="Tour", time_zone="Europe/Helsinki", on_unknown="sell"))
    owners.put("m", TOUR, OwnerChanges(guest_data=GuestData.BUSY, sync=sync), Chooser.MERCHANT)
    for _ in range(2):
        assert owners.delete("m", TOUR, remove_events=True)
        assert owners.get_choices("m", TOUR) is None
        assert not ManagedCalendars(store).get_calendars("m", [TOUR])[0].settings.sync
        owners.put("m", TOUR, OwnerChanges(name="Tour 2027", guest_data=GuestData.FULL, sync=not sync))
        choices = owners.get_choices("m", TOUR)
        assert choices
        assert choices.settings == OwnerSettings(name="Tour 2027", guest_data=GuestData.BUSY, sync=sync), (
            "all else is new"
        )
        assert (set(choices.chosen), set(choices.overridden)) == ({"guest_data", "sync"}, set())
    owners.delete("m", TOUR, remove_events=False)
    with pytest.raises(InputError, match="name: is missing"):
        owners.put("m", TOUR, OwnerChanges(guest_data=GuestData.FULL), override=True)
    owners.put("m", TOUR, OwnerChanges(name="Tour", guest_data=GuestData.FULL), override=True)
    owners.delete("m", TOUR, remove_events=False)
    owners.put("m", TOUR, OwnerChanges(name="Tour", guest_data=GuestData.FULL))
    choices = owners.get_choices("m", TOUR)
    assert choices
    assert choices.settings.guest_data is GuestData.FULL
    assert (set(choices.chosen), set(choices.overridden)) == ({"sync"}, {"guest_data"}), (
        "and an override is told further on"
    )


def test_entries_that_the_merchant_left_are_removed_by_the_platform_only_with_an_override(store: Store) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, SETTINGS)

    def removing() -> bool:
        return ManagedCalendars(store).get_calendars("m", [TOUR])[0].removing

    owners.switch("m", TOUR, OFF, Chooser.MERCHANT)
    with pytest.raises(MerchantsChoice):
        owners.switch("m", TOUR, AWAY)
    assert not removing()
    owners.switch("m", TOUR, AWAY, override=True)
    choices = owners.get_choices("m", TOUR)
    assert choices
    assert removing()
    assert (set(choices.chosen), set(choices.overridden)) == (set(), {"sync"})
    owners.switch("m", TOUR, AWAY, Chooser.MERCHANT)
    owners.switch("m", TOUR, OFF)
    assert removing(), "nor are they left that the merchant wants removed"


def test_entries_of_a_paused_merchant_are_removed_by_the_platform_only_with_an_override(
    store: Store, vault: Vault
) -> None:
    owners, merchants = Owners(store), Merchants(store, vault)
    owners.put("m", TOUR, SETTINGS)

    def removing() -> bool:
        return ManagedCalendars(store).get_calendars("m", [TOUR])[0].removing

    owners.switch_merchant("m", OFF, Chooser.MERCHANT)
    with pytest.raises(MerchantsChoice):
        owners.switch_merchant("m", AWAY)
    assert not removing()
    assert not merchants.is_overridden("m")
    owners.switch_merchant("m", AWAY, override=True)
    assert removing()
    assert merchants.is_overridden("m")
    owners.switch_merchant("m", AWAY, Chooser.MERCHANT)
    assert not merchants.is_overridden("m")
    owners.switch_merchant("m", OFF)
    assert removing(), "nor are they left that the merchant wants removed"
