"""The local Google's controls, over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

import httpx

from tests.support.google_clients.recording import Json
from tests.support.local_google import AUTH

# What slotsync itself asks for: nearly every scenario runs with no more than this.
SLOTSYNC_SCOPES = tuple(
    AUTH + name for name in ("calendar.app.created", "calendar.calendarlist.readonly", "calendar.events.freebusy")
)


@dataclass(frozen=True)
class LocalGoogleControls:
    """A client for the controls of a running local Google."""

    url: str
    http: httpx.Client

    def create_account(self, email: str, time_zone: str) -> None:
        """Create a Google account with a primary calendar."""
        self._post("/sandbox/accounts", {"email": email, "time_zone": time_zone})

    def grant(self, email: str, client_id: str, scopes: tuple[str, ...]) -> str:
        """Return a refresh token."""
        answer = self._post(f"{_account(email)}/grant", {"client_id": client_id, "scopes": list(scopes)})
        return cast("str", cast("dict[str, Json]", answer)["refresh_token"])

    def revoke(self, email: str) -> None:
        """Revoke all grants of the user."""
        self._post(f"{_account(email)}/revoke", None)

    def fault(self, method: str, kind: str, *, account: str, count: int = 1, status: int | None = None) -> None:
        """Make the next ``count`` calls of the account fail."""
        fault: dict[str, Json] = {"method": method, "kind": kind, "account": account, "count": count}
        self._post("/sandbox/faults", fault if status is None else {**fault, "status": status})

    @contextmanager
    def quota(self, per_user_per_minute: int) -> Iterator[None]:
        """Limit the calls of each user within the block."""
        self._post("/sandbox/faults", {"kind": "quota", "per_user_per_minute": per_user_per_minute})
        try:
            yield
        finally:
            self.http.delete(f"{self.url}/sandbox/faults").raise_for_status()

    def add_calendar_by_hand(self, email: str, summary: str, time_zone: str) -> str:
        """Create a calendar as the user does by hand, and return its id."""
        answer = self._post(f"{_account(email)}/calendars", {"summary": summary, "timeZone": time_zone})
        return cast("str", cast("dict[str, Json]", answer)["id"])

    def add_event_by_hand(self, email: str, calendar: str, event: object) -> None:
        """Create an event as the user does by hand."""
        self._post(f"{_account(email)}/calendars/{quote(calendar, safe='')}/events", cast("Json", event))

    def access_token(self, refresh_token: str, client_id: str, client_secret: str) -> str:
        """Return an access token from /token."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        answer = self.http.post(
            f"{self.url}/token", data={**form, "client_id": client_id, "client_secret": client_secret}
        )
        answer.raise_for_status()
        return cast("str", answer.json()["access_token"])

    def _post(self, path: str, body: Json) -> Json:
        answer = self.http.post(f"{self.url}{path}", json=body)
        answer.raise_for_status()
        return cast("Json", answer.json()) if answer.content else None


def _account(email: str) -> str:
    return f"/sandbox/accounts/{quote(email, safe='')}"
