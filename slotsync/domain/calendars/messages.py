"""What crosses Temporal's border about managed calendars."""

from datetime import datetime

from temporalio import workflow

from slotsync.domain.calendars.owner import ManagedCalendar, Owner
from slotsync.domain.messages import Message

with workflow.unsafe.imports_passed_through():
    from slotsync.domain.health import Health
    from slotsync.domain.messages import Message


class CalendarRequest(Message):
    """Whose calendar."""

    merchant: str
    owner: Owner


class PermitRequest(Message):
    """Whose turn it may be."""

    request: CalendarRequest
    now: datetime


class OutOfStepPage(Message):
    """The next reservations that are not what this calendar should show, after the last one that was called."""

    merchant: str
    calendar: ManagedCalendar
    now: datetime
    after: str = ""


class Backfill(Message):
    """All open reservations of an owner, to be called by the batch with this id."""

    merchant: str
    owner: Owner
    job_id: str


class BatchProgress(Message):
    """How far a batch is: how many workflows it is for, how many have been told, how many could not be."""

    total: int
    done: int
    failed: int
    running: bool


class CalendarProgress(Message):
    """What the workflow knows and does right now; the id of the batch that it used for its last back-fill."""

    health: Health
    doing: str
    backfill_job: str
