"""The calendars beside the week."""

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from slotsync.sandbox.pages.colour import calendar_colour, ink_on
from slotsync.sandbox.stored import StoredCalendar

if TYPE_CHECKING:
    from slotsync.sandbox.local_google import LocalGoogle

_KEY_LENGTH = 8


@dataclass(frozen=True, eq=False)
class ShownCalendar:
    """A calendar of the account's list, itself a key of dicts. ``key`` is its short name in the page's address."""

    stored: StoredCalendar
    key: str
    name: str
    colour: str
    ink: str


def calendars_in_list(google: "LocalGoogle", email: str) -> list[ShownCalendar]:
    """The calendars of the account's list, primary first, then by name."""
    listed = {entry.calendar_id: entry.body for entry in google.entries(email) if not entry.deleted}
    stored = [calendar for calendar in google.calendars_of(email) if calendar.id in listed]
    shown = [_shown(calendar, listed[calendar.id]) for calendar in stored]
    return sorted(shown, key=lambda calendar: (not calendar.stored.primary, calendar.name.casefold()))


def key_of(calendar_id: str) -> str:
    """A short name for a calendar: their ids are long."""
    return sha256(calendar_id.encode()).hexdigest()[:_KEY_LENGTH]


def _shown(calendar: StoredCalendar, listed: dict[str, object]) -> ShownCalendar:
    colour = calendar_colour(listed.get("colorId"), listed.get("backgroundColor"))
    name = str(listed.get("summaryOverride") or calendar.summary)
    return ShownCalendar(calendar, key_of(calendar.id), name, colour, ink_on(colour))
