"""One call of an API method, once it is known whose it is and what it asks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotsync.sandbox.api_error import known_error, not_found
from slotsync.sandbox.discovery import SCOPE_PREFIX, Method
from slotsync.sandbox.grants import Caller
from slotsync.sandbox.json_types import JsonObject, as_text
from slotsync.sandbox.stored import StoredCalendar

if TYPE_CHECKING:
    from slotsync.sandbox.local_google import LocalGoogle

_APP_CREATED = SCOPE_PREFIX + "calendar.app.created"
_FREEBUSY = SCOPE_PREFIX + "calendar.events.freebusy"
_PUBLIC = SCOPE_PREFIX + "calendar.events.public.readonly"
_NARROW = frozenset({_APP_CREATED, _FREEBUSY, _PUBLIC})
_WRITERS = frozenset({"owner", "writer", "writerWithoutPrivateAccess"})


@dataclass(frozen=True)
class Call:
    """What a handler needs. ``path`` and ``query`` are checked against the document, ``body`` against its schema."""

    google: "LocalGoogle"
    method: Method
    caller: Caller
    path: dict[str, str]
    query: JsonObject
    body: JsonObject
    headers: dict[str, str]

    def text(self, name: str) -> str:
        """A parameter, or an empty string."""
        return as_text(self.query.get(name))

    def flag(self, name: str) -> bool:
        """A yes-or-no parameter; no by default."""
        return self.query.get(name) is True

    def number(self, name: str, default: int, cap: int) -> int:
        """A number, silently cut to Google's cap."""
        value = self.query.get(name, default)
        return min(value, cap) if isinstance(value, int) else default

    def texts(self, name: str) -> list[str]:
        """All values of a repeated parameter."""
        value = self.query.get(name)
        return [str(item) for item in value] if isinstance(value, list) else []

    def calendar(self) -> StoredCalendar:
        """The calendar of the path, where the token may see it; raises notFound."""
        return self.visible(self.path["calendarId"])

    def visible(self, calendar_id: str) -> StoredCalendar:
        """The calendar with this id, where the token may see it; raises notFound."""
        calendar = self.google.calendar(self.caller.email, calendar_id)
        granted = self._granted
        if granted - _NARROW or _FREEBUSY in granted or self._made_here(calendar):
            return calendar
        raise not_found()

    def bare(self, calendar: StoredCalendar) -> bool:
        """Whether the token may see only when the calendar's events are."""
        return not (self._granted - _NARROW) and not self._made_here(calendar)

    def writable(self, calendar: StoredCalendar) -> StoredCalendar:
        """The calendar, where the user may write to it; raises requiredAccessLevel."""
        if self.google.entry(calendar.owner, calendar.id).access_role not in _WRITERS:
            raise known_error("requiredAccessLevel")
        return calendar

    def check_match(self, etag: str) -> None:
        """Raises conditionNotMet where the client knows an older version."""
        wanted = self.headers.get("if-match")
        if wanted and wanted not in {"*", etag}:
            raise known_error("conditionNotMet")

    @property
    def _granted(self) -> frozenset[str]:
        return self.caller.scopes & self.method.scopes

    def _made_here(self, calendar: StoredCalendar) -> bool:
        return _APP_CREATED in self._granted and calendar.client_id == self.caller.client_id
