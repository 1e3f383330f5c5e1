"""A booking's last look: what Google says right now."""

from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import activity

from activities.call_notes import CallNotes
from activities.failures import told_to_temporal
from slotsync.clock import utc_now
from slotsync.errors import GrantLost, ScopeMissing
from slotsync.google.busy_times import BusyTimes, GoogleBusyTimes
from slotsync.rules.availability import Availability, Reading, SlotState, availability
from slotsync.rules.availability_news import Confirmation, Evidence, Question, Verdict, nobody_knows
from slotsync.rules.span import Span
from slotsync.store.answers import Answers, Ground

_BELIEVED = timedelta(minutes=1)


class ConfirmingActivities:
    """Asks Google for one product and one time."""

    def __init__(
        self, answers: Answers, google: GoogleBusyTimes, notes: CallNotes, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._answers = answers
        self._google = google
        self._notes = notes
        self._clock = clock

    @activity.defn(no_thread_cancel_exception=True)
    def look_live(self, question: Question) -> Confirmation:
        """The answer, with what each calendar said. What heals by itself is raised, to be asked again in time."""
        now = self._clock()
        ground = self._answers.ground(question.merchant, question.product, now)
        if ground is None:
            return nobody_knows("the product is not known", now)
        if not ground.calendars:
            return Confirmation(answer=Verdict.YES, checked_at=now, because="no calendar blocks the product")
        if ground.connection_id is None or not ground.connected:
            return nobody_knows("Google is not connected", now)
        with told_to_temporal():
            return self._ask(ground, ground.connection_id, question.span, now)

    def _ask(self, ground: Ground, connection_id: str, span: Span, now: datetime) -> Confirmation:
        around = Span(start=span.start - ground.rule.after, end=span.end + ground.rule.before)
        try:
            with self._notes.of(connection_id):
                said = self._google.read(connection_id, list(ground.calendars), around)
        except (GrantLost, ScopeMissing) as error:
            return nobody_knows(str(error), now)
        readings = {each: [_reading(times, around, now)] for each, times in said.items()}
        found = availability(readings, ground.calendars, span, now, ground.rule)
        evidence = (Evidence(calendar=ground.calendars[each], **dict(times)) for each, times in said.items())
        verdict, because = _verdict(found)
        return Confirmation(answer=verdict, checked_at=now, because=because, evidence=tuple(evidence))


def _reading(times: BusyTimes, span: Span, now: datetime) -> Reading:
    return Reading(span=span, read_at=now, good_until=now + _BELIEVED, busy=times.busy, error=times.error)


def _verdict(found: Availability) -> tuple[Verdict, str]:
    states = {slot.state for slot in found.slots}
    if SlotState.BUSY in states:
        return Verdict.NO, "it is busy, by the calendars that block the product"
    if SlotState.UNKNOWN in states:
        return Verdict.UNKNOWN, "calendars that block the product could not be read"
    return Verdict.YES, "it is free, by the calendars that block the product"
