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
        """A hash that tells accounts apart. It is stored as an HMAC, since those who have Google's ids can try them."""
        return hashlib.sha256(f"google:{self.id}".encode()).hexdigest()


class MissingScope(Message):
    """A scope that the merchant did not grant, and what does not work without it."""

    scope: str
    consequence: str


class ConnectionView(Message):
    """A connection in its last recorded state.

    ``last_good_call_at`` is when Google last answered a call for it, to within seconds; ``since`` is when it entered
    its state. ``cleaning_up``: the merchant has disconnected, and its tokens, or calendars that it wants deleted, are
    still there. ``stopped_since`` is when an operator stopped its workflow: its calls go on, but work that waits for a
    grant is not woken until it is resumed. None if nobody did. ``forgotten``: Google has refused the grant for so long
    that it was given up; only a new one helps.
    """

    state: ConnectionState
    account: str | None = None
    granted: tuple[str, ...] = ()
    missing: tuple[MissingScope, ...] = ()
    last_good_call_at: datetime | None = None
    last_error: str | None = None
    since: datetime | None = None
    stopped_since: datetime | None = None
    cleaning_up: bool = False
    forgotten: bool = False


_NO_BUSY_TIMES: Final = (
    "Busy times cannot be read, so it is unknown when you are free: products with picked calendars cannot be booked, "
    "unless you chose otherwise for unknown times."
)
_NO_NOTIFICATIONS: Final = "Google does not notify us of changes, so new appointments block bookings a little later."

_CONSEQUENCES: Final = {
    APP_CREATED: "Calendars cannot be made, so reservations do not appear in Google Calendar.",
    CALENDAR_LIST: "Calendars cannot be listed: reservations do not appear, and none can be picked to block times.",
    EVENTS_FREEBUSY: _NO_BUSY_TIMES,
    FREEBUSY: _NO_BUSY_TIMES,
}

_COVERED_BY: Final = {
    APP_CREATED: {_CALENDAR},
    CALENDAR_LIST: {_CALENDAR, f"{_CALENDAR}.calendarlist", f"{_CALENDAR}.readonly"},
    EVENTS_FREEBUSY: {_CALENDAR, f"{_CALENDAR}.readonly"},
    FREEBUSY: {_CALENDAR, f"{_CALENDAR}.readonly", EVENTS_FREEBUSY},
}
"""Wider scopes that are sufficient, too, by the discovery document."""


_NEEDED_TO_WRITE: Final = (APP_CREATED, CALENDAR_LIST)
"""A calendar is looked for in the list before it is made, so that there is never a second one."""


def allows_writing(granted: Iterable[str]) -> bool:
    """Return whether reservations can be written with these scopes."""
    return not missing_scopes(granted, _NEEDED_TO_WRITE)


def can_write(view: ConnectionView) -> bool:
    """Return whether reservations can be written through the connection."""
    lacking = {each.scope for each in view.missing}
    return view.state is ConnectionState.ACTIVE and lacking.isdisjoint(_NEEDED_TO_WRITE)


def can_list_calendars(view: ConnectionView) -> bool:
    """Return whether the calendars of the account can be listed through the connection."""
    return view.state is ConnectionState.ACTIVE and not missing_scopes(view.granted, {CALENDAR_LIST})


def can_read_busy_times(view: ConnectionView) -> bool:
    """Return whether busy times can be read through the connection."""
    return view.state is ConnectionState.ACTIVE and not missing_scopes(view.granted, {FREEBUSY})


def wanted_scopes(*, push: bool) -> frozenset[str]:
    """Return the narrowest scopes that slotsync works with.

    Without ``push``, Google does not even show that an event exists.
    """
    return _SIGN_IN | {APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY if push else FREEBUSY}


def missing_scopes(granted: Iterable[str], wanted: Iterable[str]) -> tuple[MissingScope, ...]:
    """Return the wanted scopes that were not granted, with the consequences in plain words.

    The scopes of the sign-in are never among them.
    """
    present = set(granted)
    lacking = sorted(scope for scope in set(wanted) - present if not present & _COVERED_BY.get(scope, set()))
    known = _CONSEQUENCES | ({EVENTS_FREEBUSY: _NO_NOTIFICATIONS} if FREEBUSY in present else {})
    return tuple(MissingScope(scope=scope, consequence=known[scope]) for scope in lacking if scope in known)
