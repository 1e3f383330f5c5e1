"""One call of an API method: its caller, its arguments, and what its token may see and write."""

from dataclasses import dataclass

from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.discovery import SCOPE_PREFIX, Method
from localgoogle.protocol.errors import known_error, not_found
from localgoogle.protocol.json_values import JsonObject, as_text
from localgoogle.state.grants import Caller
from localgoogle.state.records import StoredCalendar

_APP_CREATED = SCOPE_PREFIX + "calendar.app.created"
_FREEBUSY = SCOPE_PREFIX + "calendar.events.freebusy"
_PUBLIC = SCOPE_PREFIX + "calendar.events.public.readonly"
_NARROW_SCOPES = frozenset({_APP_CREATED, _FREEBUSY, _PUBLIC})
_WRITER_ROLES = frozenset({"owner", "writer", "writerWithoutPrivateAccess"})


@dataclass(frozen=True)
class ApiCall:
    """What a handler needs. ``path`` and ``query`` are checked against the document, ``body`` against its schema."""

    google: LocalGoogle
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
        return self.visible_calendar(self.path["calendarId"])

    def visible_calendar(self, calendar_id: str) -> StoredCalendar:
        """The calendar with this id, where the token may see it; raises notFound."""
        calendar = self.google.calendar(self.caller.email, calendar_id)
        granted = self._granted
        if granted - _NARROW_SCOPES or _FREEBUSY in granted or self._made_by_caller(calendar):
            return calendar
        raise not_found()

    def sees_times_only(self, calendar: StoredCalendar) -> bool:
        """Whether the token may see only when the calendar's events are."""
        return not (self._granted - _NARROW_SCOPES) and not self._made_by_caller(calendar)

    def require_writable(self, calendar: StoredCalendar) -> StoredCalendar:
        """The calendar, where the user may write to it; raises requiredAccessLevel."""
        if self.google.entry(calendar.owner, calendar.id).access_role not in _WRITER_ROLES:
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

    def _made_by_caller(self, calendar: StoredCalendar) -> bool:
        return _APP_CREATED in self._granted and calendar.client_id == self.caller.client_id
