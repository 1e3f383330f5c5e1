"""The local Google through its controls, and slotsync's adapter as one merchant's connection."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import DesiredEvent, WrittenEvent
from slotsync.errors import GoogleError
from slotsync.google.calendar_marks import CalendarSpec
from slotsync.google.calendars import GoogleCalendars
from slotsync.google.events.body import to_google
from slotsync.google.events.writes import GoogleEvents
from slotsync.google.service import GoogleServices
from tests.support.desired_events import desired_content, desired_event
from tests.support.local_google import AUTH
from tests.support.memory_grants import MemoryGrant, MemoryGrants

EMAIL = "kari@example.com"
SCOPES = [
    f"{AUTH}calendar.app.created",
    f"{AUTH}calendar.calendarlist.readonly",
    f"{AUTH}calendar.events.freebusy",
    "openid",
    "email",
]
SHORT_TIMEOUT = timedelta(seconds=0.4)
SPEC = CalendarSpec(
    merchant="arctic-kayaks", owner=Owner.product("sunset-tour"), name="Sunset tour", time_zone="Europe/Oslo"
)


@dataclass
class AdapterHarness:
    """The local Google through its controls, and the adapter as one merchant's connection."""

    controls: httpx.Client
    grants: MemoryGrants
    services: GoogleServices
    calendar_id: str = ""
    before: Counter[str] = field(default_factory=Counter)

    @property
    def events(self) -> GoogleEvents:
        return GoogleEvents(self.services)

    @property
    def calendars(self) -> GoogleCalendars:
        return GoogleCalendars(self.services)

    def connect(self, connection_id: str, email: str, scopes: list[str]) -> None:
        self._post("accounts", {"email": email, "time_zone": "Europe/Oslo"})
        granted = self._post(f"accounts/{email}/grant", {"client_id": "client", "scopes": scopes})
        self.grants.grants[connection_id] = MemoryGrant(granted["refresh_token"])

    def revoke(self) -> None:
        self.controls.post(f"/sandbox/accounts/{EMAIL}/revoke").raise_for_status()

    def fault(self, method: str, kind: str, **more: object) -> None:
        self._post("faults", {"method": method, "kind": kind, **more})

    def faults_left(self, method: str) -> int:
        """Return how many more calls of the method will fail."""
        return sum(fault["left"] for fault in self._get("/sandbox/faults")["items"] if fault["method"] == method)

    def heal(self) -> None:
        self.controls.delete("/sandbox/faults").raise_for_status()

    def behave(self, **switches: str) -> None:
        self.controls.patch("/sandbox/behaviour", json=switches).raise_for_status()

    def desired(self, version: int = 1, **content: object) -> DesiredEvent:
        return desired_content(desired_event(version=version, calendar_id=self.calendar_id), **content)

    def put(self, version: int = 1, known: WrittenEvent | None = None, **content: object) -> WrittenEvent:
        return self.events.put_event(self.desired(version, **content), known, self.managed)

    def delete(self, written: WrittenEvent, version: int) -> WrittenEvent:
        return self.events.delete_event("arctic-kayaks", "R-1042", written, version, self.managed)

    def managed(self) -> list[str]:
        """Return the ids of the calendars that the merchant's connection has made."""
        return [each for each in self.all_calendars() if each.endswith("@group.calendar.google.com")]

    def move_by_hand(self, event_id: str, calendar_id: str) -> None:
        """Drag an event to another calendar: it is gone here, and has the same id there."""
        event = self.controls.get(f"{self._by_hand}/events/{event_id}").raise_for_status().json()
        body = {name: value for name, value in event.items() if name not in {"etag", "sequence", "iCalUID"}}
        address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar_id}/events"
        self.controls.post(address, json=body).raise_for_status()
        self.delete_by_hand(event_id)

    def event(self, event_id: str) -> dict[str, object]:
        """Return all that a person sees of an event."""
        found: dict[str, object] = self.controls.get(f"{self._by_hand}/events/{event_id}").raise_for_status().json()
        return found

    def titles_in(self, calendar_id: str) -> list[str]:
        """Return the titles of the events that a person sees in another calendar."""
        listed = self._get(f"/sandbox/accounts/{EMAIL}/calendars/{calendar_id}/events")["items"]
        return [event["summary"] for event in listed]

    def shown(self) -> list[tuple[str, str]]:
        """Return id and title of each event that a person sees in the managed calendar."""
        return [(event["id"], event["summary"]) for event in self._get(f"{self._by_hand}/events")["items"]]

    def events_shown(self) -> list[str]:
        """Return the ids of all events in the managed calendar, of those without a title, too."""
        return [event["id"] for event in self._get(f"{self._by_hand}/events")["items"]]

    def titles(self) -> list[str]:
        return [title for _, title in self.shown()]

    def change_by_hand(self, event_id: str, **change: object) -> None:
        self.controls.patch(f"{self._by_hand}/events/{event_id}", json=change).raise_for_status()

    def create_by_hand(self, copied: DesiredEvent, **body: object) -> None:
        """Create an event with the mark of another one, as a copy made in Google's page has it."""
        created = self.controls.post(f"{self._by_hand}/events", json={**to_google(copied), **body})
        created.raise_for_status()

    def delete_by_hand(self, event_id: str) -> None:
        self.controls.delete(f"{self._by_hand}/events/{event_id}").raise_for_status()

    def delete_calendar_by_hand(self) -> None:
        self.controls.delete(self._by_hand).raise_for_status()

    def create_calendar_by_hand(self, **body: object) -> str:
        created = self._post(f"accounts/{EMAIL}/calendars", body)
        return str(created["id"])

    def all_calendars(self) -> dict[str, str]:
        """Return id and title of all calendars of the account."""
        listed = self._get(f"/sandbox/accounts/{EMAIL}/calendars")["items"]
        return {calendar["id"]: calendar["summary"] for calendar in listed}

    def calls(self) -> dict[str, int]:
        """Return the number of calls to Google by method since ``forget_calls``."""
        totals = Counter({name: count for name, count in self._totals().items() if "." in name})
        return dict(totals - self.before)

    def forget_calls(self) -> None:
        self.before = self._totals()

    @property
    def _by_hand(self) -> str:
        return f"/sandbox/accounts/{EMAIL}/calendars/{self.calendar_id}"

    def _totals(self) -> Counter[str]:
        return Counter(self._get("/sandbox/calls")["totals"])

    def _get(self, path: str) -> dict[str, dict]:  # type: ignore[type-arg]  # the controls' answers are read loosely
        answer: dict[str, dict] = self.controls.get(path).raise_for_status().json()  # type: ignore[type-arg]  # as above
        return answer

    def _post(self, control: str, body: object) -> dict[str, str]:
        answer: dict[str, str] = self.controls.post(f"/sandbox/{control}", json=body).raise_for_status().json()
        return answer


def retry_until_done(work: Callable[[], WrittenEvent]) -> WrittenEvent:
    """Return the result of the work, which is repeated after each failure as Temporal does."""
    for _ in range(20):
        with suppress(GoogleError):
            return work()
    return work()
