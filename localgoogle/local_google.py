"""The whole state of the local Google, and the operations that change it."""

import secrets
from dataclasses import replace
from datetime import datetime

from localgoogle.events.calendar_events import CalendarEvents
from localgoogle.events.recurrence import has_occurrence
from localgoogle.events.times import covered_interval
from localgoogle.faults.faults import Faults, NewFault
from localgoogle.faults.quotas import Quotas
from localgoogle.options import Behaviour, LocalGoogleOptions
from localgoogle.protocol.errors import known_error, not_found
from localgoogle.protocol.instants import to_micros
from localgoogle.protocol.json_values import JsonObject
from localgoogle.saved_state import load_saved_state
from localgoogle.state.accounts import GoogleAccount, GoogleAccounts
from localgoogle.state.call_log import CallLog
from localgoogle.state.channels import Channels
from localgoogle.state.records import NO_ACCESS, StoredCalendar, StoredEvent, StoredListEntry, same_address
from localgoogle.state.state_file import StateFile

_SECONDARY = ".calendar.google.com"
"""The end of the ids of all calendars that are no account's primary one."""


class LocalGoogle:
    """Accounts, calendars, events and the settings of the controls. Only one thread at a time may use it."""

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
        """Delete everything. Stamps go on growing, so that older sync tokens are recognised as invalid."""
        last_stamp, send = self._last_stamp, self.channels.send
        self.state_file.clear()
        self._start_empty()
        self._last_stamp, self.channels.send = last_stamp, send
        self.first_stamp = self.next_stamp()
        self.state_file.put("first_stamp", "", {"stamp": self.first_stamp})

    def next_stamp(self) -> int:
        """Return the ``updated`` of the next change: microseconds since 1970, never the same twice."""
        self._last_stamp = max(self._last_stamp + 1, to_micros(self.clock()))
        return self._last_stamp

    @property
    def last_stamp(self) -> int:
        """The stamp of the latest change, in microseconds since 1970."""
        return self._last_stamp

    # Accounts

    def create_account(self, email: str, time_zone: str) -> GoogleAccount:
        """Create a Google account with a primary calendar, unless it exists, and return it."""
        account = self.accounts.create(email, time_zone)
        self._ensure_primary(account.email)
        return account

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Replace all switches of behaviour."""
        self.behaviour = behaviour
        self.state_file.put("behaviour", "", behaviour.model_dump())

    def set_fault(self, new: NewFault) -> None:
        """Set a fault, or other quotas, from the next call on."""
        if new.kind == "quota":
            self.set_quotas(new.per_user_per_minute, new.per_project_per_minute)
        else:
            self.faults.add(new.build_fault())

    def set_quotas(self, per_user: int | None, per_project: int | None) -> None:
        """Set other limits of calls a minute than the options'; None leaves a limit unchanged."""
        self.quotas.per_user = self.quotas.per_user if per_user is None else per_user
        self.quotas.per_project = self.quotas.per_project if per_project is None else per_project

    def restore_quotas(self) -> None:
        """Set the limits of the options again."""
        self.quotas.per_user = self.options.per_user_per_minute
        self.quotas.per_project = self.options.per_project_per_minute

    def close(self) -> None:
        """Save, and close the state file."""
        self.save()
        self.state_file.close()

    def save(self) -> None:
        """Write all changes to the state file. To be called before an answer is sent."""
        if self.state_file.keeps:
            accounts = self.accounts.snapshot()
            if accounts is not self._saved_accounts:
                self._saved_accounts = accounts
                self.state_file.put("accounts", "", accounts)
            self.state_file.commit()

    # Calendars

    def list_owned_calendars(self, email: str) -> list[StoredCalendar]:
        """Return the calendars of which the user is the data owner and that are not deleted, primary first.

        Raises:
            KeyError: there is no such account.
        """
        self._ensure_primary(email)
        calendars = [self._calendars[calendar_id] for calendar_id in self._entries[email]]
        own = [calendar for calendar in calendars if calendar.owner == email and not calendar.deleted]
        return sorted(own, key=lambda c: not c.primary)

    def find_calendar(self, email: str, calendar_id: str) -> StoredCalendar:
        """Return the user's calendar with this id, which may be ``primary``, or one that is shared with the user.

        Raises:
            CalendarApiError: ``notFound``, if there is none, or it is deleted or never was the user's; that or
                ``forbidden`` if the user's access was ended.
        """
        calendar = self._find_known_calendar(email, calendar_id)
        if not self.find_entry(email, calendar.id).reachable:
            raise known_error("forbidden" if self.behaviour.ended_access == "forbidden" else "notFound")
        return calendar

    def find_own_calendar(self, email: str, calendar_id: str) -> StoredCalendar:
        """Return the user's calendar with this id, which may be ``primary``, also without access to it.

        A calendar that is shared with the user counts, as long as it is.

        Raises:
            CalendarApiError: ``notFound``, if there is none, or it is deleted or another user's.
        """
        calendar = self._find_known_calendar(email, calendar_id)
        if calendar.owner != email and not self.find_entry(email, calendar.id).reachable:
            raise not_found()
        return calendar

    def _find_known_calendar(self, email: str, calendar_id: str) -> StoredCalendar:
        resolved = self.resolve_calendar_id(email, calendar_id)
        if resolved == email:
            return self._ensure_primary(email)
        calendar = self._calendars.get(resolved)
        known = calendar and (calendar.owner == email or calendar.id in self._entries.get(email, {}))
        if calendar is None or calendar.deleted or not known:
            raise not_found()
        return calendar

    def has_calendar(self, calendar_id: str) -> bool:
        """Return whether there is, or ever was, a calendar with this id."""
        return self._stored_id(calendar_id) in self._calendars

    def find_any_calendar(self, calendar_id: str) -> StoredCalendar:
        """Return the calendar with this id, also a deleted one or another user's.

        Raises:
            KeyError: there never was such a calendar.
        """
        return self._calendars[calendar_id]

    def create_calendar(
        self, email: str, body: JsonObject, *, client_id: str = "", calendar_id: str = "", role: str = "owner"
    ) -> StoredCalendar:
        """Create a secondary calendar, put it on the user's list, and return it."""
        self._ensure_primary(email)
        new_id = calendar_id or f"c_{secrets.token_hex(32)}@group.calendar.google.com"
        calendar = StoredCalendar(new_id, email, client_id, body, self.next_stamp())
        self.put_calendar(calendar)
        listed = {"colorId": self._next_colour(email), "selected": True}
        self.put_entry(StoredListEntry(email, new_id, role, listed, self.next_stamp()))
        return calendar

    def put_calendar(self, calendar: StoredCalendar) -> None:
        """Store this version of the calendar."""
        before = self._calendars.get(calendar.id)
        self._calendars[calendar.id] = calendar
        self.state_file.put("calendar", calendar.id, calendar.to_record())
        if before and before.time_zone != calendar.time_zone:
            self._move_whole_days(calendar)

    def delete_calendar(self, calendar: StoredCalendar) -> None:
        """Delete the calendar with all its events, and remove it from its owner's list and all others'."""
        self.put_calendar(replace(calendar, deleted=True, updated=self.next_stamp()))
        for entry in self.list_people(calendar.id):
            if not entry.deleted:
                self.put_entry(replace(entry, deleted=True, updated=self.next_stamp()))

    def share_calendar(self, calendar: StoredCalendar, email: str, role: str) -> None:
        """Give another user this role in the calendar, which is put on the user's list; ``none`` ends the access."""
        self._ensure_primary(email)
        known = self._entries[email].get(calendar.id)
        listed = {"colorId": self._next_colour(email), "selected": True}
        entry = known or StoredListEntry(email, calendar.id, NO_ACCESS, listed, 0, deleted=True)
        self.put_entry(entry.with_role(role, self.next_stamp()))

    def list_people(self, calendar_id: str) -> list[StoredListEntry]:
        """Return the entries of the calendar in the lists of all users, also removed ones: the data owner's first."""
        owner = self._calendars[calendar_id].owner
        entries = [entries[calendar_id] for entries in self._entries.values() if calendar_id in entries]
        return sorted(entries, key=lambda entry: entry.email != owner)

    def _ensure_primary(self, email: str) -> StoredCalendar:
        if email in self._calendars:
            return self._calendars[email]
        account = self.accounts.get(email)
        calendar = StoredCalendar(
            email, email, "", {"summary": email, "timeZone": account.time_zone}, self.next_stamp(), primary=True
        )
        self.put_calendar(calendar)
        self.put_entry(StoredListEntry(email, email, "owner", {"colorId": "14", "selected": True}, self.next_stamp()))
        return calendar

    def _next_colour(self, email: str) -> str:
        """Return a colorId, 1 to 24; steps of 7 reach all 24, because 7 and 24 have no common factor."""
        return str((13 + 7 * len(self.list_entries(email))) % 24 + 1)

    # The calendar list

    def find_entry(self, email: str, calendar_id: str) -> StoredListEntry:
        """Return the calendar's entry in the user's list, also a removed one.

        Raises:
            CalendarApiError: ``notFound``, if the calendar never was on the list.
        """
        entry = self._entries.get(email, {}).get(self.resolve_calendar_id(email, calendar_id))
        if entry is None:
            raise not_found()
        return entry

    def list_entries(self, email: str) -> list[StoredListEntry]:
        """Return the user's list with removed entries, oldest first."""
        self._ensure_primary(email)
        return list(self._entries[email].values())

    def put_entry(self, entry: StoredListEntry) -> None:
        """Store this version of the entry, and notify all channels on the list."""
        self._entries.setdefault(entry.email, {})[entry.calendar_id] = entry
        self.state_file.put("entry", f"{entry.email}\n{entry.calendar_id}", entry.to_record())
        self.channels.notify_change(entry.email, "")

    def take_entries(self, email: str) -> list[StoredListEntry]:
        """Remove the user's whole list, and return its entries, oldest first."""
        entries = self._entries.pop(email, {})
        for calendar_id in entries:
            self.state_file.put("entry", f"{email}\n{calendar_id}", None)
        return list(entries.values())

    def resolve_calendar_id(self, email: str, calendar_id: str) -> str:
        """Return the id of the user's calendar as it is stored: the address of the account for ``primary``."""
        aliases = self.accounts.addresses(email) if self.behaviour.former_address == "alias" else {email}
        if calendar_id == "primary" or any(same_address(calendar_id, alias) for alias in aliases):
            return email
        return self._stored_id(calendar_id)

    def _stored_id(self, calendar_id: str) -> str:
        """Return the id as it is stored; that of a primary calendar is an address, and found in any case."""
        if calendar_id in self._calendars or calendar_id.endswith(_SECONDARY):
            return calendar_id
        return next((each for each in self._calendars if same_address(each, calendar_id)), calendar_id)

    # Events

    def calendar_events(self, calendar_id: str) -> CalendarEvents:
        """Return all events of the calendar with this id, which may not be ``primary``."""
        return self._calendar_events.setdefault(calendar_id, CalendarEvents())

    def put_event(self, event: StoredEvent) -> None:
        """Store this version of the event, and notify all channels on the calendar."""
        self.calendar_events(event.calendar_id).put(event)
        self._cancel_lost_exceptions(event)
        self.state_file.put("event", f"{event.calendar_id}\n{event.id}", event.to_record())
        for email in self.channels.list_accounts(event.calendar_id):
            if self.find_entry(email, event.calendar_id).reachable:
                self.channels.notify_change(email, event.calendar_id)

    def take_events(self, calendar_id: str) -> list[StoredEvent]:
        """Remove all events of the calendar, and return them, earliest change first."""
        events = self._calendar_events.pop(calendar_id, CalendarEvents()).all()
        for event in events:
            self.state_file.put("event", f"{calendar_id}\n{event.id}", None)
        return events

    def list_events_between(self, email: str, calendar_id: str, start: datetime, end: datetime) -> list[StoredEvent]:
        """Return the calendar's events that touch [start, end) and are not deleted, by start."""
        calendar = self.find_calendar(email, calendar_id)
        events = self.calendar_events(calendar.id).list_occurring(start, end, calendar.time_zone)
        return [event for event in events if not event.cancelled]

    def _cancel_lost_exceptions(self, series: StoredEvent) -> None:
        """Delete the exceptions of a changed series that has no occurrence at their place any more."""
        if series.cancelled or series.series_id:
            return
        zone = self._calendars[series.calendar_id].time_zone
        for event in self.calendar_events(series.calendar_id).list_exceptions(series.id):
            if not event.cancelled and not has_occurrence(series, zone, event.id):
                self.put_event(event.cancel(self.next_stamp()))

    def _move_whole_days(self, calendar: StoredCalendar) -> None:
        """Move all-day events to the calendar's new time zone, in which their days start at other instants."""
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
        saved = load_saved_state(self.state_file)
        self._calendars, self._entries, self._calendar_events = saved.calendars, saved.entries, saved.events
        self._last_stamp = max(self.first_stamp, saved.last_stamp)
        self.channels.load()
