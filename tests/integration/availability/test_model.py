"""Random histories of a merchant: availability equals a simple model's at the end, and is never wrong before."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from localgoogle.state.channels import Notification
from slotsync.busy_times.poller import LEASE_DURATION, Poller
from slotsync.domain.availability.availability import Slot, SlotState
from slotsync.domain.availability.horizon import FAR_POLL_INTERVAL, MAX_MISSED_POLLS, POLL_JITTER
from slotsync.domain.availability.messages import ProductKey, PublishRequest
from slotsync.domain.availability.push_channels import PUSHED_POLL_INTERVAL
from slotsync.domain.availability.reading_plan import MIN_FAR_READING_GAP
from slotsync.domain.webhooks import AvailabilityChanged, Webhook, WebhookSlot
from slotsync.store.availability.availability_webhooks import Publications
from slotsync.store.webhook_messages import WebhookMessages
from tests.support.merchant_model import BEGINNINGS, CALENDARS, DAY, HOUR, MINUTE, PRODUCTS, MerchantModel
from tests.support.minute_model import BlockingModel, in_at_least
from tests.support.poller_harness import HORIZON, PollerHarness, running_poller_harness
from tests.support.stored_messages import accept_message

BELIEVED = MAX_MISSED_POLLS * (1 + POLL_JITTER)
"""For how many rounds a reading is believed."""

SURELY_NEAR = (HORIZON.near_days - 10) * DAY
ADDRESS = "https://slotsync.example.com/google/push"
WAITS = st.sampled_from([MINUTE / 60, MINUTE / 2, 2 * MINUTE, 20 * MINUTE, 2 * HOUR, 5 * HOUR, 26 * HOUR, 3 * DAY])


@dataclass
class Mirror:
    """The platform's copy of a product's availability, built from webhooks in order."""

    busy: int = 0
    closed: int = 0
    open: int = 0


class PolledMerchantModel(MerchantModel):
    """The merchant's model with pollers that are started and killed, and with a platform that receives webhooks."""

    received: ClassVar = 0
    """The number of received webhooks in all runs."""

    def __init__(self, poller_harness: PollerHarness) -> None:
        super().__init__(poller_harness)
        self.stack = ExitStack()
        self.channels = poller_harness.channels
        self.notifications: list[Notification] = []
        self.pollers: list[Poller] = []
        self.address: str | None = None
        self.mirrors = {product: Mirror() for product in PRODUCTS}

    @initialize(pushed=st.booleans())
    def is_watched(self, pushed: bool) -> None:
        # Instead of over HTTP: whether a push arrives, and when, is for the test to say.
        self.poller_harness.google.google.channels.send = self.notifications.append
        self.address = ADDRESS if pushed else None
        self.pollers = [self.poller() for _ in range(2)]

    def teardown(self) -> None:
        if self.pollers and self.calendars:
            self.come_to_rest()
        self.stack.close()

    # What readers do

    @rule(which=st.integers(0, 1))
    def is_read(self, which: int) -> None:
        self.pollers[which].poll(self.account.connection_id)

    @rule(minutes=st.integers(1, 12))
    def is_read_whenever_it_is_due(self, minutes: int) -> None:
        end = self.clock.now + minutes * MINUTE
        while self.clock.now < end:
            next_at = self.pollers[0].poll(self.account.connection_id).next_at
            self.tells_nothing_that_is_not_so()
            self.clock.now = min(max(self.clock.now, next_at), end)

    @rule(which=st.integers(0, 1))
    def a_reader_is_started_again(self, which: int) -> None:
        self.pollers[which] = self.poller()

    @rule()
    def a_reader_dies_in_its_turn(self) -> None:
        self.poller_harness.accounts.add(self.account.connection_id)
        self.poller_harness.accounts.acquire_lease(self.account.connection_id, "dead", LEASE_DURATION)

    @rule(count=st.integers(1, 9))
    def pushes_are_lost(self, count: int) -> None:
        del self.notifications[:count]

    @rule(which=st.integers(0, 1))
    def pushes_arrive_and_what_they_tell_of_is_read(self, which: int) -> None:
        channels, now = [notification.channel for notification in self.notifications], self.clock()
        notified = {
            each.calendar_id for each in channels if self.channels.record_notification(each.id, each.token, now)
        }
        self.notifications.clear()
        self.clock.advance(MIN_FAR_READING_GAP + MINUTE / 60)
        self.is_read(which)
        read = {
            place for place in CALENDARS if self.calendars[place].id in notified and self.calendars[place].is_readable
        }
        for product, choice in self.choices.items():
            if choice.picked <= read and not self.fails_once:
                self.tells_what_is_so(product)

    @rule(by=WAITS, read=st.sampled_from([True, True, False]))
    def time_goes_by(self, by: timedelta, read: bool) -> None:
        self.clock.now = min(self.clock.now + by, self.ends)
        if read:
            self.is_read(0)

    # What the platform is told

    @rule(product=st.sampled_from(PRODUCTS))
    def is_published(self, product: str) -> None:
        availability = self.account.availability(product)
        request = PublishRequest(merchant=self.account.merchant, product=product, token=str(uuid4()))
        publications = Publications(self.poller_harness.store, self.poller_harness.vault, webhooks=True)
        publications.publish(request, availability, self.clock(), ())

    @rule(product=st.sampled_from(PRODUCTS))
    def a_message_arrives(self, product: str) -> None:
        mirror, messages = self.mirrors[product], WebhookMessages(self.poller_harness.store, self.poller_harness.vault)
        message = messages.take_next(ProductKey(merchant=self.account.merchant, product=product), self.clock())
        if message:
            assert message.body
            self.reflect(mirror, Webhook.model_validate_json(message.body).data)
            type(self).received += 1
            harness = self.poller_harness
            accept_message(harness.store, harness.vault, message.id, self.account.merchant)

    def reflect(self, mirror: Mirror, message: object) -> None:
        assert isinstance(message, AvailabilityChanged)
        changed = self.minutes.of(each.bounds for each in message.changed)
        busy, closed, open_ = self.masks(message.slots)
        assert not (busy | closed | open_) & ~changed
        mirror.busy = mirror.busy & ~changed | busy
        mirror.closed = mirror.closed & ~changed | closed
        mirror.open = mirror.open & ~changed | open_

    # What must hold

    @invariant()
    def tells_nothing_that_is_not_so(self) -> None:
        """Assert that a time shown as free was not busy or unreadable for as long as a reading is valid."""
        for product, choice in self.choices.items():
            found = self.account.availability(product)
            busy, closed, open_ = self.masks(found.slots)
            whole = self.minutes.of([found.span.bounds])
            free = whole & ~busy & ~closed & ~open_
            bounds = [self.bounds(each, choice) for each in sorted(choice.picked)]
            surely, perhaps = ([each[side] for each in bounds] for side in (0, 1))
            assert self.minutes.first(free & in_at_least(surely, choice.enough)) is None, product
            assert self.minutes.first(busy & ~in_at_least(perhaps, choice.enough)) is None, product
            assert found.complete is not bool(closed | open_)
            assert choice.picked or free == whole

    def bounds(self, place: int, choice: BlockingModel) -> tuple[int, int]:
        """Return the minutes in which a calendar surely blocks, and those in which it may, at any age of readings."""
        if not self.connected:
            return self.minutes.all, 0
        near_for = (PUSHED_POLL_INTERVAL if self.address else HORIZON.poll) * BELIEVED
        near = self.minutes.of([(self.today - 20 * DAY, self.today + SURELY_NEAR)])
        surely, perhaps = 0, 0
        for part, lasts in ((near, near_for), (self.minutes.all & ~near, FAR_POLL_INTERVAL * BELIEVED)):
            states = self.calendars[place].since(self.clock.now - lasts)
            surely |= part & reduce(and_, (busy if result else self.minutes.all for busy, result in states))
            perhaps |= part & reduce(or_, (busy if result else 0 for busy, result in states))
        return (
            self.minutes.padded(surely, choice.before, choice.after),
            self.minutes.padded(perhaps, choice.before, choice.after),
        )

    def come_to_rest(self) -> None:
        """End all faults, and assert that availability and the platform's copy are right."""
        self.all_heals()
        self.the_merchant_connects_again()
        self.notifications.clear()
        for _ in range(4):
            self.clock.advance(40 * MINUTE)
            self.is_read(0)
        for product in PRODUCTS:
            self.tells_what_is_so(product)
            self.the_platform_knows(product)

    def tells_what_is_so(self, product: str) -> None:
        found, choice = self.account.availability(product), self.choices[product]
        busy, closed, open_ = self.masks(found.slots)
        whole = self.minutes.of([found.span.bounds])
        places = [self.calendars[each] for each in sorted(choice.picked)]
        truly = [self.minutes.padded(each.states[-1][1], choice.before, choice.after) for each in places]
        gone = [self.minutes.all if each.deleted else 0 for each in places]
        surely = in_at_least(truly, choice.enough) & whole
        perhaps = in_at_least([a | b for a, b in zip(truly, gone, strict=True)], choice.enough) & whole
        assert self.minutes.first(busy ^ surely) is None, product
        assert self.minutes.first((closed | open_) ^ (perhaps & ~surely)) is None, product

    def the_platform_knows(self, product: str) -> None:
        self.is_published(product)
        key = ProductKey(merchant=self.account.merchant, product=product)
        while WebhookMessages(self.poller_harness.store, self.poller_harness.vault).count(key):
            self.a_message_arrives(product)
        found, mirror = self.account.availability(product), self.mirrors[product]
        whole = self.minutes.of([found.span.bounds])
        assert (mirror.busy & whole, mirror.closed & whole, mirror.open & whole) == self.masks(found.slots)

    # How it is done

    def poller(self) -> Poller:
        return self.stack.enter_context(self.poller_harness.poller(self.address))

    def masks(self, slots: Sequence[Slot] | Sequence[WebhookSlot]) -> tuple[int, int, int]:
        """Return the minutes that are busy, unknown and closed, and unknown and open."""
        kinds = ((SlotState.BUSY, True), (SlotState.UNKNOWN, True), (SlotState.UNKNOWN, False))
        busy, closed, open_ = (
            self.minutes.of(_stretch(each) for each in slots if (each.state, each.closed) == kind) for kind in kinds
        )
        return busy, closed, open_


def _stretch(slot: Slot | WebhookSlot) -> tuple[datetime, datetime]:
    return slot.bounds if isinstance(slot, WebhookSlot) else slot.span.bounds


@pytest.fixture
def poller_harness(tmp_path: Path) -> Iterator[PollerHarness]:
    with running_poller_harness(tmp_path, BEGINNINGS[0]) as poller_harness:
        yield poller_harness


def test_availability_equals_that_of_a_simple_model(poller_harness: PollerHarness) -> None:
    class ModelWithHarness(PolledMerchantModel):
        def __init__(self) -> None:
            super().__init__(poller_harness)

    bounded = settings(max_examples=5, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(ModelWithHarness, settings=bounded)
    assert ModelWithHarness.received, "no availability was ever published"
