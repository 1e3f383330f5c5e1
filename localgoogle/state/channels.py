"""Notification channels: where notifications about a calendar or a calendar list are sent, and their numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from localgoogle.protocol.instants import from_micros
from localgoogle.state.records import StoredRecord
from localgoogle.state.state_file import StateFile


@dataclass(frozen=True)
class StoredChannel(StoredRecord):
    """One channel for notifications about a calendar, or about the calendar list if ``calendar_id`` is empty."""

    id: str
    account: str
    client_id: str
    calendar_id: str
    resource_id: str
    resource_uri: str
    address: str
    token: str
    expiration: int
    last_number: int = 0

    def as_opened(self) -> "StoredChannel":
        """Return the channel as it was opened. It is equal for one channel only, though ids are used again."""
        return replace(self, last_number=0)

    @property
    def expires_at(self) -> datetime:
        """The instant in UTC at which the channel ends."""
        return from_micros(self.expiration * 1000)


@dataclass(frozen=True)
class Notification:
    """One notification to one channel."""

    channel: StoredChannel
    number: int
    state: str


SendNotification = Callable[[Notification], None]


class Channels:
    """All open channels. Notifications go to ``send``, which the server sets; until then they are discarded."""

    def __init__(self, state_file: StateFile, clock: Callable[[], datetime]) -> None:
        self._state_file = state_file
        self._clock = clock
        self._channels: dict[tuple[str, str], StoredChannel] = {}
        self.send: SendNotification = lambda _: None

    def open(self, channel: StoredChannel) -> None:
        """Open the channel, and send its ``sync`` notification."""
        self._store(channel)
        self._notify(channel, "sync")

    def get(self, client_id: str, channel_id: str) -> StoredChannel | None:
        """Return the open channel of a project with this id, or None."""
        self._remove_expired()
        return self._channels.get((client_id, channel_id))

    def stop(self, channel: StoredChannel) -> None:
        """Close the channel: it gets no more notifications."""
        self._channels.pop(_channel_key(channel), None)
        self._state_file.put("channel", "\n".join(_channel_key(channel)), None)

    def is_open(self, channel: StoredChannel) -> bool:
        """Return whether the channel was neither stopped nor has expired."""
        current = self._channels.get(_channel_key(channel))
        return current is not None and current.as_opened() == channel.as_opened() and channel.expires_at > self._clock()

    def notify_change(self, account: str, calendar_id: str) -> None:
        """Notify all channels on this calendar, or on the account's list if the id is empty."""
        if not self._channels:
            return
        self._remove_expired()
        for channel in list(self._channels.values()):
            if (channel.account, channel.calendar_id) == (account, calendar_id):
                self._notify(channel, "exists")

    def list_accounts(self, calendar_id: str) -> set[str]:
        """Return the accounts that have channels on this calendar."""
        return {channel.account for channel in self._channels.values() if channel.calendar_id == calendar_id}

    def change_account(self, old: str, new: str) -> None:
        """Give the account's channels its new address, which is the id of the primary calendar, too."""
        for channel in [channel for channel in self._channels.values() if channel.account == old]:
            calendar_id = new if channel.calendar_id == old else channel.calendar_id
            self._store(replace(channel, account=new, calendar_id=calendar_id))

    def load(self) -> None:
        """Load the channels of the state file."""
        for record in self._state_file.load("channel"):
            channel = StoredChannel.from_record(record)
            self._channels[_channel_key(channel)] = channel

    def _store(self, channel: StoredChannel) -> None:
        self._channels[_channel_key(channel)] = channel
        self._state_file.put("channel", "\n".join(_channel_key(channel)), channel.to_record())

    def _notify(self, channel: StoredChannel, state: str) -> None:
        notified = replace(channel, last_number=channel.last_number + 1)
        self._store(notified)
        self.send(Notification(notified, notified.last_number, state))

    def _remove_expired(self) -> None:
        now = self._clock()
        for channel in [channel for channel in self._channels.values() if channel.expires_at <= now]:
            self.stop(channel)


def _channel_key(channel: StoredChannel) -> tuple[str, str]:
    return channel.client_id, channel.id
