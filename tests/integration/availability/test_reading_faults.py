"""Each kind of trouble: its time is unknown in time, closed or open as was chosen, and heals by itself."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from localgoogle.protocol.errors import KNOWN_REASONS
from slotsync.busy_times.poller import Poller
from slotsync.domain.availability.availability import SlotState
from slotsync.domain.availability.horizon import JITTER, OVERLAP
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.push_channels import SLOW_POLL
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


@pytest.fixture
def shop(desk: PollerHarness, reader: Poller) -> BlockedMerchant:
    return _read(BlockedMerchant(desk, reader))


def _read(shop: BlockedMerchant) -> BlockedMerchant:
    shop.read()
    assert shop.known()
    return shop


def family_is_unknown(shop: BlockedMerchant, span: Interval, *, last_known: tuple[Interval, ...]) -> None:
    """The family's time is unknown in this span: closed, open, or what was known last."""
    for product in CHOICES:
        assert shop.of_state(product, SlotState.UNKNOWN) == (span,)
        assert not shop.account.availability(product).complete
    assert shop.closed("block") == (span,)
    assert shop.closed("sell") == ()
    assert shop.closed("last-known") == last_known
    assert shop.closed("both") == (span,)


def test_last_known_times_count_for_as_long_as_was_chosen(desk: PollerHarness, shop: BlockedMerchant) -> None:
    desk.fault("freebusy_error", calendar=shop.family)
    shop.read(2 * MINUTE)
    family_is_unknown(shop, NEAR, last_known=(MEETING,))
    desk.clock.advance(57 * MINUTE)
    family_is_unknown(shop, NEAR, last_known=(MEETING,))
    look = shop.account.look("last-known")
    desk.clock.advance(2 * MINUTE)
    family_is_unknown(shop, NEAR, last_known=(NEAR,))
    assert look.expires_at
    assert abs(look.expires_at - (NOON + HOUR)) < SECOND, "the platform is told when they no longer do"


EACH_REASON = ["notFound", "internalError", "tooManyCalendarsRequested", "groupTooBig", "aReasonThatIsNew"]


@pytest.mark.parametrize("reason", EACH_REASON)
def test_an_error_inside_a_good_answer_never_opens_what_was_busy_and_concerns_no_other_calendar(
    desk: PollerHarness, shop: BlockedMerchant, reason: str
) -> None:
    desk.fault("freebusy_error", calendar=shop.family, reason=reason)
    shop.read(2 * MINUTE)
    family_is_unknown(shop, NEAR, last_known=(MEETING,))
    shop.read(2 * HOUR)
    family_is_unknown(shop, WHOLE, last_known=(WHOLE,))
    assert shop.account.look("block").trouble == reason
    boat = shop.account.availability("boat")
    assert [(slot.span, slot.state) for slot in boat.slots] == [(TRIP, SlotState.BUSY)]
    assert boat.complete
    assert shop.of_state("both", SlotState.BUSY) == (TRIP,)
    desk.heal()
    shop.heals(within=HOUR / 2)


@pytest.mark.parametrize("reason", EACH_REASON)
def test_a_calendar_that_never_answered_is_unknown_and_not_free(
    desk: PollerHarness, reader: Poller, reason: str
) -> None:
    shop = BlockedMerchant(desk, reader)
    desk.fault("freebusy_error", calendar=shop.family, reason=reason)
    shop.read()
    family_is_unknown(shop, WHOLE, last_known=(WHOLE,))
    assert shop.account.availability("boat").complete
    desk.heal()
    shop.heals(within=SLOW_POLL)


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
def test_a_query_that_fails_makes_its_time_unknown_until_one_succeeds(
    desk: PollerHarness, shop: BlockedMerchant, kind: str, status: int | None
) -> None:
    desk.fault(kind, **({"status": status} if status else {}))
    _fails_and_heals(desk, shop)


def test_a_query_that_is_too_slow_makes_its_time_unknown_until_one_is_fast_enough(desk: PollerHarness) -> None:
    with desk.reader(timeout=PATIENCE) as impatient:
        shop = _read(BlockedMerchant(desk, impatient))
        desk.fault("slow", seconds=2 * PATIENCE.total_seconds())
        _fails_and_heals(desk, shop)


def _fails_and_heals(desk: PollerHarness, shop: BlockedMerchant) -> None:
    shop.read(2 * MINUTE)
    family_is_unknown(shop, NEAR, last_known=(MEETING,))
    assert shop.closed("boat") == (NEAR,)
    shop.read(2 * HOUR)
    family_is_unknown(shop, WHOLE, last_known=(WHOLE,))
    assert shop.account.look("block").trouble
    desk.heal()
    shop.heals(within=HOUR / 2)


def test_without_an_access_token_nothing_is_known(desk: PollerHarness, reader: Poller) -> None:
    shop = BlockedMerchant(desk, reader)
    desk.fault("drop", method="oauth2.token")
    shop.read()
    family_is_unknown(shop, WHOLE, last_known=(WHOLE,))
    desk.heal()
    shop.heals(within=SLOW_POLL)


def test_a_single_failure_is_over_before_its_readings_would_have_been_too_old(
    desk: PollerHarness, shop: BlockedMerchant
) -> None:
    desk.fault("backendError", count=1)
    shop.read(2 * MINUTE)
    family_is_unknown(shop, NEAR, last_known=(MEETING,))
    shop.read(MINUTE / 2)
    assert shop.known()


def test_a_reading_that_nobody_renews_is_unknown_soon_the_near_days_first(
    desk: PollerHarness, shop: BlockedMerchant
) -> None:
    desk.clock.advance(HORIZON.poll * 3)
    assert shop.known()
    desk.clock.advance(HORIZON.poll)
    family_is_unknown(shop, Interval(start=TODAY, end=NEAR.end - OVERLAP), last_known=(MEETING,))
    desk.clock.advance(4 * HOUR)
    family_is_unknown(shop, WHOLE, last_known=(WHOLE,))
    shop.read()
    assert shop.known()


def test_a_calendar_that_is_deleted_is_unknown_and_unpicking_it_mends_that(
    desk: PollerHarness, shop: BlockedMerchant
) -> None:
    shop.account.delete_calendar(shop.family)
    shop.read(2 * MINUTE)
    family_is_unknown(shop, NEAR, last_known=(MEETING,))
    shop.account.pick(shop.boat, product="both")
    assert shop.account.availability("both").complete
    assert shop.closed("both") == (TRIP,)


def test_a_grant_without_the_scope_parks_until_it_has_it(desk: PollerHarness, shop: BlockedMerchant) -> None:
    shop.account.connect("Europe/Helsinki", (APP_CREATED, CALENDAR_LIST))
    shop.read(2 * HOUR)
    family_is_unknown(shop, WHOLE, last_known=(WHOLE,))
    hold = shop.account.look("block").hold
    assert hold
    assert (hold.health, hold.reason) == (Health.PARKED, "freebusy_not_allowed")
    shop.account.connect("Europe/Helsinki")
    shop.heals(within=HOUR / 2)
    assert shop.account.look("block").hold is None


def test_a_grant_that_is_lost_parks_and_leaves_what_was_known_last_for_as_long_as_was_chosen(
    desk: PollerHarness, shop: BlockedMerchant
) -> None:
    desk.clock.advance(10 * MINUTE)
    shop.account.lose_grant()
    family_is_unknown(shop, WHOLE, last_known=(MEETING,))
    for product, wait in (("block", 6 * HOUR), ("last-known", 50 * MINUTE)):
        hold = shop.account.look(product).hold
        assert hold
        assert hold.health is Health.PARKED
        assert abs(hold.look_again - wait) < SECOND, "the platform is told when nothing counts any more"
    desk.clock.advance(50 * MINUTE)
    family_is_unknown(shop, WHOLE, last_known=(WHOLE,))
    shop.account.connect("Europe/Helsinki")
    shop.read()
    assert shop.known()


@pytest.fixture
def receiver() -> Iterator[PushReceiver]:
    receiver = PushReceiver()
    yield receiver
    receiver.close()


def test_a_change_whose_push_is_lost_is_found_by_polling(desk: PollerHarness, receiver: PushReceiver) -> None:
    with desk.reader(receiver.address) as reader:
        account, calendar = _pushed(desk, reader)
        wait_until(lambda: receiver.states() == ["sync"])
        desk.fault("lost_push", method="events.watch")
        account.busy(calendar, MEETING.start, MEETING.end)
        (watched,) = desk.accounts.calendars(account.connection_id)
        read_at, began = watched.attempts[0].at, desk.clock.now
        found = _when(desk, reader, account, lambda: bool(account.availability().slots))
    assert SLOW_POLL * (1 - JITTER) <= began + found - read_at <= SLOW_POLL * (1 + JITTER)
    assert receiver.states() == ["sync"]


def _pushed(desk: PollerHarness, reader: Poller) -> tuple[MerchantAccount, str]:
    """An account with a calendar of which Google tells, and that was read since it does."""
    account = desk.account()
    calendar = account.calendar()
    account.choose()
    account.pick(calendar)
    for _ in range(3):
        desk.clock.advance(2 * MINUTE)
        reader.turn(account.connection_id)
    assert account.availability().complete
    return account, calendar


def _when(desk: PollerHarness, reader: Poller, account: MerchantAccount, true: Callable[[], bool]) -> timedelta:
    """How long it takes until this is true, if the account is read whenever it is due."""
    began = desk.clock.now
    while desk.clock.now < began + HOUR:
        next_at = reader.turn(account.connection_id).next_at
        if true():
            break
        desk.clock.now = max(desk.clock.now, next_at)
    return desk.clock.now - began


def test_a_product_is_looked_at_again_when_another_day_comes_into_sight(
    desk: PollerHarness, shop: BlockedMerchant
) -> None:
    desk.clock.now = TODAY + DAY - SECOND
    shop.read()
    assert shop.account.look("block").expires_at == TODAY + DAY
