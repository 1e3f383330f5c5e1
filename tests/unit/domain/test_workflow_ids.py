import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.workflow_ids import availability_id, calendar_id, connection_id, reservation_id

LONG = "ж" * 64  # 128 bytes, as long as an id may be
LONGEST_IN_A_CLUSTER = 255


@pytest.mark.parametrize(
    ("workflow_id", "expected"),
    [
        (reservation_id("kayaks", "R-1"), "reservation:kayaks:R-1"),
        (calendar_id("kayaks", Owner.resource("guide-1")), "calendar:kayaks:resource:guide-1"),
        (connection_id("kayaks"), "connection:kayaks"),
        (availability_id("kayaks", "tour"), "availability:kayaks:tour"),
    ],
)
def test_a_workflow_id_shows_whose_it_is(workflow_id: str, expected: str) -> None:
    assert workflow_id == expected


def test_long_ids_fit_into_a_cluster_and_stay_apart() -> None:
    ids = [
        reservation_id(LONG, LONG),
        reservation_id(LONG, LONG[:-1] + "з"),
        reservation_id(LONG[:-1] + "з", LONG),
        availability_id(LONG, LONG),
        calendar_id(LONG, Owner.product(LONG)),
        calendar_id(LONG, Owner.resource(LONG)),
        connection_id(LONG),
    ]
    assert len({*ids}) == len(ids)
    assert all(len(each.encode()) <= LONGEST_IN_A_CLUSTER for each in ids)
    assert all(each.split(":")[0] in {"reservation", "availability", "calendar", "connection"} for each in ids)
