"""Open, renew and stop the push channels of watched calendars."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.availability.push_channels import Channel, channels_to_forget, channels_to_stop, needs_new_channel
from slotsync.domain.availability.reading_plan import WatchedCalendar
from slotsync.errors import BadRequest, CalendarMissing, Gone, GoogleError, GrantLost, NotFound, PushRefused
from slotsync.google.channels import GoogleChannels
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts


class ChannelStopper:
    """Stops channels. One that cannot be stopped is ignored from now on, and ends by itself."""

    def __init__(self, google: GoogleChannels, channels: PushChannels) -> None:
        self._google = google
        self._channels = channels

    def stop_all(self, connection_id: str) -> None:
        """Stop every channel of the connection."""
        self.stop(connection_id, self._channels.get_connection_channels(connection_id))

    def stop(self, connection_id: str, channels: Iterable[Channel]) -> int:
        """Stop these channels, and return how many calls to Google that took.

        Each is forgotten at once, so that a repetition has only the rest to do. With a dead grant, or after a call
        that Google did not answer, the others are only forgotten: fifty calls would take minutes.
        """
        calls, stoppable = 0, True
        for channel in channels:
            if channel.resource_id and stoppable:
                calls += 1
                stoppable = self._stop(connection_id, channel.id, channel.resource_id)
            self._channels.forget(channel.id)
        return calls

    def _stop(self, connection_id: str, channel_id: str, resource_id: str) -> bool:
        """Stop the channel, and return whether it makes sense to stop another one."""
        try:
            self._google.stop(connection_id, channel_id, resource_id)
        except GoogleError as error:
            return not isinstance(error, GrantLost) and error.reason != "timeout"
        return True


MAX_CHANNELS_OPENED_PER_POLL: Final = 10
"""Each takes a call, and readings wait meanwhile."""

CHANNEL_RETRY_DELAY: Final = timedelta(minutes=10)
"""When to try again to open a channel that could not be opened, and with it all of the account's, unless the fault is
the calendar's own. Until then the calendar is read by polling."""

_CALENDAR_ERRORS = (NotFound, Gone, CalendarMissing, BadRequest)


class UpkeepResult(NamedTuple):
    """The watched calendars that got a channel, and how many calls to Google the upkeep took."""

    opened: Sequence[str]
    calls: int


class ChannelUpkeep:
    """Keeps a channel open on each watched calendar. Without an ``address`` none is opened, and the open ones end."""

    def __init__(  # noqa: PLR0913, PLR0917  all that a channel touches
        self,
        google: GoogleChannels,
        channels: PushChannels,
        accounts: WatchedAccounts,
        health: ConnectionHealth,
        address: str | None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._google = google
        self._channels = channels
        self._stopper = ChannelStopper(google, channels)
        self._accounts = accounts
        self._health = health
        self._address = address
        self._clock = clock
        self._paused_until: dict[str, datetime] = {}

    def is_due(self, connection_id: str, watched: Sequence[WatchedCalendar]) -> bool:
        """Return whether there is a channel to open."""
        return bool(self._without_channel(connection_id, watched))

    def keep(
        self, connection_id: str, watched: Sequence[WatchedCalendar], renew_lease: Callable[[], None]
    ) -> UpkeepResult:
        """Open missing channels, some at a time, and stop the replaced ones. ``renew_lease`` is called before a call.

        A calendar that got a channel is read once more: it may have changed before the channel was open.
        """
        calls, opened = 0, []
        for calendar in self._without_channel(connection_id, watched)[:MAX_CHANNELS_OPENED_PER_POLL]:
            calls += 1
            renew_lease()
            if self._open(connection_id, calendar):
                opened.append(calendar.id)
            elif self._is_paused(connection_id):
                break
        if opened:
            self._accounts.mark_notified(connection_id, opened)
        return UpkeepResult(opened, calls + self._remove_obsolete(connection_id, [each.id for each in watched]))

    def stop(self, connection_id: str, watched_ids: Sequence[str]) -> int:
        """Stop all channels of these calendars, and return how many calls to Google that took."""
        channels = [each for some in self._channels.get_channels(watched_ids).values() for each in some]
        return self._stopper.stop(connection_id, channels)

    def _without_channel(self, connection_id: str, watched: Sequence[WatchedCalendar]) -> list[WatchedCalendar]:
        now = self._clock()
        if self._address is None or not watched or self._is_paused(connection_id):
            return []
        ids = [each.id for each in watched]
        channels, refused = self._channels.get_channels(ids), self._channels.get_refused(ids)
        possible = (each for each in watched if each.id not in refused and not self._is_paused(each.id))
        return [each for each in possible if needs_new_channel(channels.get(each.id, ()), now)]

    def _is_paused(self, connection_or_watched_id: str) -> bool:
        """Return whether no channel is opened for this connection, or this calendar, after an error."""
        return self._paused_until.get(connection_or_watched_id, self._clock()) > self._clock()

    def _open(self, connection_id: str, calendar: WatchedCalendar) -> bool:
        assert self._address
        channel = self._channels.prepare(calendar.id)
        try:
            with self._health.recording(connection_id):
                opened = self._google.open(connection_id, calendar.calendar_id, channel, self._address)
        except PushRefused:
            self._channels.record_refusal(calendar.id)
        except GoogleError as error:
            paused = calendar.id if isinstance(error, _CALENDAR_ERRORS) else connection_id
            self._paused_until[paused] = self._clock() + CHANNEL_RETRY_DELAY
        else:
            self._channels.record_opening(channel.id, opened.resource_id, opened.expires_at)
            return True
        self._channels.forget(channel.id)
        return False

    def _remove_obsolete(self, connection_id: str, watched_ids: Sequence[str]) -> int:
        """Forget ended channels, stop replaced ones, and return how many calls to Google that took."""
        calls, now = 0, self._clock()
        for channels in self._channels.get_channels(watched_ids).values():
            for each in channels_to_forget(channels, now):
                self._channels.forget(each.id)
            calls += self._stopper.stop(connection_id, channels_to_stop(channels, now))
        return calls
