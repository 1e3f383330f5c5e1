"""Notification channels: who wants to hear of changes, and what each was told."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from slotsync.sandbox.journal import Journal
from slotsync.sandbox.stored import StoredChannel


@dataclass(frozen=True)
class Notification:
    """One message to one channel."""

    channel: StoredChannel
    number: int
    state: str


Send = Callable[[Notification], None]


class Channels:
    """All living channels. Messages go to ``send``, which the server sets; until then nobody hears them."""

    def __init__(self, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._clock = clock
        self._channels: dict[tuple[str, str], StoredChannel] = {}
        self.send: Send = lambda _: None

    def open(self, channel: StoredChannel) -> None:
        """Starts the channel with its ``sync`` message."""
        self._keep(channel)
        self._tell(channel, "sync")

    def get(self, client_id: str, channel_id: str) -> StoredChannel | None:
        """The living channel of a project with this id."""
        self._forget_expired()
        return self._channels.get((client_id, channel_id))

    def stop(self, channel: StoredChannel) -> None:
        """No more messages."""
        self._channels.pop(_key(channel), None)
        self._journal.put("channel", "\n".join(_key(channel)), None)

    def alive(self, channel: StoredChannel) -> bool:
        """Whether it was neither stopped nor has expired."""
        known = self._channels.get(_key(channel))
        return known is not None and known.opened() == channel.opened() and channel.expires() > self._clock()

    def changed(self, account: str, calendar_id: str) -> None:
        """Tells every channel on this calendar, or on the account's list where the id is empty."""
        if not self._channels:
            return
        self._forget_expired()
        for channel in list(self._channels.values()):
            if (channel.account, channel.calendar_id) == (account, calendar_id):
                self._tell(channel, "exists")

    def load(self) -> None:
        """Takes up the channels of the state file."""
        for record in self._journal.load("channel"):
            channel = StoredChannel.from_record(record)
            self._channels[_key(channel)] = channel

    def _keep(self, channel: StoredChannel) -> None:
        self._channels[_key(channel)] = channel
        self._journal.put("channel", "\n".join(_key(channel)), channel.record())

    def _tell(self, channel: StoredChannel, state: str) -> None:
        told = replace(channel, last_number=channel.last_number + 1)
        self._keep(told)
        self.send(Notification(told, told.last_number, state))

    def _forget_expired(self) -> None:
        now = self._clock()
        for channel in [channel for channel in self._channels.values() if channel.expires() <= now]:
            self.stop(channel)


def _key(channel: StoredChannel) -> tuple[str, str]:
    return channel.client_id, channel.id
