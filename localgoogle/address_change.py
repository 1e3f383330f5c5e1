"""The change of an account's address, which is the id of its primary calendar, too."""

from dataclasses import replace

from localgoogle.local_google import LocalGoogle
from localgoogle.state.accounts import GoogleAccount


def change_address(google: LocalGoogle, old: str, new: str) -> GoogleAccount:
    """Give the account a new address, and return it. Its number, grants, calendars and events remain.

    Raises:
        KeyError: there is no account with the old address.
        ValueError: the new address is, or was, another account's.
    """
    old = google.accounts.get(old).email
    google.list_entries(old)  # creates the primary calendar of an account that has none so far
    account = google.accounts.change_address(old, new)
    google.channels.change_account(old, new)
    events = google.take_events(old)
    _move_calendars(google, old, new)
    for event in events:
        creator = new if event.creator == old else event.creator
        google.put_event(replace(event, calendar_id=new, creator=creator))
    return account


def _move_calendars(google: LocalGoogle, old: str, new: str) -> None:
    for entry in google.take_entries(old):
        calendar = google.find_any_calendar(entry.calendar_id)
        calendar = replace(calendar, owner=new) if calendar.owner == old else calendar
        if entry.calendar_id != old:
            google.put_calendar(calendar)
            google.put_entry(replace(entry, email=new))
            continue
        google.put_calendar(replace(calendar, primary=False, deleted=True, updated=google.next_stamp()))
        google.put_entry(replace(entry, email=new, deleted=True, updated=google.next_stamp()))
        name = {"summary": new} if calendar.summary == old else {}
        renamed = replace(calendar, id=new, former_ids=(*calendar.former_ids, old), body=calendar.body | name)
        google.put_calendar(replace(renamed, updated=google.next_stamp()))
        google.put_entry(replace(entry, email=new, calendar_id=new, updated=google.next_stamp()))
