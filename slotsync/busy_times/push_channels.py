"""Open, renew and stop the push channels of watched calendars."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.availability.push_channels import Channel, to_forget, to_open, to_stop
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
        """Stops every channel of the connection."""
        self.stop(connection_id, self._channels.of_connection(connection_id))

    def stop(self, connection_id: str, channels: Iterable[Channel]) -> int:
        """Stops these channels; how many calls to Google that took.

        One after the other is forgotten: a second go has only the rest to do. With a dead grant, or once nobody has
        answered, the others are only forgotten: fifty calls would take minutes.
        """
        calls, in_vain = 0, False
        for channel in channels:
            if channel.resource_id and not in_vain:
                calls += 1
                in_vain = self._stop(connection_id, channel.id, channel.resource_id)
            self._channels.forget(channel.id)
        return calls

    def _stop(self, connection_id: str, channel_id: str, resource_id: str) -> bool:
        """Whether it would be in vain to stop another one."""
        try:
            self._google.stop(connection_id, channel_id, resource_id)
        except GoogleError as error:
            return isinstance(error, GrantLost) or error.reason == "timeout"
        return False


OPENED_AT_ONCE: Final = 10
"""Channels that one turn opens at most: each takes a call, and readings are waited for."""

AFTER_TROUBLE: Final = timedelta(minutes=10)
"""When a channel that could not be opened is tried again, and with it all of the account, unless the fault is the
calendar's own. Until then it is read by polling."""

_OF_THE_CALENDAR = (NotFound, Gone, CalendarMissing, BadRequest)


class ChannelUpkeep:
    """Keeps a channel open on each watched calendar; without an ``address`` none is opened, and those that are, end."""

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
        self._ends = ChannelStopper(google, channels)
        self._accounts = accounts
        self._health = health
        self._address = address
        self._clock = clock
        self._rests_until: dict[str, datetime] = {}

    def is_due(self, connection_id: str, watched: Sequence[WatchedCalendar]) -> bool:
        """Whether there is a channel to open."""
        return bool(self._missing(connection_id, watched))

    def keep(self, connection_id: str, watched: Sequence[WatchedCalendar], going_on: Callable[[], None]) -> int:
        """Opens what is missing, some at a time, and stops what was replaced; how many calls to Google that took.

        What was opened is read once more: it may have changed before it was. ``going_on`` is called before each call.
        """
        calls, opened = 0, []
        for calendar in self._missing(connection_id, watched)[:OPENED_AT_ONCE]:
            calls += 1
            going_on()
            if self._open(connection_id, calendar):
                opened.append(calendar.id)
            elif self._rests(connection_id):
                break
        if opened:
            self._accounts.ring(connection_id, opened)
        return calls + self._tidy(connection_id, [each.id for each in watched])

    def stop(self, connection_id: str, watched_ids: Sequence[str]) -> int:
        """Stops all channels of these calendars; how many calls to Google that took."""
        channels = [each for some in self._channels.of(watched_ids).values() for each in some]
        return self._ends.stop(connection_id, channels)

    def _missing(self, connection_id: str, watched: Sequence[WatchedCalendar]) -> list[WatchedCalendar]:
        now = self._clock()
        if self._address is None or not watched or self._rests(connection_id):
            return []
        ids = [each.id for each in watched]
        channels, refused = self._channels.of(ids), self._channels.refused(ids)
        could = (each for each in watched if each.id not in refused and not self._rests(each.id))
        return [each for each in could if to_open(channels.get(each.id, ()), now)]

    def _rests(self, whose: str) -> bool:
        """Whether this connection, or this calendar, is left alone for a while after trouble."""
        return self._rests_until.get(whose, self._clock()) > self._clock()

    def _open(self, connection_id: str, calendar: WatchedCalendar) -> bool:
        assert self._address
        channel = self._channels.prepare(calendar.id)
        try:
            with self._health.recording(connection_id):
                opened = self._google.open(connection_id, calendar.calendar_id, channel, self._address)
        except PushRefused:
            self._channels.refuse(calendar.id)
        except GoogleError as error:
            whose = calendar.id if isinstance(error, _OF_THE_CALENDAR) else connection_id
            self._rests_until[whose] = self._clock() + AFTER_TROUBLE
        else:
            self._channels.opened(channel.id, opened.resource_id, opened.expires_at)
            return True
        self._channels.forget(channel.id)
        return False

    def _tidy(self, connection_id: str, watched_ids: Sequence[str]) -> int:
        calls, now = 0, self._clock()
        for channels in self._channels.of(watched_ids).values():
            for each in to_forget(channels, now):
                self._channels.forget(each.id)
            calls += self._ends.stop(connection_id, to_stop(channels, now))
        return calls
