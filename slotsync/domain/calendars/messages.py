"""Messages about managed calendars that cross Temporal's border."""

from datetime import datetime

from slotsync.domain.calendars.owner import ManagedCalendar, Owner
from slotsync.domain.health import Health
from slotsync.domain.messages import Message


class CalendarRequest(Message):
    """The owner of the managed calendar that a request is about."""

    merchant: str
    owner: Owner


class PermitRequest(Message):
    """The request for a permit to create a calendar, or for the position in the queue."""

    request: CalendarRequest
    now: datetime


class OutOfStepPage(Message):
    """A page of reservations that differ from what this calendar should show, after the one with the id ``after``."""

    merchant: str
    calendar: ManagedCalendar
    now: datetime
    after: str = ""


class Backfill(Message):
    """All open reservations of an owner, to be signalled by the batch operation with this id."""

    merchant: str
    owner: Owner
    job_id: str


class BatchProgress(Message):
    """The progress of a batch: the number of its workflows, of those signalled, and of those that could not be."""

    total: int
    done: int
    failed: int
    running: bool


class CalendarProgress(Message):
    """The workflow's health, what it does right now, and the id of the batch of its last back-fill."""

    health: Health
    doing: str
    backfill_job: str
