"""Each kind of trouble: its time is unknown in time, closed or open as was chosen, and heals by itself.

An error of a calendar makes it unknown at once; a failure of the whole call once the last reading is too old.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from localgoogle.protocol.errors import KNOWN_REASONS
from slotsync.busy_times.poller import Poller
from slotsync.domain.availability.availability import SlotState
from slotsync.domain.availability.horizon import CHUNK_OVERLAP, POLL_JITTER
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.push_channels import PUSHED_POLL_INTERVAL
from slotsync.domain.connections.connection import APP_CREATED, CALENDAR_LIST
from slotsync.domain.health import Health
from tests.support.blocked_merchant import (
    CHOICES,
    DAY,
    HOUR,
    MEETING,
    MINUTE,
    NEAR,
    NOON,
    SECOND,
    TODAY,
    TRIP,
    WHOLE,
    BlockedMerchant,
)
from tests.support.poller_harness import HORIZON, MerchantAccount, PollerHarness
from tests.support.push_receiver import PushReceiver
from tests.support.waiting import wait_until

PATIENCE = timedelta(seconds=0.3)

NEAR_OF_OWN = Interval(start=TODAY, end=NEAR.end - CHUNK_OVERLAP)
"""The near days that no far piece contains."""


@pytest.fixture
def blocked(poller_harness: PollerHarness, poller: Poller) -> BlockedMerchant:
    return _read(BlockedMerchant(poller_harness, poller))


def _read(blocked: BlockedMerchant) -> BlockedMerchant:
    blocked.read()
    assert blocked.known()
    return blocked


def family_is_unknown(blocked: BlockedMerchant, span: Interval, *, last_known: tuple[Interval, ...]) -> None:
    """Assert that the family's time is unknown in this interval: closed, open, or as last known."""
    for product in CHOICES:
        assert blocked.of_state(product, SlotState.UNKNOWN) == (span,)
        assert not blocked.account.availability(product).complete
    assert blocked.closed("block") == (span,)
    assert blocked.closed("sell") == ()
    assert blocked.closed("last-known") == last_known
    assert blocked.closed("both") == (span,)


def test_last_known_times_count_for_as_long_as_was_chosen(
    poller_harness: PollerHarness, blocked: BlockedMerchant
) -> None:
    poller_harness.fault("freebusy_error", calendar=blocked.family)
    blocked.read(2 * MINUTE)
    family_is_unknown(blocked, NEAR, last_known=(MEETING,))
    poller_harness.clock.advance(57 * MINUTE)
    family_is_unknown(blocked, NEAR, last_known=(MEETING,))
    state = blocked.account.state("last-known")
    poller_harness.clock.advance(2 * MINUTE)
    family_is_unknown(blocked, NEAR, last_known=(NEAR,))
    assert state.expires_at
    assert abs(state.expires_at - (NOON + HOUR)) < SECOND, "the platform is told when they no longer do"


EACH_REASON = ["notFound", "internalError", "tooManyCalendarsRequested", "groupTooBig", "aReasonThatIsNew"]


@pytest.mark.parametrize("reason", EACH_REASON)
def test_an_error_inside_a_good_answer_never_opens_what_was_busy_and_concerns_no_other_calendar(
    poller_harness: PollerHarness, blocked: BlockedMerchant, reason: str
) -> None:
    poller_harness.fault("freebusy_error", calendar=blocked.family, reason=reason)
    blocked.read(2 * MINUTE)
    family_is_unknown(blocked, NEAR, last_known=(MEETING,))
    blocked.read(2 * HOUR)
    family_is_unknown(blocked, WHOLE, last_known=(WHOLE,))
    assert blocked.account.state("block").trouble == reason
    boat = blocked.account.availability("boat")
    assert [(slot.span, slot.state) for slot in boat.slots] == [(TRIP, SlotState.BUSY)]
    assert boat.complete
    assert blocked.of_state("both", SlotState.BUSY) == (TRIP,)
    poller_harness.heal()
    blocked.heals(within=HOUR / 2)


@pytest.mark.parametrize("reason", EACH_REASON)
def test_a_calendar_that_never_answered_is_unknown_and_not_free(
    poller_harness: PollerHarness, poller: Poller, reason: str
) -> None:
    blocked = BlockedMerchant(poller_harness, poller)
    poller_harness.fault("freebusy_error", calendar=blocked.family, reason=reason)
    blocked.read()
    family_is_unknown(blocked, WHOLE, last_known=(WHOLE,))
    assert blocked.account.availability("boat").complete
    poller_harness.heal()
    blocked.heals(within=PUSHED_POLL_INTERVAL)


OF_THE_CALL = [
    *((kind, None) for kind in sorted(KNOWN_REASONS)),
    ("rateLimitExceeded", 429),
    ("userRateLimitExceeded", 429),
    ("backendError", 503),
    ("internalError", 502),
    ("drop", None),
    ("lost_response", None),
]


@pytest.mark.parametrize(("kind", "status"), OF_THE_CALL)
def test_a_query_that_fails_leaves_readings_good_for_their_age_and_then_makes_their_time_unknown(
    poller_harness: PollerHarness, blocked: BlockedMerchant, kind: str, status: int | None
) -> None:
    poller_harness.fault(kind, **({"status": status} if status else {}))
    _fails_and_heals(poller_harness, blocked)


def test_a_query_that_is_too_slow_is_a_failure_of_the_whole_call(
    poller_harness: PollerHarness,
) -> None:
    with poller_harness.poller(timeout=PATIENCE) as impatient:
        blocked = _read(BlockedMerchant(poller_harness, impatient))
        poller_harness.fault("slow", seconds=2 * PATIENCE.total_seconds())
        _fails_and_heals(poller_harness, blocked)


def _fails_and_heals(poller_harness: PollerHarness, blocked: BlockedMerchant) -> None:
    blocked.read(2 * MINUTE)
    assert blocked.known()
    assert blocked.account.state("block").trouble == "", "nothing is wrong with what is known"
    blocked.read(2 * MINUTE)
    family_is_unknown(blocked, NEAR_OF_OWN, last_known=(MEETING,))
    assert blocked.closed("boat") == (NEAR_OF_OWN,)
    assert blocked.account.state("block").trouble
    blocked.read(4 * HOUR)
    family_is_unknown(blocked, WHOLE, last_known=(WHOLE,))
    poller_harness.heal()
    blocked.heals(within=HOUR)


def test_an_error_of_the_calendar_is_not_forgotten_when_whole_calls_fail_after_it(
    poller_harness: PollerHarness, blocked: BlockedMerchant
) -> None:
    poller_harness.fault("freebusy_error", calendar=blocked.family)
    blocked.read(2 * MINUTE)
    poller_harness.heal()
    poller_harness.fault("backendError")
    blocked.read(10 * SECOND)
    assert blocked.account.state("block").trouble == "backendError"
    family_is_unknown(blocked, NEAR, last_known=(MEETING,))
    assert blocked.account.availability("boat").complete


def test_without_an_access_token_nothing_is_known(poller_harness: PollerHarness, poller: Poller) -> None:
    blocked = BlockedMerchant(poller_harness, poller)
    poller_harness.fault("drop", method="oauth2.token")
    blocked.read()
    family_is_unknown(blocked, WHOLE, last_known=(WHOLE,))
    poller_harness.heal()
    blocked.heals(within=PUSHED_POLL_INTERVAL)


def test_a_single_failure_changes_nothing_and_is_over_within_seconds(
    poller_harness: PollerHarness, blocked: BlockedMerchant
) -> None:
    poller_harness.fault("backendError", count=1)
    again_at = blocked.read(2 * MINUTE)
    assert blocked.known()
    assert again_at - poller_harness.clock() < 10 * SECOND
    blocked.read(10 * SECOND)
    poller_harness.clock.advance(2 * MINUTE)
    assert blocked.known(), "it was read again"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_failure_at_the_first_reading_is_over_within_seconds_whatever_the_piece(
    poller_harness: PollerHarness, poller: Poller, count: int
) -> None:
    blocked = BlockedMerchant(poller_harness, poller)
    poller_harness.fault("backendError", count=count)
    blocked.read()
    assert not blocked.known()
    blocked.read(10 * SECOND)
    assert blocked.known()


def test_a_reading_that_is_not_renewed_is_unknown_soon_the_near_days_first(
    poller_harness: PollerHarness, blocked: BlockedMerchant
) -> None:
    poller_harness.clock.advance(HORIZON.poll * 3)
    assert blocked.known()
    poller_harness.clock.advance(HORIZON.poll)
    family_is_unknown(blocked, NEAR_OF_OWN, last_known=(MEETING,))
    poller_harness.clock.advance(4 * HOUR)
    family_is_unknown(blocked, WHOLE, last_known=(WHOLE,))
    blocked.read()
    assert blocked.known()


def test_a_calendar_that_is_deleted_is_unknown_and_unpicking_it_mends_that(
    poller_harness: PollerHarness, blocked: BlockedMerchant
) -> None:
    blocked.account.delete_calendar(blocked.family)
    blocked.read(2 * MINUTE)
    family_is_unknown(blocked, NEAR, last_known=(MEETING,))
    blocked.account.pick(blocked.boat, product="both")
    assert blocked.account.availability("both").complete
    assert blocked.closed("both") == (TRIP,)


def test_a_grant_without_the_scope_parks_until_it_has_it(
    poller_harness: PollerHarness, blocked: BlockedMerchant
) -> None:
    blocked.account.connect("Europe/Helsinki", (APP_CREATED, CALENDAR_LIST))
    blocked.read(4 * HOUR)
    family_is_unknown(blocked, WHOLE, last_known=(WHOLE,))
    blocker = blocked.account.state("block").blocker
    assert blocker
    assert (blocker.health, blocker.reason) == (Health.PARKED, "freebusy_not_allowed")
    blocked.account.connect("Europe/Helsinki")
    blocked.heals(within=HOUR)
    assert blocked.account.state("block").blocker is None


def test_a_grant_that_is_lost_parks_and_leaves_what_was_known_last_for_as_long_as_was_chosen(
    poller_harness: PollerHarness, blocked: BlockedMerchant
) -> None:
    poller_harness.clock.advance(10 * MINUTE)
    blocked.account.lose_grant()
    family_is_unknown(blocked, WHOLE, last_known=(MEETING,))
    for product, wait in (("block", 6 * HOUR), ("last-known", 50 * MINUTE)):
        blocker = blocked.account.state(product).blocker
        assert blocker
        assert blocker.health is Health.PARKED
        assert abs(blocker.look_again - wait) < SECOND, "the platform is told when nothing counts any more"
    poller_harness.clock.advance(50 * MINUTE)
    family_is_unknown(blocked, WHOLE, last_known=(WHOLE,))
    blocked.account.connect("Europe/Helsinki")
    blocked.read()
    assert blocked.known()


def test_a_change_whose_push_is_lost_is_found_by_polling(
    poller_harness: PollerHarness, push_receiver: PushReceiver
) -> None:
    with poller_harness.poller(push_receiver.address) as poller:
        account, calendar = _pushed(poller_harness, poller, push_receiver)
        poller_harness.fault("lost_push", method="events.watch")
        account.busy(calendar, MEETING.start, MEETING.end)
        (watched,) = poller_harness.accounts.get_calendars(account.connection_id)
        read_at, began = watched.attempts[0].at, poller_harness.clock.now
        found = _when(poller_harness, poller, account, lambda: bool(account.availability().slots))
    assert (
        PUSHED_POLL_INTERVAL * (1 - POLL_JITTER) <= began + found - read_at <= PUSHED_POLL_INTERVAL * (1 + POLL_JITTER)
    )
    assert push_receiver.states() == ["sync"]


def _pushed(poller_harness: PollerHarness, poller: Poller, push_receiver: PushReceiver) -> tuple[MerchantAccount, str]:
    """Return an account and its calendar, which has a channel that was heard, and was read after that."""
    poller_harness.hear(push_receiver)
    account = poller_harness.account()
    calendar = account.calendar()
    account.choose()
    account.pick(calendar)
    for _ in range(3):
        poller_harness.clock.advance(2 * MINUTE)
        poller.poll(account.connection_id)
        wait_until(lambda: push_receiver.states() == ["sync"])
    assert account.availability().complete
    return account, calendar


def _when(
    poller_harness: PollerHarness, poller: Poller, account: MerchantAccount, true: Callable[[], bool]
) -> timedelta:
    """Return the time until the condition is true, with the account polled whenever it is due."""
    began = poller_harness.clock.now
    while poller_harness.clock.now < began + HOUR:
        next_at = poller.poll(account.connection_id).next_at
        if true():
            break
        poller_harness.clock.now = max(poller_harness.clock.now, next_at)
    return poller_harness.clock.now - began


def test_a_product_is_looked_at_again_when_another_day_comes_into_sight(
    poller_harness: PollerHarness, blocked: BlockedMerchant
) -> None:
    poller_harness.clock.now = TODAY + DAY - SECOND
    blocked.read()
    assert blocked.account.state("block").expires_at == TODAY + DAY
