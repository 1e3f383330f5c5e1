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
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.call_limits import CallLimits
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from starter.services.google_calls import GoogleCalls
from starter.services.recent_reads import RecentReads

Result = TypeVar("Result")


class MerchantGoogle:
    """Google, called with each merchant's own connection. Records the connection's health, as activities do."""

    def __init__(self, settings: Settings, store: Store, vault: Vault, client: Client) -> None:
        self._settings = settings
        self._connections = connections = Connections(store, vault)
        self._limits = CallLimits(store, settings.google_calls_per_user_minute)
        self._health = ConnectionHealth(connections, client, asyncio.get_running_loop(), utc_now)
        self._calls = GoogleCalls()
        self._recent = RecentReads()

    @cached_property
    def services(self) -> GoogleServices:
        """Google's services, opened at first use.

        Raises:
            SettingsError: no OAuth client of Google is configured.
        """
        return GoogleServices(self._settings, self._connections, limit=self._limits.count_call)

    async def call(self, merchant: str, function: Callable[[str], Result]) -> Result:
        """Return what the function returns when it is called, in a thread, with the id of the merchant's connection.

        Raises:
            GrantLost: the merchant has no active connection.
            Transient: there was no answer in time.
            CallLimitReached: the connection has used up the API's share of Google's quota.
        """
        return await self._calls.run(merchant, lambda: self._call(merchant, function))

    async def look(self, merchant: str, question: Hashable, function: Callable[[str], Result]) -> Result:
        """Return what the function returned for the same question within the last half minute, or else call it.

        Raises:
            GrantLost: the merchant has no active connection.
            Transient: there was no answer in time.
            CallLimitReached: the connection has used up the API's share of Google's quota.
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
