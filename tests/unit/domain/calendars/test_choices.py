"""What a change of settings comes to, by who makes it."""

import pytest

from slotsync.domain.calendars.choices import (
    MERCHANTS_SETTINGS,
    Choices,
    Chooser,
    change_choices,
    first_choices,
    renew_choices,
)
from slotsync.domain.calendars.owner import GuestData, OwnerChanges, OwnerDefaults, OwnerSettings

PLATFORM, MERCHANT = Chooser.PLATFORM, Chooser.MERCHANT
BUSY = GuestData.BUSY
STORED = OwnerSettings(name="Tour", time_zone="Europe/Helsinki", sync=False, guest_data=BUSY)


def choices(*chosen: str, overridden: tuple[str, ...] = ()) -> Choices:
    return Choices(settings=STORED, chosen=frozenset(chosen), overridden=frozenset(overridden))


@pytest.mark.parametrize(
    ("before", "given", "chooser", "override", "changed", "chosen", "overridden"),
    [
        pytest.param(choices(), {"name": "2027"}, PLATFORM, False, {"name": "2027"}, "", "", id="only the name"),
        pytest.param(choices(), {"sync": True}, PLATFORM, False, {"sync": True}, "", "", id="nobody has chosen"),
        pytest.param(choices("sync"), {"sync": True}, PLATFORM, False, {}, "sync", "", id="the merchant has"),
        pytest.param(choices("sync"), {"sync": True}, PLATFORM, True, {"sync": True}, "", "sync", id="an override"),
        pytest.param(choices("sync"), {"sync": False}, PLATFORM, True, {}, "sync", "", id="nothing to override"),
        pytest.param(
            choices("sync"),
            {"sync": True, "pad_after_minutes": 5},
            PLATFORM,
            False,
            {"pad_after_minutes": 5},
            "sync",
            "",
        ),
        pytest.param(choices(), {"sync": False}, MERCHANT, False, {}, "sync", "", id="the merchant confirms it"),
        pytest.param(
            choices(overridden=("sync",)), {"sync": True}, MERCHANT, False, {"sync": True}, "sync", "", id="again"
        ),
        pytest.param(choices(), {"name": "Mine"}, MERCHANT, False, {"name": "Mine"}, "", "", id="not its to choose"),
    ],
)
def test_what_merchants_choose_stays_unless_it_is_overridden(  # noqa: PLR0913, PLR0917  a table
    before: Choices,
    given: dict[str, object],
    chooser: Chooser,
    override: bool,
    changed: dict[str, object],
    chosen: str,
    overridden: str,
) -> None:
    after = change_choices(before, OwnerChanges.model_validate(given), chooser, override=override)
    assert after.settings == STORED.model_copy(update=changed)
    assert (after.chosen, after.overridden) == (frozenset(chosen.split()), frozenset(overridden.split()))


NONE = OwnerDefaults()
OFF = OwnerDefaults(sync=False, guest_data=BUSY, free_calendars_needed=1)


def test_a_new_owner_has_defaults_for_what_is_left_out_and_needs_a_name() -> None:
    first = first_choices(OwnerChanges(name="Tour", guest_data=BUSY), NONE)
    assert first == Choices(settings=OwnerSettings(name="Tour", guest_data=BUSY))
    assert first_choices(OwnerChanges(guest_data=BUSY), NONE) is None
    assert first_choices(OwnerChanges(guest_data=BUSY), OFF) is None


def test_the_platforms_defaults_are_for_what_is_left_out_of_a_new_owner_and_nobodys_choice() -> None:
    first = first_choices(OwnerChanges(name="Tour", guest_data=GuestData.FULL, free_calendars_needed=None), OFF)
    assert first == Choices(settings=OwnerSettings(name="Tour", sync=False, guest_data=GuestData.FULL))


def test_an_owner_that_is_put_again_has_what_the_merchant_chose_then_the_platforms_defaults() -> None:
    chosen = OwnerSettings(name="Tour", sync=True, pad_after_minutes=15, guest_data=GuestData.FULL)
    former = Choices(settings=chosen, chosen=frozenset({"sync"}))
    again = renew_choices(former, OwnerChanges(name="Tour 2"), OFF, PLATFORM)
    expected = OwnerSettings(name="Tour 2", sync=True, guest_data=BUSY, free_calendars_needed=1)
    assert again == Choices(settings=expected, chosen=frozenset({"sync"}))


def test_all_that_is_the_merchants_to_choose_has_a_default() -> None:
    assert OwnerDefaults.model_fields.keys() == MERCHANTS_SETTINGS


@pytest.mark.parametrize("defaults", [NONE, OFF, OwnerDefaults(on_unknown="last_known:4", pad_before_minutes=0)])
def test_defaults_come_back_as_they_were_written(defaults: OwnerDefaults) -> None:
    assert OwnerDefaults.read(defaults.write()) == defaults


def test_defaults_are_read_as_they_are_stored_by_any_version() -> None:
    read = OwnerDefaults.read('{"pad_after_minutes": 9999, "guest_data": "busy", "of_a_newer_version": 1}')
    assert read.values == {"pad_after_minutes": 9999, "guest_data": BUSY}
    assert OwnerDefaults.read(None) == NONE


def test_a_default_that_is_left_out_keeps_its_value_and_none_is_slotsyncs_own() -> None:
    changed = OFF.change(OwnerDefaults.model_validate({"guest_data": None, "pad_after_minutes": 5}))
    assert changed == OwnerDefaults(sync=False, free_calendars_needed=1, pad_after_minutes=5)
