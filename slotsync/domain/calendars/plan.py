"""The plan of a managed calendar: the next step from what is done to what is wanted."""

from collections.abc import Collection
from enum import StrEnum

from slotsync.domain.calendars.messages import CalendarView
from slotsync.domain.health import Blocker, blocker_without_connection


class CalendarStep(StrEnum):
    """The steps of a round."""

    CREATE = "create"
    SIGNAL_CHANGED = "signal_changed"
    UPDATE = "update"
    SIGNAL = "signal"
    RETIRE = "retire"


def next_step(
    view: CalendarView, done: Collection[CalendarStep], *, check_due: bool, retire_first: bool = True
) -> CalendarStep | Blocker | None:
    """Return the round's next step, the reason why none is possible, or None if all is done.

    Changed settings are signalled before the calendar gets its new name, since that may fail for long: no guest is
    shown for longer because of it. What waits is signalled afterwards: the calendar may turn out to be missing.

    A calendar is retired before the reservations are signalled: with it all events go at once, or it stays because of
    events that are not ours, and each reservation deletes its own. Without a connection the reservations are signalled
    all the same, so that their state says why they wait.

    Args:
        view: What is wanted of the calendar, and what is done of it.
        done: The steps that were done in this round; each is done once, except a creation.
        check_due: Whether to look if the calendar is still there.
        retire_first: False in runs that began when the reservations were signalled first.
    """
    if view.sync and view.connection_id:
        if not view.calendar_id:
            return CalendarStep.CREATE
        changed = view.revision != view.applied_revision or CalendarStep.SIGNAL_CHANGED in done
        # It may have been off, when nobody looked for what has to go.
        look = check_due or not view.shown or (view.owed and changed)
        if look and CalendarStep.UPDATE not in done:
            to_signal = view.revision != view.applied_revision and CalendarStep.SIGNAL_CHANGED not in done
            return CalendarStep.SIGNAL_CHANGED if to_signal else CalendarStep.UPDATE
    anything = view.calendar_id or view.left
    retires = not view.sync and view.removing and anything and CalendarStep.RETIRE not in done
    if retires and view.connection_id and retire_first:
        return CalendarStep.RETIRE
    if (view.waiting or view.revision != view.applied_revision) and CalendarStep.SIGNAL not in done:
        return CalendarStep.SIGNAL
    if not view.connection_id:
        blocker = blocker_without_connection(view.refusal, lacks_scope=view.lacks_scope)
        return blocker if view.sync or retires else None
    return CalendarStep.RETIRE if retires else None
