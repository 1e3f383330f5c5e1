"""Call Google with a merchant's connection, while the merchant waits."""

import asyncio
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TypeVar

from temporalio.client import Client

from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.errors import GrantLost
from slotsync.google.service import GoogleServices
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from starter.services.google_calls import GoogleCalls
from starter.services.recent_reads import RecentReads

Result = TypeVar("Result")


class MerchantGoogle:
    """Google, called with each merchant's own connection. Records the connection's health, as activities do."""

    def __init__(self, settings: Settings, connections: Connections, client: Client) -> None:
        self._settings = settings
        self._connections = connections
        self._health = ConnectionHealth(connections, client, asyncio.get_running_loop(), utc_now)
        self._calls = GoogleCalls()
        self._recent = RecentReads()

    @cached_property
    def services(self) -> GoogleServices:
        """Google's services, opened at first use.

        Raises:
            SettingsError: no OAuth client of Google is configured.
        """
        return GoogleServices(self._settings, self._connections)

    async def call(self, merchant: str, function: Callable[[str], Result]) -> Result:
        """Return what the function returns when it is called, in a thread, with the id of the merchant's connection.

        Raises:
            GrantLost: the merchant has no active connection.
            Transient: there was no answer in time.
        """
        return await self._calls.run(merchant, lambda: self._call(merchant, function))

    async def look(self, merchant: str, question: Hashable, function: Callable[[str], Result]) -> Result:
        """Return what the function returned for the same question within the last half minute, or else call it.

        Raises:
            GrantLost: the merchant has no active connection.
            Transient: there was no answer in time.
        """
        number = await asyncio.to_thread(self._connections.get_grant_number, merchant)
        return await self._recent.read((merchant, number, question), lambda: self.call(merchant, function))

    def forget_recent(self, merchant: str) -> None:
        """Ask Google anew for the merchant's next look."""
        self._recent.forget(lambda question: question[0] == merchant)

    def close(self) -> None:
        """Close the connections to Google."""
        self._calls.close()
        if "services" in vars(self):
            self.services.close()

    def _call(self, merchant: str, function: Callable[[str], Result]) -> Result:
        connection_id = self._connections.get_active_id(merchant)
        if connection_id is None:
            raise GrantLost("Google is not connected", reason="not_connected")
        with self._health.recording(connection_id):
            return function(connection_id)
