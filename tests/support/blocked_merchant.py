"""A merchant with a busy family and a boat that is away, read by the clock of the test."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from slotsync.busy_times.poller import Poller
from slotsync.domain.availability.availability import Slot, SlotState
from slotsync.domain.availability.horizon import CHUNK_OVERLAP, POLL_JITTER
from slotsync.domain.availability.intervals import Interval, merged_intervals
from tests.support.poller_harness import HORIZON, PollerHarness

NOON = datetime(2027, 3, 20, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TODAY = NOON - 12 * HOUR
NEAR = Interval(start=TODAY, end=TODAY + (HORIZON.near_days - 1) * DAY)
WHOLE = Interval(start=TODAY, end=TODAY + HORIZON.days * DAY)
MEETING = Interval(start=NOON + DAY, end=NOON + DAY + HOUR)
TRIP = Interval(start=NOON + 3 * DAY, end=NOON + 5 * DAY)

CHOICES = {"block": "block", "sell": "sell", "last-known": "last_known:1"}
"""What is done with unknown times, by product."""

POLL = HORIZON.poll * (1 + POLL_JITTER)


class BlockedMerchant:
    """A merchant with a busy family and a boat that is away, and a product for each choice that the family blocks.

    The boat blocks a product of its own, and both together another one.
    """

    def __init__(self, poller_harness: PollerHarness, poller: Poller) -> None:
        self._poller_harness = poller_harness
        self._poller = poller
        self.account = poller_harness.account()
        self.family, self.boat = (self.account.calendar(name) for name in ("Family", "Boat"))
        self.account.busy(self.family, MEETING.start, MEETING.end)
        self.account.busy(self.boat, TRIP.start, TRIP.end)
        for product, choice in CHOICES.items():
            self._offer(product, self.family, on_unknown=choice)
        self._offer("boat", self.boat)
        self._offer("both", self.family, self.boat)

    def _offer(self, product: str, *calendars: str, **settings: object) -> None:
        self.account.choose(product, **settings)
        self.account.pick(*calendars, product=product)

    def read(self, after: timedelta = timedelta()) -> datetime:
        """Advance the clock, read all that is due, and return the time of the next reading."""
        self._poller_harness.clock.advance(after)
        while (next_at := self._poller.poll(self.account.connection_id).next_at) <= self._poller_harness.clock():
            pass
        return next_at

    def heals(self, within: timedelta) -> None:
        """Assert that all times become known: the near days with the next poll, and all others within this time."""
        self.read(POLL)
        assert all(span.start >= NEAR.end - CHUNK_OVERLAP for span in self.of_state("both", SlotState.UNKNOWN))
        busy = self.of_state("both", SlotState.BUSY)
        assert [interval for interval in busy if interval.start < NEAR.end] == [MEETING, TRIP]
        self.read(within)
        assert self.known()

    def slots(self, product: str) -> Sequence[Slot]:
        return self.account.availability(product).slots

    def closed(self, product: str) -> tuple[Interval, ...]:
        return merged_intervals(slot.span for slot in self.slots(product) if slot.closed)

    def of_state(self, product: str, state: SlotState) -> tuple[Interval, ...]:
        return merged_intervals(slot.span for slot in self.slots(product) if slot.state is state)

    def known(self) -> bool:
        """Return whether the slots of all products are known and right."""
        known_states = [
            [(slot.span, slot.state) for slot in self.slots(product)] for product in (*CHOICES, "boat", "both")
        ]
        meeting, trip = (MEETING, SlotState.BUSY), (TRIP, SlotState.BUSY)
        return known_states == [*[[meeting]] * len(CHOICES), [trip], [meeting, trip]]
