"""Open, renew and stop the push channels of watched calendars."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.availability.push_channels import (
    Channel,
    channels_to_doubt,
    channels_to_forget,
    channels_to_stop,
    hash_address,
    live_channels,
    needs_new_channel,
)
from slotsync.domain.availability.reading_plan import WatchedCalendar
from slotsync.errors import BadRequest, CalendarMissing, Gone, GoogleError, GrantLost, NotFound, PushRefused
from slotsync.google.channels import GoogleChannels
from slotsync.store.availability.push_channels import PushChannels

logger = logging.getLogger(__name__)


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
the calendar's own. Until then the calendar is read by polling. A process opens no two channels of a calendar in a
shorter time either: two with different addresses would replace each other's channels for ever."""

_CALENDAR_ERRORS = (NotFound, Gone, CalendarMissing, BadRequest)


class UpkeepResult(NamedTuple):
    """The result of an upkeep: ``changed`` if other channels are open or believed than before; calls to Google."""

    changed: bool
    calls: int


class ChannelUpkeep:
    """Keeps a channel to the ``address`` open on each watched calendar. Without an address, all are stopped."""

    def __init__(
        self,
        google: GoogleChannels,
        channels: PushChannels,
        health: ConnectionHealth,
        address: str | None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._google = google
        self._channels = channels
        self._stopper = ChannelStopper(google, channels)
        self._health = health
        self._address = address
        self._address_hash = hash_address(address)
        self._clock = clock
        self._paused_until: dict[str, datetime] = {}

    def is_due(self, connection_id: str, watched: Sequence[WatchedCalendar]) -> bool:
        """Return whether there is a channel to open or, without an address, one to stop."""
        if self._address is None:
            return bool(self._live(watched))
        return bool(self._without_channel(connection_id, watched))

    def keep(
        self, connection_id: str, watched: Sequence[WatchedCalendar], renew_lease: Callable[[], None]
    ) -> UpkeepResult:
        """Open missing channels, some at a time, and stop the replaced ones. ``renew_lease`` is called before a call.

        Channels to another address are doubted at once, so that their calendars are polled at the ordinary pace.
        """
        missing = self._without_channel(connection_id, watched)
        changed, calls = self._doubt(missing), 0
        for calendar in missing[:MAX_CHANNELS_OPENED_PER_POLL]:
            calls += 1
            renew_lease()
            if self._open(connection_id, calendar):
                changed = True
            elif self._is_paused(connection_id):
                break
        stop_calls = self._remove_obsolete(connection_id, [each.id for each in watched])
        return UpkeepResult(changed or bool(stop_calls), calls + stop_calls)

    def stop(self, connection_id: str, watched_ids: Sequence[str]) -> int:
        """Stop all channels of these calendars, and return how many calls to Google that took."""
        channels = [each for some in self._channels.get_channels(watched_ids).values() for each in some]
        return self._stopper.stop(connection_id, channels)

    def _without_channel(self, connection_id: str, watched: Sequence[WatchedCalendar]) -> list[WatchedCalendar]:
        now = self._clock()
        if self._address_hash is None or not watched or self._is_paused(connection_id):
            return []
        ids = [each.id for each in watched]
        channels, refused = self._channels.get_channels(ids), self._channels.get_refused(ids)
        possible = (each for each in watched if each.id not in refused and not self._is_paused(each.id))
        return [each for each in possible if needs_new_channel(channels.get(each.id, ()), self._address_hash, now)]

    def _doubt(self, watched: Sequence[WatchedCalendar]) -> bool:
        """Doubt the channels to other addresses, and return whether there are any."""
        now = self._clock()
        doubted = [each.id for each in channels_to_doubt(self._live(watched), self._address_hash, now)]
        if doubted:
            self._channels.doubt(doubted, now)
        return bool(doubted)

    def _live(self, watched: Sequence[WatchedCalendar]) -> list[Channel]:
        found = self._channels.get_channels([each.id for each in watched]) if watched else {}
        return live_channels((each for some in found.values() for each in some), self._clock())

    def _is_paused(self, connection_or_watched_id: str) -> bool:
        """Return whether no channel is opened for this connection, or this calendar, after an error."""
        return self._paused_until.get(connection_or_watched_id, self._clock()) > self._clock()

    def _open(self, connection_id: str, calendar: WatchedCalendar) -> bool:
        assert self._address
        assert self._address_hash
        self._paused_until[calendar.id] = self._clock() + CHANNEL_RETRY_DELAY
        channel = self._channels.prepare(calendar.id, self._address_hash)
        try:
            with self._health.recording(connection_id):
                opened = self._google.open(connection_id, calendar.calendar_id, channel, self._address)
        except PushRefused:
            self._channels.record_refusal(calendar.id)
        except GoogleError as error:
            logger.warning("a push channel could not be opened: %s", error)
            if not isinstance(error, _CALENDAR_ERRORS):
                self._paused_until[connection_id] = self._clock() + CHANNEL_RETRY_DELAY
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
            calls += self._stopper.stop(connection_id, channels_to_stop(channels, self._address_hash, now))
        return calls
