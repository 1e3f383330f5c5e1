"""Read calendars, list entries and events from the state file."""

from dataclasses import dataclass, field

from localgoogle.events.calendar_events import CalendarEvents
from localgoogle.state.records import StoredCalendar, StoredEvent, StoredListEntry
from localgoogle.state.state_file import StateFile


@dataclass
class SavedState:
    """Calendars by id, list entries by account and calendar, events by calendar, and the stamp of the last change."""

    calendars: dict[str, StoredCalendar]
    entries: dict[str, dict[str, StoredListEntry]] = field(default_factory=dict)
    events: dict[str, CalendarEvents] = field(default_factory=dict)
    last_stamp: int = 0


def load_saved_state(state_file: StateFile) -> SavedState:
    """Return all that the state file keeps of calendars, in the order of the changes."""
    calendars = [StoredCalendar.from_record(record) for record in state_file.load("calendar")]
    entries = sorted(map(StoredListEntry.from_record, state_file.load("entry")), key=lambda entry: entry.updated)
    events = sorted(map(StoredEvent.from_record, state_file.load("event")), key=lambda event: event.updated)
    saved = SavedState({calendar.id: calendar for calendar in calendars})
    for entry in entries:
        saved.entries.setdefault(entry.email, {})[entry.calendar_id] = entry
    for event in events:
        saved.events.setdefault(event.calendar_id, CalendarEvents()).put(event)
    changed = [calendar.updated for calendar in calendars] + [event.updated for event in events]
    listed = [max(entry.updated, entry.access_changed) for entry in entries]
    saved.last_stamp = max(changed + listed, default=0)
    return saved
