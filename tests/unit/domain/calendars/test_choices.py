"""What a change of settings comes to, by who makes it."""

import pytest

from slotsync.domain.calendars.choices import Choices, Chooser, change_choices, first_choices
from slotsync.domain.calendars.owner import GuestData, OwnerChanges, OwnerSettings

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


def test_a_new_owner_has_defaults_for_what_is_left_out_and_needs_a_name() -> None:
    first = first_choices(OwnerChanges(name="Tour", guest_data=BUSY))
    assert first == Choices(settings=OwnerSettings(name="Tour", guest_data=BUSY))
    assert first_choices(OwnerChanges(guest_data=BUSY)) is None
