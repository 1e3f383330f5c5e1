"""The limit for new calendars: when the next one may be created in a Google account.

Google refuses for hours once about 60 were created "in a short period"; slotsync stays well below that.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.health import STAGED_REASON, Blocker, Health
from slotsync.domain.messages import Message
from slotsync.domain.retry_delays import MAX_PERMIT_RECHECK_DELAY

MAX_CALENDARS_PER_HOUR = 40
"""The most calendars that are created in an hour for one Google account."""

PERMIT_VALIDITY = timedelta(minutes=5)
"""The time after its grant in which a permit may be used."""

PERMIT_COUNT_WINDOW = timedelta(hours=1) + PERMIT_VALIDITY
"""The time in which a permit counts: the calendar may be created as late as its permit ends."""


class Permit(Message):
    """The permission to create a calendar, from ``since`` on; ``used`` once the calendar was recorded."""

    owner: Owner
    since: datetime
    used: bool = False


class QueuePosition(Message):
    """An owner's position in the queue, from 1, and when its calendar may be created, as far as it is known now."""

    position: int
    at: datetime


def queue_position(
    owner: Owner,
    waiting: Mapping[Owner, datetime | None],
    permits: Collection[Permit],
    now: datetime,
    elsewhere: Collection[datetime] = (),
) -> QueuePosition:
    """Return the owner's position among the owners that wait for a calendar.

    An owner with an unused permit goes first, and that permit does not count against it: its calendar is being created.

    Args:
        owner: The owner to find the position of.
        waiting: When each waiting owner's calendar is needed first, None if no reservation needs it.
        permits: The merchant's permits that still count.
        now: The current time.
        elsewhere: The times of permits that other merchants have for the same Google account; all of them count.
    """
    creating = {permit.owner for permit in permits if not permit.used}
    counted = [*elsewhere, *(permit.since for permit in permits if permit.used or permit.owner != owner)]
    queue = [each for each in sort_by_need(waiting) if each not in creating]
    position = 1 if owner in creating or owner not in queue else queue.index(owner) + 1
    return QueuePosition(position=position, at=_free_at(position, counted, now))


def sort_by_need(waiting: Mapping[Owner, datetime | None]) -> list[Owner]:
    """Return the owners, those that are needed soonest first; those that no reservation needs come last."""
    needed = {owner: at for owner, at in waiting.items() if at}
    unneeded = [owner for owner in waiting if owner not in needed]
    return [*sorted(needed, key=lambda owner: (needed[owner], str(owner))), *sorted(unneeded, key=str)]


def _free_at(position: int, taken: Collection[datetime], now: datetime) -> datetime:
    """Return when there are fewer permits than the limit before this position."""
    times = sorted(taken)
    at = now
    for _ in range(position):
        if len(times) >= MAX_CALENDARS_PER_HOUR:
            at = max(now, times[-MAX_CALENDARS_PER_HOUR] + PERMIT_COUNT_WINDOW)
        times.append(at)
        times.sort()
    return at


def permit_blocker(position: QueuePosition, now: datetime) -> Blocker:
    """Return the blocker of an owner that waits for its permit.

    The position is computed again now and then, since an owner that is needed sooner goes first.
    """
    look_again = min(position.at - now, MAX_PERMIT_RECHECK_DELAY)
    return Blocker(health=Health.WAITING, reason=STAGED_REASON, look_again=look_again)


def describe_position(position: QueuePosition) -> str:
    """Return in plain words when the owner's calendar may be created."""
    at = f"{position.at:%Y-%m-%d %H:%M} UTC"
    return f"Number {position.position} in line for a new calendar: about {at}, since Google allows few at once"
