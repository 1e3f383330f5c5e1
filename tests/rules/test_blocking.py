import pytest

from slotsync.google import CalendarSpec
from slotsync.rules.blocking import may_block
from slotsync.rules.owner import Owner

OURS = CalendarSpec(merchant="m", owner=Owner.product("tour"), name="Tour", time_zone="UTC").body()["description"]


@pytest.mark.parametrize(
    ("calendar_id", "description", "allowed"),
    [
        pytest.param("private", "", True, id="the merchant's own"),
        pytest.param("private", "I use slotsync: it is nice", True, id="one that only speaks of us"),
        pytest.param("managed", "", False, id="recorded as ours, its description lost"),
        pytest.param("twin", OURS, False, id="ours by its mark, recorded nowhere"),
    ],
)
def test_a_calendar_that_slotsync_fills_never_blocks(calendar_id: str, description: str, *, allowed: bool) -> None:
    assert may_block(calendar_id, description, {"managed"}) is allowed
