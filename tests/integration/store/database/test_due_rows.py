"""What is due is kept in the same way for all workflows."""

from datetime import UTC, datetime, timedelta

from slotsync.domain.calendars.owner import OwnerSettings
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.connections import Connections
from slotsync.store.database.due_rows import DueRows, Key
from slotsync.store.database.engine import Store
from tests.support.sample_grants import save_sample_grant
from tests.support.samples import GUIDE, TOUR
from tests.support.stored_reservations import ANY_KEY

FAR = datetime(2999, 1, 1, tzinfo=UTC)
TOUR_KEY, GUIDE_KEY = ("m", "product", TOUR.id), ("m", "resource", GUIDE.id)


def rows_of_two_owners(store: Store) -> DueRows:
    for owner in (TOUR, GUIDE):
        Owners(store).put("m", owner, OwnerSettings(name="Any"))
    return Owners(store).due_rows


def test_what_is_postponed_is_not_due_and_counts_as_overdue_until_it_is_taken_up(store: Store) -> None:
    rows = rows_of_two_owners(store)
    assert sorted(rows.find(FAR)) == [TOUR_KEY, GUIDE_KEY]
    rows.postpone([TOUR_KEY], FAR, FAR + timedelta(days=1))
    assert rows.find(FAR) == [GUIDE_KEY]
    assert rows.count_overdue(FAR) == 2, "also the one that was only signalled"
    Owners(store).record_due("m", TOUR, 1, None)
    assert rows.count_overdue(FAR) == 1


def test_each_full_sweep_replaces_the_problems_of_the_last_one(store: Store) -> None:
    rows = rows_of_two_owners(store)
    reports: list[dict[Key, str]] = [{TOUR_KEY: "it fails"}, {GUIDE_KEY: "it fails"}, {}, {("m", "product", "?"): "x"}]
    counts = list[int]()
    for report in reports:
        rows.record_problems(report)
        counts.append(rows.count_problems())
    assert counts == [1, 1, 0, 0]


def test_rows_with_a_single_key_column_work_as_well(store: Store) -> None:
    save_sample_grant(Connections(store, ANY_KEY))
    rows = ConnectionIntents(store).due_rows
    assert rows.find(FAR) == [("m",)]
    rows.record_problems({("m",): "it fails"})
    rows.postpone([("m",)], FAR, FAR + timedelta(days=1))
    assert (rows.find(FAR), rows.count_problems()) == ([], 1)
