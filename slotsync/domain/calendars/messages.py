"""Messages about managed calendars that cross Temporal's border: ids, states and times, no name."""

from datetime import datetime

from pydantic import Field

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.health import Health
from slotsync.domain.messages import Message


class CalendarRequest(Message):
    """The owner of the managed calendar that a request is about."""

    merchant: str
    owner: Owner


class CalendarState(CalendarRequest):
    """The state that a calendar's workflow starts with, and passes on when it continues as new.

    ``settles_at``: then it looks for what Google has carried out late, None if nothing is in flight.
    """

    settles_at: datetime | None = None


class AuditRequest(CalendarRequest):
    """The request to look for drift in an owner's calendar, with ``full`` in all of it.

    ``repair``: it is put right; without, it is only looked at, and nothing of it is recorded. With None all is done
    as the merchant wants it.
    """

    full: bool = False
    repair: bool | None = None

    @property
    def only_looks(self) -> bool:
        """True if it changes nothing, neither in Google nor in the store."""
        return self.repair is False


class DriftSearch(AuditRequest):
    """The request for one search at ``now``."""

    now: datetime


class AuditResult(Message):
    """The result of an audit: how many drifts of each kind were found, and how many of all are repaired.

    The platform is ``told`` of so many that were not known before. ``complete``: all of the calendar was looked
    through. ``reason`` is why nothing was, empty if something was.
    """

    counts: dict[str, int] = Field(default_factory=dict)
    repaired: int = 0
    told: int = 0
    complete: bool = False
    reason: str = ""


class PermitRequest(CalendarRequest):
    """The request for a permit to create a calendar, or for the position in the queue."""

    now: datetime


class ViewRequest(CalendarRequest):
    """The request for the state of an owner's calendar at ``now``."""

    now: datetime


class CalendarView(Message):
    """The wanted and the present state of an owner's calendar.

    ``shown``: Google shows the owner's name and time zone. ``revision`` counts the changes of the owner's settings, of
    which the reservations were signalled up to ``applied_revision``. ``waiting``: a reservation waits for the calendar.
    ``left``: our events are to be removed, and some stand in other calendars, which are out of reach or were.
    ``owed``: events have to go from calendars that are out of reach or were.
    ``connection_id`` and ``calendar_id`` are None if there is none; ``lacks_scope``: there is a connection, which does
    not allow to write; ``refusal`` is why Google refuses the grant. ``closing_reason`` says why the workflow has
    nothing to do, empty if it has.
    """

    closing_reason: str = ""
    sync: bool = False
    removing: bool = False
    connection_id: str | None = None
    lacks_scope: bool = False
    refusal: str | None = None
    calendar_id: str | None = None
    shown: bool = False
    revision: int = 0
    applied_revision: int = 0
    waiting: bool = False
    left: bool = False
    owed: bool = False
    grant_number: int = 0


class SignalRequest(CalendarRequest):
    """The request to signal an owner's open reservations: all of them up to a revision, or those that wait."""

    revision: int
    all_open: bool
    now: datetime


class CalendarResult(CalendarRequest):
    """The result of a round. ``due_at`` is when the workflow will have looked again, None if nothing is left to do.

    ``reason`` is what blocks the calendar, None if nothing does.
    """

    revision: int
    grant_number: int
    due_at: datetime | None
    reason: str | None = None


class CalendarStop(CalendarRequest):
    """The request to record that an operator has stopped the calendar's workflow at ``revision``.

    It is None if the workflow had news that it had not looked at: then it is stopped at any revision.
    """

    revision: int | None = None
    now: datetime


class SwitchRequest(Message):
    """The merchant that a switch is about."""

    merchant: str


class SwitchPlan(Message):
    """The revision of a merchant's switch that is to be carried out, for so many products and resources.

    ``closing_reason`` says why there is nothing to do, empty if there is.
    """

    revision: int = 0
    to_signal: int = 0
    closing_reason: str = ""


class OwnersRequest(SwitchRequest):
    """The request to signal all products and resources of a merchant about a revision of its switch."""

    revision: int


class SwitchStop(SwitchRequest):
    """The request to record that an operator has stopped the switch's workflow at ``revision``, or at any if None."""

    revision: int | None = None
    now: datetime


class CalendarProgress(Message):
    """The workflow's health, and what it does right now."""

    health: Health
    doing: str
