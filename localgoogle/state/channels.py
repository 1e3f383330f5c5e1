"""Notification channels: who watches which calendar, and the notifications that each channel was sent."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from localgoogle.protocol.instants import from_micros
from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.state_file import StateFile


@dataclass(frozen=True)
class StoredChannel:
    """Where notifications about one resource go. ``calendar_id`` is empty for the calendar list."""

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

    def opened(self) -> "StoredChannel":
        """As it was opened, whatever it has told since: another channel under the same id is another channel."""
        return replace(self, last_number=0)

    def expires(self) -> datetime:
        """When Google forgets it."""
        return from_micros(self.expiration * 1000)

    def record(self) -> JsonObject:
        """What the state file keeps."""
        return dict(vars(self))

    @classmethod
    def from_record(cls, record: JsonObject) -> "StoredChannel":
        """What ``record`` kept."""
        return cls(**record)  # type: ignore[arg-type]  # our own record: the fields' types are as written


@dataclass(frozen=True)
class Notification:
    """One message to one channel."""

    channel: StoredChannel
    number: int
    state: str


SendNotification = Callable[[Notification], None]


class Channels:
    """All living channels. Messages go to ``send``, which the server sets; until then nobody hears them."""

    def __init__(self, state_file: StateFile, clock: Callable[[], datetime]) -> None:
        self._state_file = state_file
        self._clock = clock
        self._channels: dict[tuple[str, str], StoredChannel] = {}
        self.send: SendNotification = lambda _: None

    def open(self, channel: StoredChannel) -> None:
        """Starts the channel with its ``sync`` message."""
        self._keep(channel)
        self._notify(channel, "sync")

    def get(self, client_id: str, channel_id: str) -> StoredChannel | None:
        """The living channel of a project with this id."""
        self._forget_expired()
        return self._channels.get((client_id, channel_id))

    def stop(self, channel: StoredChannel) -> None:
        """No more messages."""
        self._channels.pop(_channel_key(channel), None)
        self._state_file.put("channel", "\n".join(_channel_key(channel)), None)

    def is_open(self, channel: StoredChannel) -> bool:
        """Whether it was neither stopped nor has expired."""
        known = self._channels.get(_channel_key(channel))
        return known is not None and known.opened() == channel.opened() and channel.expires() > self._clock()

    def notify_change(self, account: str, calendar_id: str) -> None:
        """Tells every channel on this calendar, or on the account's list where the id is empty."""
        if not self._channels:
            return
        self._forget_expired()
        for channel in list(self._channels.values()):
            if (channel.account, channel.calendar_id) == (account, calendar_id):
                self._notify(channel, "exists")

    def load(self) -> None:
        """Takes up the channels of the state file."""
        for record in self._state_file.load("channel"):
            channel = StoredChannel.from_record(record)
            self._channels[_channel_key(channel)] = channel

    def _keep(self, channel: StoredChannel) -> None:
        self._channels[_channel_key(channel)] = channel
        self._state_file.put("channel", "\n".join(_channel_key(channel)), channel.record())

    def _notify(self, channel: StoredChannel, state: str) -> None:
        notified = replace(channel, last_number=channel.last_number + 1)
        self._keep(notified)
        self.send(Notification(notified, notified.last_number, state))

    def _forget_expired(self) -> None:
        now = self._clock()
        for channel in [channel for channel in self._channels.values() if channel.expires() <= now]:
            self.stop(channel)


def _channel_key(channel: StoredChannel) -> tuple[str, str]:
    return channel.client_id, channel.id
