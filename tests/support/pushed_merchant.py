"""A merchant with one picked calendar, polled by the clock of the test, and what ``slotsync doctor`` says of push."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from slotsync.busy_times.poller import Poller
from slotsync.domain.availability.horizon import POLL_JITTER
from slotsync.domain.availability.push_channels import PUSHED_POLL_INTERVAL
from slotsync.domain.availability.reading_plan import WatchedCalendar
from slotsync.google.channels import PUSH_PATH
from slotsync.store.availability.watched_accounts import forget_account
from starter.cli.findings import Finding
from starter.cli.push_checks import check_push
from tests.support.poller_harness import HORIZON, PollerHarness

ORDINARY = HORIZON.poll * (1 + POLL_JITTER) + timedelta(seconds=1)
"""The longest time between two readings at the ordinary pace."""

PUSHED = PUSHED_POLL_INTERVAL * (1 + POLL_JITTER) + timedelta(seconds=1)


class PushedMerchant:
    """A merchant with one picked calendar."""

    def __init__(self, poller_harness: PollerHarness) -> None:
        self._harness = poller_harness
        self.account = poller_harness.account()
        self.calendar = self.account.calendar()
        self.account.choose()
        self.account.pick(self.calendar)

    def watched(self) -> WatchedCalendar:
        (watched,) = self._harness.accounts.get_calendars(self.account.connection_id)
        return watched

    def poll(self, poller: Poller) -> datetime:
        """Poll as a worker does, until nothing is due or changed any more, and return when the next poll is due."""
        accounts, connection_id = self._harness.accounts, self.account.connection_id
        while True:
            handled = accounts.get_last_change(connection_id)
            next_at = poller.poll(connection_id).next_at
            if next_at > self._harness.clock() and accounts.get_last_change(connection_id) == handled:
                return next_at

    def forget(self) -> None:
        """Delete all that is known of the account: doctor counts the channels of all."""
        with self._harness.store.write() as connection:
            forget_account(connection, self.account.connection_id)

    def go_on(self, poller: Poller, duration: timedelta, until: Callable[[], bool] = lambda: False) -> list[datetime]:
        """Poll whenever something is due for this time, and return when the near days were read."""
        clock, ends_at = self._harness.clock, self._harness.clock.now + duration
        read: list[datetime] = []
        while clock.now < ends_at and not until():
            next_at = self.poll(poller)
            read.append(self.watched().attempts[0].at)
            clock.now = max(clock.now, min(next_at, ends_at))
        return sorted({*read})

    def longest_pause(self, poller: Poller, duration: timedelta = timedelta(minutes=30)) -> timedelta:
        """Return the longest time between two readings of the near days within this time."""
        read = self.go_on(poller, duration)
        return max(later - earlier for earlier, later in pairwise(read))

    def calls(self, method: str) -> int:
        answer = self._harness.http.get("/sandbox/calls", params={"account": self.account.email}).raise_for_status()
        return int(answer.json()["totals"].get(method, 0))

    def doctor(self, address: str | None) -> Finding:
        """Return what is found of push by processes that have this address."""
        url = address.removesuffix(PUSH_PATH) if address else ""
        settings = self._harness.settings.model_copy(update={"public_url": url})
        return check_push(self._harness.store, settings, self._harness.clock())
