"""All rows of a merchant or a reservation are deleted, others' stay, and nothing is stored again soon."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from slotsync.domain.reservations.event import EventKey, SyncState
from slotsync.errors import Erased
from slotsync.secrets import Vault
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.erasures import KEPT, REPEATED_FOR, Erasures, find_tables_without_merchant
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.store.tables import METADATA
from tests.integration.store.test_key_rotation import TOUR, fill
from tests.support.samples import settings_of, snapshot

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = EventKey(item="1", owner=TOUR)
ERASED, NEIGHBOUR = "0", "1"
THE_NEIGHBOURS = (
    "connection",
    "managed_calendar",
    "merchant",
    "owner",
    "reservation",
    "synced_event",
    "webhook_message",
)
NOBODYS = {"instance", "unkept_grant", "used_link", "worker"}
"""Tables of which no row names a merchant; a used link is known by a hash, for an hour."""


def counts(store: Store) -> Counter[str]:
    """Return how many rows each table has."""
    with store.read() as session:
        execute = session.connection().execute
        found = {
            each.name: execute(select(func.count()).select_from(each)).scalar_one() for each in METADATA.sorted_tables
        }
        return Counter(found)


def fill_more(store: Store, vault: Vault, merchant: str) -> None:
    """Store a reservation with an event and a calendar for the merchant."""
    Owners(store).put(merchant, TOUR, settings_of(TOUR))
    connection_id = Connections(store, vault).get_id(merchant)
    assert connection_id
    ManagedCalendars(store).record(merchant, TOUR, f"calendar-{merchant}", connection_id)
    Reservations(store, vault).report(snapshot(merchant=merchant), NOW)
    SyncedEvents(store).mark(merchant, "R-1", KEY, SyncState.IN_STEP, NOW)


def test_every_table_is_erased_or_known_to_have_nothing_of_a_merchant() -> None:
    assert find_tables_without_merchant() == NOBODYS | KEPT


def test_all_rows_of_the_merchant_go_and_those_of_its_neighbours_stay(store: Store, vault: Vault) -> None:
    fill(store, vault, merchants=2)
    for merchant in (ERASED, NEIGHBOUR):
        fill_more(store, vault, merchant)
    Erasures(store).begin(ERASED, None, NOW)
    assert Erasures(store).delete_rows(ERASED) > len(THE_NEIGHBOURS)
    left = {table: count for table, count in counts(store).items() if count and table != "audit_entry"}
    assert left == dict.fromkeys({*THE_NEIGHBOURS, "instance", "erasure", "unkept_grant"}, 1) | {
        "merchant": 2,
        "data_key": 3,
    }
    assert [Erasures(store).is_anything_stored(each) for each in (ERASED, NEIGHBOUR)] == [False, True]


def test_how_much_was_deleted_is_counted_over_all_repetitions(store: Store, vault: Vault) -> None:
    fill(store, vault, merchants=1)
    erasures = Erasures(store)
    erasures.begin(ERASED, None, NOW)
    deleted = erasures.delete_rows(ERASED)
    SyncedEvents(store).mark(ERASED, "R-1", KEY, SyncState.IN_STEP, NOW)  # as an attempt that ends late
    erasures.begin(ERASED, None, NOW + timedelta(minutes=1))
    assert erasures.delete_rows(ERASED) == 1
    found = erasures.get(ERASED)
    assert found
    assert (found.begun_at, found.repeat_until) == (NOW, NOW + timedelta(minutes=1) + REPEATED_FOR)
    assert sum(found.counts.values()) == deleted + 1
    assert (found.counts["connection"], found.counts["synced_event"]) == (1, 1)


def test_a_reservation_goes_alone(store: Store, vault: Vault) -> None:
    fill(store, vault, merchants=1)
    fill_more(store, vault, ERASED)
    Reservations(store, vault).report(snapshot(merchant=ERASED, name="R-2"), NOW)
    before = counts(store)
    Erasures(store).begin(ERASED, "R-1", NOW)
    Erasures(store).delete_rows(ERASED, "R-1")
    assert before - counts(store) == Counter({"reservation": 1, "synced_event": 1})
    assert Reservations(store, vault).get(ERASED, "R-2")


def test_nothing_of_it_is_stored_again_for_a_while_and_then_it_is(store: Store, vault: Vault) -> None:
    reservations, erasures = Reservations(store, vault), Erasures(store)
    reservations.report(snapshot(merchant="m"), NOW)
    reservations.report(snapshot(merchant="n"), NOW)
    erasures.begin("m", None, NOW)
    erasures.begin("n", "R-1", NOW)
    erasures.delete_rows("m")
    erasures.delete_rows("n", "R-1")
    for merchant in ("m", "n"):
        with pytest.raises(Erased, match="15:00 UTC"):
            reservations.report(snapshot(merchant=merchant), NOW)
    with pytest.raises(Erased):
        Owners(store).put("m", TOUR, settings_of(TOUR))
    reservations.report(snapshot(merchant="n", name="R-2"), NOW)
    assert not erasures.is_anything_stored("m")
    erasures.forget(NOW + REPEATED_FOR)
    assert erasures.find() == []
    for merchant in ("m", "n"):
        assert reservations.report(snapshot(merchant=merchant), NOW).result == "accepted"


def test_many_rows_are_deleted_page_by_page(store: Store, vault: Vault) -> None:
    Merchants(store, vault)
    for number in range(1100):
        SyncedEvents(store).mark("m", f"R-{number}", KEY, SyncState.IN_STEP, NOW)
    assert Erasures(store).delete_rows("m") == 1100
