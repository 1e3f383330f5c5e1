"""Clients for an account, created on request of a test."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.support.google_clients.calendar_client import CalendarClient, Grant
from tests.support.google_clients.controls import SLOTSYNC_SCOPES, LocalGoogleControls

# A machine without Node has two clients. CI must have all three: there, a missing Node fails when it is to start.
HAS_NODE = all(shutil.which(program) for program in ("node", "npm"))
KINDS = ["python", "gcsa", *(["node"] if HAS_NODE or os.environ.get("CI") == "true" else [])]


@dataclass
class Connector:
    """Creates clients of one kind for one account, each with a grant of its own."""

    google: LocalGoogleControls
    account: str
    driver: Callable[[Grant], CalendarClient]
    opened: list[CalendarClient] = field(default_factory=list)

    def __call__(self, *scopes: str, client_id: str = Grant.client_id) -> CalendarClient:
        """Return a client with these scopes, or with slotsync's own scopes if there are none."""
        return self.open(self.grant(*scopes, client_id=client_id))

    def grant(self, *scopes: str, client_id: str = Grant.client_id) -> Grant:
        """Return a grant of these scopes."""
        token = self.google.grant(self.account, client_id, scopes or SLOTSYNC_SCOPES)
        return Grant(self.google.url, refresh_token=token, client_id=client_id)

    def open(self, grant: Grant, access_token: str | None = None) -> CalendarClient:
        """Return a client for the grant that takes this access token for valid."""
        client = self.driver(replace(grant, access_token=access_token))
        self.opened.append(client)
        return client

    def close(self) -> None:
        """Close all clients."""
        for client in self.opened:
            client.close()
