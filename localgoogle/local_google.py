"""The local Google's whole state, and the operations that change it."""

import secrets
from dataclasses import replace
from datetime import datetime

from localgoogle.events.calendar_events import CalendarEvents
from localgoogle.events.times import covered_interval
from localgoogle.faults.faults import Faults, NewFault
from localgoogle.faults.quotas import Quotas
from localgoogle.options import Behaviour, LocalGoogleOptions
from localgoogle.protocol.errors import not_found
from localgoogle.protocol.instants import to_micros
from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.accounts import GoogleAccount, GoogleAccounts
from localgoogle.state.call_log import CallLog
from localgoogle.state.channels import Channels
from localgoogle.state.records import StoredCalendar, StoredEvent, StoredListEntry
from localgoogle.state.state_file import StateFile


class LocalGoogle:
    """Accounts with their calendars and events, and what the controls set. One thread at a time may use it."""

    def __init__(self, options: LocalGoogleOptions) -> None:
        self.options = options
        self.clock = options.clock
        self.url = "https://www.google.com"
        self.state_file = StateFile(options.state_file)
        self.accounts = GoogleAccounts(self.clock)
        self._start_empty()
        self._load()

    def _start_empty(self) -> None:
        options = self.options
        self.accounts.clear()
        self.behaviour = Behaviour()
        self.faults = Faults()
        self.calls = CallLog()
        self.quotas = Quotas(
            options.per_user_per_minute, options.per_project_per_minute, options.calendars_in_short_period
        )
        self.channels = Channels(self.state_file, self.clock)
        self._calendars: dict[str, StoredCalendar] = {}
        self._entries: dict[str, dict[str, StoredListEntry]] = {}
        self._calendar_events: dict[str, CalendarEvents] = {}
        self._last_stamp = 0
        self.first_stamp = 0
        self._saved_accounts: JsonObject = {}

    def reset(self) -> None:
        """Empties everything; stamps still grow, so that sync tokens of before are known to be old."""
        last, send = self._last_stamp, self.channels.send
        self.state_file.clear()
        self._start_empty()
        self._last_stamp, self.channels.send = last, send
        self.first_stamp = self.stamp()
        self.state_file.put("first_stamp", "", {"stamp": self.first_stamp})

    def stamp(self) -> int:
        """Microseconds since 1970, never the same twice: the ``updated`` of the next change."""
        self._last_stamp = max(self._last_stamp + 1, to_micros(self.clock()))
        return self._last_stamp

    @property
    def last_stamp(self) -> int:
        """The stamp of the latest change."""
        return self._last_stamp

    # Accounts

    def create_account(self, email: str, time_zone: str) -> GoogleAccount:
        """A Google account with a primary calendar; the one that exists, where it does."""
        account = self.accounts.create(email, time_zone)
        self._primary(email)
        return account

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Takes sides anew."""
        self.behaviour = behaviour
        self.state_file.put("behaviour", "", behaviour.model_dump())

    def set_fault(self, wanted: NewFault) -> None:
        """Let the local Google fail as wanted, from the next call on."""
        if wanted.kind == "quota":
            self.set_quotas(wanted.per_user_per_minute, wanted.per_project_per_minute)
        else:
            self.faults.add(wanted.fault())

    def set_quotas(self, per_user: int | None, per_project: int | None) -> None:
        """Other limits than the options'; None leaves one as it is."""
        self.quotas.per_user = self.quotas.per_user if per_user is None else per_user
        self.quotas.per_project = self.quotas.per_project if per_project is None else per_project

    def restore_quotas(self) -> None:
        """The options' limits."""
        self.quotas.per_user = self.options.per_user_per_minute
        self.quotas.per_project = self.options.per_project_per_minute

    def close(self) -> None:
        """Saves and lets go of the state file."""
        self.save()
        self.state_file.close()

    def save(self) -> None:
        """Commits to the state file; call before any answer leaves."""
        if self.state_file.keeps:
            accounts = self.accounts.snapshot()
            if accounts is not self._saved_accounts:
                self._saved_accounts = accounts
                self.state_file.put("accounts", "", accounts)
            self.state_file.commit()

    # Calendars

    def owned_calendars(self, email: str) -> list[StoredCalendar]:
        """The living calendars that a user owns, primary first; KeyError for an unknown account."""
        self._primary(email)
        calendars = [self._calendars[calendar_id] for calendar_id in self._entries[email]]
        return sorted((calendar for calendar in calendars if not calendar.deleted), key=lambda c: not c.primary)

    def calendar(self, email: str, calendar_id: str) -> StoredCalendar:
        """The user's living calendar, also by the name ``primary``; raises notFound."""
        if calendar_id in {"primary", email}:
            return self._primary(email)
        calendar = self._calendars.get(calendar_id)
        if calendar is None or calendar.deleted or calendar.owner != email:
            raise not_found()
        return calendar

    def has_calendar(self, calendar_id: str) -> bool:
        """Whether there is, or ever was, a calendar with this real id."""
        return calendar_id in self._calendars

    def any_calendar(self, calendar_id: str) -> StoredCalendar:
        """The calendar with this real id, a deleted one too."""
        return self._calendars[calendar_id]

    def create_calendar(
        self, email: str, body: JsonObject, *, client_id: str = "", calendar_id: str = "", role: str = "owner"
    ) -> StoredCalendar:
        """A new secondary calendar in the user's list."""
        self._primary(email)
        name = calendar_id or f"c_{secrets.token_hex(32)}@group.calendar.google.com"
        calendar = StoredCalendar(name, email, client_id, body, self.stamp())
        self.put_calendar(calendar)
        listed = {"colorId": self._next_colour(email), "selected": True}
        self.put_entry(StoredListEntry(email, name, role, listed, self.stamp()))
        return calendar

    def put_calendar(self, calendar: StoredCalendar) -> None:
        """Keeps this version of the calendar."""
        before = self._calendars.get(calendar.id)
        self._calendars[calendar.id] = calendar
        self.state_file.put("calendar", calendar.id, calendar.record())
        if before and before.time_zone != calendar.time_zone:
            self._move_whole_days(calendar)

    def delete_calendar(self, calendar: StoredCalendar) -> None:
        """Deletes it with all its events, and takes it off its owner's list."""
        self.put_calendar(replace(calendar, deleted=True, updated=self.stamp()))
        entry = self.entry(calendar.owner, calendar.id)
        if not entry.deleted:
            self.put_entry(replace(entry, deleted=True, updated=self.stamp()))

    def _primary(self, email: str) -> StoredCalendar:
        if email in self._calendars:
            return self._calendars[email]
        account = self.accounts.get(email)
        calendar = StoredCalendar(
            email, email, "", {"summary": email, "timeZone": account.time_zone}, self.stamp(), primary=True
        )
        self.put_calendar(calendar)
        self.put_entry(StoredListEntry(email, email, "owner", {"colorId": "14", "selected": True}, self.stamp()))
        return calendar

    def _next_colour(self, email: str) -> str:
        """Another one of Google's 24 for each calendar: 7 shares no factor with 24."""
        return str((13 + 7 * len(self.entries(email))) % 24 + 1)

    # The calendar list

    def entry(self, email: str, calendar_id: str) -> StoredListEntry:
        """The calendar's place in the user's list, a removed one too; raises notFound."""
        entry = self._entries.get(email, {}).get(self.calendar_key(email, calendar_id))
        if entry is None:
            raise not_found()
        return entry

    def entries(self, email: str) -> list[StoredListEntry]:
        """The user's list with removed entries, in the order of making."""
        self._primary(email)
        return list(self._entries[email].values())

    def put_entry(self, entry: StoredListEntry) -> None:
        """Keeps this version of the entry and tells who watches the list."""
        self._entries.setdefault(entry.email, {})[entry.calendar_id] = entry
        self.state_file.put("entry", f"{entry.email}\n{entry.calendar_id}", entry.record())
        self.channels.notify_change(entry.email, "")

    @staticmethod
    def calendar_key(email: str, calendar_id: str) -> str:
        """The calendar's real id."""
        return email if calendar_id == "primary" else calendar_id

    # Events

    def calendar_events(self, calendar_id: str) -> CalendarEvents:
        """All events of the calendar with this real id."""
        return self._calendar_events.setdefault(calendar_id, CalendarEvents())

    def put_event(self, event: StoredEvent) -> None:
        """Keeps this version of the event and tells who watches the calendar."""
        self.calendar_events(event.calendar_id).put(event)
        self.state_file.put("event", f"{event.calendar_id}\n{event.id}", event.record())
        self.channels.notify_change(self._calendars[event.calendar_id].owner, event.calendar_id)

    def events_between(self, email: str, calendar_id: str, start: datetime, end: datetime) -> list[StoredEvent]:
        """The living events that touch [start, end), by start."""
        calendar = self.calendar(email, calendar_id)
        occurring = self.calendar_events(calendar.id).occurring(start, end, calendar.time_zone)
        return [event for event in occurring if not event.cancelled]

    def _move_whole_days(self, calendar: StoredCalendar) -> None:
        """Whole days are whole days of the calendar's zone, so they move with it."""
        for event in [event for event in self.calendar_events(calendar.id) if event.all_day]:
            start, end = covered_interval(event.body, calendar.time_zone)
            self.put_event(replace(event, start=start, end=end))

    # The state file

    def _load(self) -> None:
        for record in self.state_file.load("accounts"):
            self.accounts.restore(record)
        for record in self.state_file.load("behaviour"):
            self.behaviour = Behaviour.model_validate(record)
        for record in self.state_file.load("first_stamp"):
            self.first_stamp = int(str(record["stamp"]))
        self._last_stamp = max(self.first_stamp, self._load_calendars(), self._load_entries(), self._load_events())
        self.channels.load()

    def _load_calendars(self) -> int:
        calendars = [StoredCalendar.from_record(record) for record in self.state_file.load("calendar")]
        self._calendars = {calendar.id: calendar for calendar in calendars}
        return max((calendar.updated for calendar in calendars), default=0)

    def _load_entries(self) -> int:
        entries = sorted(
            map(StoredListEntry.from_record, self.state_file.load("entry")), key=lambda entry: entry.updated
        )
        for entry in entries:
            self._entries.setdefault(entry.email, {})[entry.calendar_id] = entry
        return entries[-1].updated if entries else 0

    def _load_events(self) -> int:
        events = sorted(map(StoredEvent.from_record, self.state_file.load("event")), key=lambda event: event.updated)
        for event in events:
            self.calendar_events(event.calendar_id).put(event)
        return events[-1].updated if events else 0
