"""Items without ids keep their numbers from version to version."""

import json

import pytest

from slotsync.domain.reservations.snapshot import Item, Reservation
from slotsync.domain.reservations.stored_snapshot import dump_snapshot, load_snapshot, reduce_snapshot


def on(day: int, *resources: str, product: str = "tour", name: str | None = None) -> Item:
    times = {"start": f"2027-07-{day:02}", "end": f"2027-07-{day + 1:02}"}
    return Item.model_validate({"product": product, "resources": resources, "id": name, **times})


@pytest.mark.parametrize(
    ("versions", "keys"),
    [
        pytest.param([[on(1), on(2)]], "1 2", id="new: by position"),
        pytest.param([[on(1), on(2)], [on(1), on(2)]], "1 2", id="unchanged"),
        pytest.param([[on(1), on(2)], [on(2)]], "2", id="the first is taken out"),
        pytest.param([[on(1), on(2)], [on(2), on(1)]], "2 1", id="another order"),
        pytest.param([[on(1), on(2)], [on(2)], [on(2), on(3)]], "2 3", id="a new one has a number of its own"),
        pytest.param([[on(1), on(2)], [on(1)], [on(1), on(3)]], "1 3", id="also if the last was taken out before"),
        pytest.param([[on(1), on(2)], [on(2), on(3)]], "2 3", id="one goes, another comes"),
        pytest.param([[on(1), on(2)], [on(5), on(1), on(2)]], "3 1 2", id="one is put in before"),
        pytest.param([[on(1)], [on(2)]], "1", id="moved"),
        pytest.param([[on(1), on(2)], [on(1), on(3)]], "1 2", id="the second is moved"),
        pytest.param([[on(1), on(2)], [on(2)], [on(4)]], "2", id="moved after another was taken out"),
        pytest.param([[on(1, "a"), on(2, "b")], [on(2, "c")]], "2", id="another guide, and one is taken out"),
        pytest.param([[on(1, "a", "b")], [on(2), on(1, "b", "a")]], "2 1", id="the order of resources is none"),
        pytest.param([[on(1), on(1), on(1)], [on(1), on(1)]], "1 2", id="equal ones are in order"),
        pytest.param([[on(1), on(1)], [on(2), on(1)]], "1 2", id="equal ones keep their places"),
        pytest.param([[on(1), on(1, product="b")], [on(1, product="b")]], "2", id="of two products one is taken out"),
        pytest.param([[on(1), on(2)], [on(1, name="1"), on(2)]], "1 2", id="an id is what it is"),
        pytest.param([[on(1), on(2)], [on(5, name="1"), on(2), on(1)]], "1 2 3", id="an id that was a number"),
        pytest.param([[on(1)], [on(1), on(5, name="2"), on(6)]], "1 2 3", id="no number that is an id"),
        pytest.param([[on(1, name="a"), on(2)], [on(2), on(1, name="a")]], "2 a", id="some have ids"),
        pytest.param([[on(1, name="a"), on(2, name="b")], [on(2)]], "b", id="ids are sent no more"),
        pytest.param([[on(1), on(2)], [], [on(2)]], "2", id="cancelled without items, and booked again"),
        pytest.param([[on(1), on(2)], [on(2)], [], [], [on(3), on(2)]], "3 2", id="cancelled twice"),
        pytest.param([[on(1, name="a")], [], [on(1)]], "a", id="cancelled, and booked again without ids"),
    ],
)
def test_an_item_without_an_id_keeps_its_number(versions: list[list[Item]], keys: str) -> None:
    former: Reservation | None = None
    for version, items in enumerate(versions):
        status = "confirmed" if items else "cancelled"
        report = Reservation(merchant="m", id="R-1", version=version, items=tuple(items), status=status)
        former = load_snapshot("m", "R-1", dump_snapshot(report, former))
        assert former.items == report.items
        assert len(former.numbered_items) == len(items)
    assert former
    assert former.numbered_items == dict(zip(keys.split(), versions[-1], strict=True))
    reduced = load_snapshot("m", "R-1", reduce_snapshot(dump_snapshot(former)), kept_in_google=True)
    assert list(reduced.numbered_items) == keys.split()


def test_items_that_have_their_positions_are_stored_as_before() -> None:
    report = Reservation(merchant="m", id="R-1", version=1, items=(on(1), on(2, name="a"), on(3)))
    for former in (None, report):
        assert json.loads(dump_snapshot(report, former)) == json.loads(
            report.model_dump_json(exclude={"merchant", "id"})
        )
