"""The Google adapter: everything that talks to Google Calendar, with its errors in our own words.

``GoogleServices`` gives each thread its own client for a connection; ``GoogleEvents`` and ``GoogleCalendars`` do the
work; ``classify`` says what went wrong. Nothing is retried in here.
"""

from slotsync.google.body import to_google
from slotsync.google.calendars import CalendarSpec, FoundCalendar, GoogleCalendars
from slotsync.google.differences import differences
from slotsync.google.errors import classify
from slotsync.google.events import GoogleEvents
from slotsync.google.service import CalendarService, GoogleServices
from slotsync.google.tokens import Grant, Grants

__all__ = [
    "CalendarService",
    "CalendarSpec",
    "FoundCalendar",
    "GoogleCalendars",
    "GoogleEvents",
    "GoogleServices",
    "Grant",
    "Grants",
    "classify",
    "differences",
    "to_google",
]
