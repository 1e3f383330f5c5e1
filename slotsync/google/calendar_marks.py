"""Which calendars of an account are an owner's: by a mark in the description, and by the account that owns them.

Who may write to a calendar can copy any mark into it, and who knows slotsync can make the plain one. So a mark counts
only in a calendar of which the account itself is the data owner: what others share with it is theirs.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Self

from slotsync.domain.availability.blocking import CALENDAR_MARK
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.content_hashes import is_keyed, is_of_another_key
from slotsync.domain.messages import Message

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Calendar, CalendarListEntry

_EXPLANATION: Final = (
    "Kept by slotsync: reservations appear here by themselves. Please leave the next lines as they are."
)


class CalendarSpec(Message):
    """The desired state of a managed calendar.

    ``mark_hash`` is the hash of the mark with the merchant's key; it is empty as long as processes of a former version
    may run.
    """

    merchant: str
    owner: Owner
    name: str
    time_zone: str
    mark_hash: str = ""

    @property
    def mark(self) -> str:
        """Return the line that identifies this owner's calendar, without the name of the merchant or the owner.

        Anybody can compute it. It is what remains when the database is lost, and all that former versions wrote.
        """
        return f"{CALENDAR_MARK}{hash_identity(self.merchant, self.owner)}"

    @property
    def keyed_mark(self) -> str:
        """Return the line that nobody can compute without the merchant's key, or an empty text if there is none."""
        return f"{CALENDAR_MARK}{self.mark_hash}" if self.mark_hash else ""

    def body(self) -> "Calendar":
        """Return the calendar's body for Google."""
        lines = (_EXPLANATION, self.mark, self.keyed_mark)
        return {"summary": self.name, "timeZone": self.time_zone, "description": "\n".join(filter(None, lines))}


class FoundCalendar(Message):
    """A calendar of the account that has the mark in its description."""

    id: str
    summary: str
    time_zone: str

    @classmethod
    def from_entry(cls, entry: "CalendarListEntry") -> Self:
        """Return the calendar of an entry of the account's list."""
        return cls(id=entry["id"], summary=entry.get("summary", ""), time_zone=entry.get("timeZone", ""))


def hash_identity(merchant: str, owner: Owner) -> str:
    """Return the plain hash of an owner: the end of its plain mark, and what the keyed one is made from."""
    identity = "\n".join((merchant, owner.kind, owner.id))
    return base64.b32hexencode(hashlib.sha256(identity.encode()).digest()[:15]).decode().lower()


def select_marked(entries: "Iterable[CalendarListEntry]", spec: CalendarSpec) -> list[FoundCalendar]:
    """Return the calendars of the account's list that are the owner's, sorted by id.

    They are the account's own: it is their data owner. One of which Google does not say who that is, is not taken:
    another one is created then, and nothing lost. If any has the mark that needs the merchant's key, the others do not
    count; a plain mark does not where another owner's is that was made with this key.
    """
    listed = list(entries)
    account = next((entry["id"] for entry in listed if entry.get("primary")), "")
    own = [entry for entry in listed if account and _is_address(entry.get("dataOwner", ""), account)]
    keyed = [entry for entry in own if spec.keyed_mark and spec.keyed_mark in _lines(entry)]
    plain = [entry for entry in own if spec.mark in _lines(entry) and not _is_keyed_alike(entry, spec)]
    return sorted(map(FoundCalendar.from_entry, keyed or plain), key=lambda calendar: calendar.id)


def _is_keyed_alike(entry: "CalendarListEntry", spec: CalendarSpec) -> bool:
    """Return whether the calendar has a mark that was made with the same key, and so is another owner's."""
    hashes = [line.removeprefix(CALENDAR_MARK) for line in _lines(entry) if line.startswith(CALENDAR_MARK)]
    return any(is_keyed(each) and not is_of_another_key(each, spec.mark_hash) for each in hashes)


def _lines(entry: "CalendarListEntry") -> list[str]:
    return entry.get("description", "").splitlines()


def _is_address(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
