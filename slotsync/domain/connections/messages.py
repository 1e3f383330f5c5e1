"""Messages about connections that cross Temporal's border."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectedCalendar
from slotsync.domain.messages import Message

ConnectionSignal = Literal["granted", "revoked", "disconnect", "check"]
"""The signals of a connection's workflow. They carry nothing: the workflow reads what is wanted in the store."""


class ConnectionRequest(Message):
    """The merchant of the connection that a request is about."""

    merchant: str


class ConnectionStep(StrEnum):
    """The steps that a connection's row can ask for."""

    DISCONNECT = "disconnect"
    SERVE = "resume"  # stored name
    PARK = "park"
    WAIT = "wait"
    CLOSE = "close"


class ConnectionPlan(Message):
    """The next step of a connection, by its row.

    A refused grant is refused since ``since``, which was told ``notices`` times; ``kept`` unless it is forgotten.
    ``messages`` about the merchant's grants wait for the platform, and with ``mail_due`` an e-mail for the merchant.
    ``calendars`` is the merchant's choice for a disconnection. ``reason`` is why the grant is dead, or why the workflow
    has nothing to do. With ``all_open`` all work has to look again, since its calendars may be gone.
    """

    step: ConnectionStep
    reason: str = ""
    calendars: CalendarChoice = CalendarChoice.KEEP
    grant_number: int = 0
    all_open: bool = False
    since: datetime | None = None
    notices: int = 0
    kept: bool = False
    messages: int = 0
    mail_due: bool = False


class CalendarDeletion(Message):
    """A calendar that the merchant does not want to keep."""

    merchant: str
    connection_id: str
    calendar: DisconnectedCalendar


class DisconnectionEnd(Message):
    """The end of a disconnection with this choice for the calendars; another choice made since is still to be done.

    A grant that is not ended is kept until it is. ``stopped``: an operator has ended it, and calendars that were not
    deleted by then stay.
    """

    connection_id: str
    calendars: CalendarChoice
    grant_ended: bool = False
    stopped: bool = False


class WaitingWorkRequest(ConnectionRequest):
    """The request to signal what waits for a merchant's grant, or with ``all_open`` all that is open at ``now``."""

    all_open: bool
    now: datetime


class ConnectionStop(ConnectionRequest):
    """The request to record that an operator has stopped the connection's workflow at this grant.

    ``grant_number`` is None if the workflow had news that it had not looked at: then it is stopped at any grant.
    """

    grant_number: int | None = None
    now: datetime


class GrantRequest(ConnectionRequest):
    """The grant of a merchant that a request is about, by its number."""

    grant_number: int


class RefusalNotice(GrantRequest):
    """The request to tell for the ``number``-th time that Google refuses the grant."""

    number: int
    now: datetime


class ServedGrant(GrantRequest):
    """The grant for which all waiting work was signalled: ``woken`` workflows."""

    woken: int = 0
    now: datetime
