"""Calls to Google on a merchant's behalf, while the merchant waits."""

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from temporalio.client import Client

from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.errors import GrantLost
from slotsync.google.service import GoogleServices
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections

Seen = TypeVar("Seen")


class MerchantGoogle:
    """Google, as each merchant's own connection. Notes how calls went, as activities do."""

    def __init__(self, settings: Settings, connections: Connections, client: Client) -> None:
        self._settings = settings
        self._connections = connections
        self._health = ConnectionHealth(connections, client, asyncio.get_running_loop(), utc_now)

    @cached_property
    def services(self) -> GoogleServices:
        """Google's services; a ``SettingsError`` when slotsync was given no client of Google's."""
        return GoogleServices(self._settings, self._connections)

    async def ask(self, merchant: str, look: Callable[[str], Seen]) -> Seen:
        """What the look with the merchant's connection finds; ``GrantLost`` when none is active."""
        return await asyncio.to_thread(self._ask, merchant, look)

    def close(self) -> None:
        """Closes the connections to Google."""
        if "services" in vars(self):
            self.services.close()

    def _ask(self, merchant: str, look: Callable[[str], Seen]) -> Seen:
        connection_id = self._connections.active_id(merchant)
        if connection_id is None:
            raise GrantLost("Google is not connected", reason="not_connected")
        with self._health.recording(connection_id):
            return look(connection_id)
