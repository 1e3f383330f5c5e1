"""One call of an API method: its caller, its arguments, and what its token permits."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.arguments import read_zone
from localgoogle.protocol.discovery import Method
from localgoogle.protocol.errors import CalendarApiError, invalid, known_error, not_found
from localgoogle.protocol.json_values import JsonObject, as_text
from localgoogle.protocol.scopes import APP_CREATED, EVENTS_FREEBUSY, EVENTS_PUBLIC
from localgoogle.state.grants import Caller
from localgoogle.state.records import ACCESS_ROLES, WRITER_ROLES, StoredCalendar, StoredEvent

_NARROW_SCOPES = frozenset({APP_CREATED, EVENTS_FREEBUSY, EVENTS_PUBLIC})


@dataclass(frozen=True)
class ApiCall:
    """One call. ``path`` and ``query`` are checked against the discovery document, ``body`` against its schema.

    A call ``by_hand`` is an edit that a person makes in Google: the user, or the owner of a calendar that is only
    shared with the user.
    """

    google: LocalGoogle
    method: Method
    caller: Caller
    path: dict[str, str]
    query: JsonObject
    body: JsonObject
    headers: dict[str, str]
    by_hand: bool = False

    def text(self, name: str) -> str:
        """Return the parameter, or an empty string."""
        return as_text(self.query.get(name))

    def flag(self, name: str) -> bool:
        """Return the boolean parameter; False if it is missing."""
        return self.query.get(name) is True

    def number(self, name: str, default: int, cap: int) -> int:
        """Return the number parameter, or ``default``; Google reduces it to ``cap`` without an error."""
        value = self.query.get(name, default)
        return min(value, cap) if isinstance(value, int) else default

    def texts(self, name: str) -> list[str]:
        """Return all values of the repeated parameter."""
        value = self.query.get(name)
        return [str(item) for item in value] if isinstance(value, list) else []

    def knows_zone(self, name: str) -> bool:
        """Return whether Google knows the time zone; an empty name is none, and known."""
        try:
            return not name or bool(self.read_zone(name))
        except CalendarApiError:
            return False

    def read_zone(self, name: str, parameter: str | None = None) -> ZoneInfo:
        """Return the time zone of this name.

        Raises:
            CalendarApiError: ``invalid``, if it is none, or one that Google does not know.
        """
        if not self.google.behaviour.knows_zone(name):
            raise invalid("Invalid time zone.", parameter)
        return read_zone(name, parameter)

    def find_calendar(self) -> StoredCalendar:
        """Return the calendar of the path.

        Raises:
            CalendarApiError: ``notFound``, if there is none or the token may not see it.
        """
        return self.find_visible_calendar(self.path["calendarId"])

    def find_visible_calendar(self, calendar_id: str) -> StoredCalendar:
        """Return the calendar with this id.

        Raises:
            CalendarApiError: ``notFound``, if there is none or the token may not see it.
        """
        if self.by_hand:
            return self.google.find_own_calendar(self.caller.email, calendar_id)
        calendar = self.google.find_calendar(self.caller.email, calendar_id)
        granted = self._granted
        if granted - _NARROW_SCOPES or EVENTS_FREEBUSY in granted or self._made_by_caller(calendar):
            return calendar
        raise not_found()

    def sees_times_only(self, calendar: StoredCalendar) -> bool:
        """Return whether the user or the token may see only the times of the calendar's events."""
        if self.by_hand:
            return False
        narrow = not (self._granted - _NARROW_SCOPES) and not self._made_by_caller(calendar)
        return narrow or self._role(calendar) == ACCESS_ROLES[0]

    def sees_details(self, event: StoredEvent, calendar: StoredCalendar) -> bool:
        """Return whether the caller may see more of the event than its times; readers may not if it is private."""
        if self.sees_times_only(calendar):
            return False
        private = event.body.get("visibility") in {"private", "confidential"}
        return self.by_hand or not private or self._role(calendar) in {"writer", "owner"}

    def require_writable(self, calendar: StoredCalendar) -> StoredCalendar:
        """Return the calendar.

        Raises:
            CalendarApiError: ``requiredAccessLevel``, if the user may not write to it.
        """
        if not self.by_hand and self._role(calendar) not in WRITER_ROLES:
            raise known_error("requiredAccessLevel")
        return calendar

    def check_match(self, etag: str) -> None:
        """Check the header ``If-Match`` against the etag of the current version.

        Raises:
            CalendarApiError: ``conditionNotMet``, if the client has another version.
        """
        expected = self.headers.get("if-match")
        if expected and expected not in {"*", etag}:
            raise known_error("conditionNotMet")

    @property
    def _granted(self) -> frozenset[str]:
        return self.caller.scopes & self.method.scopes

    def _role(self, calendar: StoredCalendar) -> str:
        return self.google.find_entry(self.caller.email, calendar.id).access_role

    def _made_by_caller(self, calendar: StoredCalendar) -> bool:
        return APP_CREATED in self._granted and calendar.client_id == self.caller.client_id
