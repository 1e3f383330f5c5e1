"""Clients for an account, made as a test needs them."""

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
    """Makes clients of one kind for one account, each with a grant of its own."""

    google: LocalGoogleControls
    account: str
    driver: Callable[[Grant], CalendarClient]
    opened: list[CalendarClient] = field(default_factory=list)

    def __call__(self, *scopes: str, client_id: str = Grant.client_id) -> CalendarClient:
        """A client with these scopes, else with those that slotsync asks for."""
        return self.open(self.grant(*scopes, client_id=client_id))

    def grant(self, *scopes: str, client_id: str = Grant.client_id) -> Grant:
        """The user's consent to these scopes."""
        token = self.google.grant(self.account, client_id, scopes or SLOTSYNC_SCOPES)
        return Grant(self.google.url, refresh_token=token, client_id=client_id)

    def open(self, grant: Grant, access_token: str | None = None) -> CalendarClient:
        """A client for the grant, which believes this access token to be good."""
        client = self.driver(replace(grant, access_token=access_token))
        self.opened.append(client)
        return client

    def close(self) -> None:
        """Closes all that were made."""
        for client in self.opened:
            client.close()
