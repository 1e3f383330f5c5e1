"""A merchant's connection: its state, its scopes and its account."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

from slotsync.domain.messages import Message

_CALENDAR: Final = "https://www.googleapis.com/auth/calendar"
_SIGN_IN: Final = frozenset({"openid", "https://www.googleapis.com/auth/userinfo.email"})

APP_CREATED: Final = f"{_CALENDAR}.app.created"
CALENDAR_LIST: Final = f"{_CALENDAR}.calendarlist.readonly"
EVENTS_FREEBUSY: Final = f"{_CALENDAR}.events.freebusy"
FREEBUSY: Final = f"{_CALENDAR}.freebusy"


class ConnectionState(StrEnum):
    """The states of a connection."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"
    DISCONNECTED = "disconnected"


class Account(Message):
    """A Google account: ``id`` never changes, ``email`` may."""

    id: str
    email: str

    @property
    def key(self) -> str:
        """Tells accounts apart without naming them; an id is too long to be guessed."""
        return hashlib.sha256(f"google:{self.id}".encode()).hexdigest()


class MissingScope(Message):
    """What the merchant did not allow, and what will not work for it."""

    scope: str
    consequence: str


class ConnectionView(Message):
    """A connection as of what last happened to it.

    ``last_good_call_at`` is when Google last answered for it, within seconds; ``since`` is when it came into its state.
    """

    state: ConnectionState
    account: str | None = None
    granted: tuple[str, ...] = ()
    missing: tuple[MissingScope, ...] = ()
    last_good_call_at: datetime | None = None
    last_error: str | None = None
    since: datetime | None = None


_CONSEQUENCES: Final = {
    APP_CREATED: "Calendars cannot be made, so reservations do not appear in Google Calendar.",
    CALENDAR_LIST: "Your calendars cannot be listed, so none can be picked to block times.",
    EVENTS_FREEBUSY: "Busy times cannot be read, so your own appointments do not block bookings.",
    FREEBUSY: "Busy times cannot be read, so your own appointments do not block bookings.",
}

_COVERED_BY: Final = {
    APP_CREATED: {_CALENDAR},
    CALENDAR_LIST: {_CALENDAR, f"{_CALENDAR}.calendarlist", f"{_CALENDAR}.readonly"},
    EVENTS_FREEBUSY: {_CALENDAR, f"{_CALENDAR}.readonly"},
    FREEBUSY: {_CALENDAR, f"{_CALENDAR}.readonly", EVENTS_FREEBUSY},
}
"""Wider scopes that do as well, by the discovery document."""


def wanted_scopes(*, push: bool) -> frozenset[str]:
    """The least that slotsync works with; without ``push`` Google does not even show that an event is there."""
    return _SIGN_IN | {APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY if push else FREEBUSY}


def missing(granted: Iterable[str], wanted: Iterable[str]) -> tuple[MissingScope, ...]:
    """What was not granted of what was wanted, in plain words; who somebody is, is not among it."""
    held = set(granted)
    lacking = sorted(scope for scope in set(wanted) - held if not held & _COVERED_BY.get(scope, set()))
    return tuple(
        MissingScope(scope=scope, consequence=_CONSEQUENCES[scope]) for scope in lacking if scope in _CONSEQUENCES
    )
