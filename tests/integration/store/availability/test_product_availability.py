from datetime import UTC, datetime, timedelta

import pytest

from slotsync.busy_times.product_availability import ProductAvailability
from slotsync.domain.availability.availability import Availability, SlotState
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.secrets import Vault
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from tests.support.readings import ReadingRecorder, pick

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TODAY = Interval(start=NOON, end=NOON + timedelta(hours=2))
AROUND = Interval(start=NOON - timedelta(hours=1), end=NOON + timedelta(hours=3))
MEETING = Interval(start=NOON + 30 * MINUTE, end=NOON + 60 * MINUTE)


class ConnectedMerchant:
    """A connected merchant with one product."""

    def __init__(self, store: Store, vault: Vault, connections: Connections, merchant: str = "m") -> None:
        self._store, self._vault, self._connections = store, vault, connections
        self.merchant = merchant
        self.connection_id = connections.save_grant(merchant, "token", ["scope"], f"{merchant}@gmail.example")
        self.reader = ReadingRecorder(store, vault, self.connection_id)
        self.choose()

    def choose(self, **settings: object) -> None:
        chosen = OwnerSettings.model_validate({"name": "Tour", **settings})
        Owners(self._store).put(self.merchant, Owner.product("tour"), chosen)

    def pick(self, *names: str) -> None:
        pick(self._store, self._vault, self.merchant, "tour", *names)

    def revoke(self) -> None:
        number = self._connections.get_grant_number_by_id(self.connection_id)
        self._connections.mark_revoked(self.connection_id, "invalid_grant", number)

    def availability(self, now: datetime = NOON) -> Availability:
        found = ProductAvailability(self._store, self._vault).get_availability(self.merchant, "tour", TODAY, now)
        assert found
        return found

    def states(self, now: datetime = NOON) -> list[tuple[Interval, SlotState, bool]]:
        return [(each.span, each.state, each.closed) for each in self.availability(now).slots]

    def explanation(self, at: datetime = NOON) -> Explanation:
        found = ProductAvailability(self._store, self._vault).get_explanation(self.merchant, "tour", at, NOON)
        assert found
        return found


@pytest.fixture
def connected(store: Store, vault: Vault, connections: Connections) -> ConnectedMerchant:
    return ConnectedMerchant(store, vault, connections)


def test_an_unknown_product_has_no_availability(store: Store, vault: Vault, connected: ConnectedMerchant) -> None:
    answers = ProductAvailability(store, vault)
    assert answers.get_availability("m", "other", TODAY, NOON) is None
    assert answers.get_availability("other", "tour", TODAY, NOON) is None
    assert answers.get_explanation("m", "other", NOON, NOON) is None


def test_without_calendars_it_is_free(connected: ConnectedMerchant) -> None:
    answer = connected.availability()
    assert (answer.slots, answer.complete, answer.checked_at) == ((), True, None)
    assert connected.explanation().because == "free: no calendar blocks it"


def test_availability_applies_the_products_settings(connected: ConnectedMerchant) -> None:
    connected.pick("Family", "Boat")
    for calendar, busy in (("family", [MEETING]), ("boat", [])):
        connected.reader.read(calendar, AROUND, NOON - MINUTE, busy)
    assert connected.states() == [(MEETING, SlotState.BUSY, True)]
    connected.choose(pad_after_minutes=10)
    assert connected.states() == [(Interval(start=MEETING.start, end=MEETING.end + 10 * MINUTE), SlotState.BUSY, True)]
    assert connected.availability().checked_at == NOON - MINUTE
    connected.choose(free_calendars_needed=1)
    assert connected.states() == []


def test_a_picked_calendar_that_was_never_read_is_unknown(connected: ConnectedMerchant) -> None:
    connected.pick("Family")
    assert connected.states() == [(TODAY, SlotState.UNKNOWN, True)]
    [family] = connected.explanation().calendars
    assert (family.name, family.why) == ("Family", "never read")


def test_without_a_living_grant_all_is_unknown_however_new_the_reading(connected: ConnectedMerchant) -> None:
    connected.pick("Family")
    connected.reader.read("family", TODAY, NOON, [MEETING])
    connected.revoke()
    assert connected.states() == [(TODAY, SlotState.UNKNOWN, True)]
    assert connected.explanation().because.endswith(". Google is not connected, so nothing new can be read")


def test_what_was_known_before_the_grant_was_lost_counts_where_it_was_chosen(connected: ConnectedMerchant) -> None:
    connected.pick("Family")
    connected.choose(on_unknown="last_known:1")
    connected.reader.read("family", TODAY, NOON, [MEETING])
    connected.revoke()
    closed = [span for span, state, closed in connected.states(NOON + 59 * MINUTE) if closed and state == "unknown"]
    assert closed == [MEETING]
    assert connected.states(NOON + 61 * MINUTE) == [(TODAY, SlotState.UNKNOWN, True)]


def test_an_error_is_named(connected: ConnectedMerchant) -> None:
    connected.pick("Family")
    connected.reader.read("family", TODAY, NOON - MINUTE, [])
    connected.reader.read("family", TODAY, NOON, error="notFound")
    [family] = connected.explanation().calendars
    assert family.why == "the calendar could not be read: notFound"


def test_what_was_read_for_another_merchant_is_never_used(
    store: Store, vault: Vault, connections: Connections, connected: ConnectedMerchant
) -> None:
    other = ConnectedMerchant(store, vault, connections, "other")
    for each in (connected, other):
        each.pick("Family")
    other.reader.read("family", TODAY, NOON, [MEETING])
    assert connected.states() == [(TODAY, SlotState.UNKNOWN, True)]
    assert other.states() == [(MEETING, SlotState.BUSY, True)]
