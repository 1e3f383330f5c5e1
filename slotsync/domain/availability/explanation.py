"""Why a product is free, busy or unknown at a moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from slotsync.domain.availability.availability import (
    Reading,
    Readings,
    SlotState,
    availability,
    calendar_times,
    known_times,
)
from slotsync.domain.availability.blocking import BlockingRule
from slotsync.domain.availability.intervals import Bounds, Interval
from slotsync.domain.messages import Message

_MOMENT: Final = timedelta(microseconds=1)


class CalendarExplanation(Message):
    """What one calendar does to the moment. It has no repr, so that no name is logged by accident.

    ``shut`` is whether it counts as busy, ``span`` the busy or unknown time that decides (nothing where the
    calendar was never read, or is free), and ``padded`` the same with the product's padding.
    """

    name: str
    state: SlotState
    shut: bool
    why: str
    span: Interval | None = None
    padded: Interval | None = None
    read_at: datetime | None = None
    good_until: datetime | None = None
    error: str = ""

    def __repr__(self) -> str:
        return "CalendarExplanation(...)"

    __str__ = __repr__


class Explanation(Message):
    """What a moment is, ``because`` of which rule, and what each calendar has to do with it."""

    at: datetime
    state: SlotState
    closed: bool
    because: str
    calendars: tuple[CalendarExplanation, ...]


def explain(
    readings: Readings, calendars: Mapping[str, str], at: datetime, now: datetime, rule: BlockingRule
) -> Explanation:
    """Why a product is what it is at a moment. ``calendars`` are the names of those that block it, by id."""
    told = tuple(_calendar(readings.get(each, ()), name, at, now, rule) for each, name in calendars.items())
    answer = availability(readings, calendars, Interval(start=at, end=at + _MOMENT), now, rule)
    state, closed = next(((slot.state, slot.closed) for slot in answer.slots), (SlotState.FREE, False))
    return Explanation(
        at=at, state=state, closed=closed, because=_because(state, told, rule, closed=closed), calendars=told
    )


def while_disconnected(told: Explanation) -> Explanation:
    """The same, with the word that nothing new can be read."""
    if told.state is not SlotState.UNKNOWN:
        return told
    return told.model_copy(update={"because": f"{told.because}. Google is not connected, so nothing new can be read"})


class _Cause(NamedTuple):
    """The time that makes a calendar what it is at a moment, and the newest reading that speaks of it."""

    stretch: Bounds | None
    within: bool
    reading: Reading | None


def _calendar(
    readings: Sequence[Reading], name: str, at: datetime, now: datetime, rule: BlockingRule
) -> CalendarExplanation:
    times = calendar_times(readings, (at, at + _MOMENT), now, rule)
    state = SlotState.BUSY if times.busy else SlotState.UNKNOWN if times.unknown else SlotState.FREE
    cause = _cause(readings, state, at, now, rule)
    reading, known = cause.reading, cause.stretch if cause.reading else None
    return CalendarExplanation(
        name=name,
        state=state,
        shut=bool(times.closed),
        why=_why(state, cause),
        span=Interval(start=known[0], end=known[1]) if known else None,
        padded=Interval(start=known[0] - rule.before, end=known[1] + rule.after) if known else None,
        read_at=reading.read_at if reading else None,
        good_until=reading.good_until if reading else None,
        error=reading.error if reading else "",
    )


def _cause(readings: Sequence[Reading], state: SlotState, at: datetime, now: datetime, rule: BlockingRule) -> _Cause:
    moments = [at - rule.after, at + rule.before + _MOMENT]
    ends = [*moments, *(each.span.start for each in readings), *(each.span.end for each in readings)]
    look = known_times(readings, [(min(ends), max(ends))], lambda each: each.holds(now))
    of_state = {SlotState.BUSY: look.busy, SlotState.UNKNOWN: look.unknown, SlotState.FREE: []}[state]
    reaching = [each for each in of_state if each[0] - rule.before <= at < each[1] + rule.after]
    stretch = min(reaching, key=lambda each: abs(_nearest(each, at) - at), default=None)
    moment = _nearest(stretch, at) if stretch else at
    return _Cause(stretch, moment == at, _newest(readings, moment))


def _nearest(stretch: Bounds, at: datetime) -> datetime:
    return min(max(stretch[0], at), stretch[1] - _MOMENT)


def _newest(readings: Sequence[Reading], moment: datetime) -> Reading | None:
    on_it = [each for each in readings if each.span.start <= moment < each.span.end]
    return max(on_it, key=lambda each: each.read_at, default=None)


def _why(state: SlotState, cause: _Cause) -> str:
    if state is SlotState.FREE:
        return "free"
    if state is SlotState.BUSY:
        return "busy" if cause.within else "within the padding of a busy time"
    word = _why_unknown(cause.reading)
    return word if cause.within else f"within the padding of an unknown time: {word}"


def _why_unknown(reading: Reading | None) -> str:
    if reading is None:
        return "never read"
    return f"the calendar could not be read: {reading.error}" if reading.error else "the reading is too old"


def _because(state: SlotState, told: Sequence[CalendarExplanation], rule: BlockingRule, *, closed: bool) -> str:
    """The rule in plain words, with its numbers."""
    if not told:
        return "free: no calendar blocks it"
    said = f"{state}: {_counted(state, [each.state for each in told])}; {_needed(len(told), rule)}"
    if state is SlotState.UNKNOWN:
        said += f". {_choice(rule)}, so it {'cannot' if closed else 'can'} be booked"
    if state is not SlotState.FREE and (rule.before or rule.after):
        said += f". Busy times are padded by {_minutes(rule.before)} before and {_minutes(rule.after)} after"
    return said


def _counted(state: SlotState, states: Sequence[SlotState]) -> str:
    """How many calendars are so; those that are busy count for what is unknown, too."""
    count, busy = states.count(state), states.count(SlotState.BUSY)
    said = f"{count} of the {len(states)} calendars that block it {_is(count)} {state}"
    return f"{said} and {busy} {_is(busy)} busy" if state is SlotState.UNKNOWN and busy else said


def _needed(calendars: int, rule: BlockingRule) -> str:
    needed = rule.needed_of(calendars)
    if needed == calendars:
        return "all of them have to be free"
    return f"{needed} of them {'has' if needed == 1 else 'have'} to be free"


def _choice(rule: BlockingRule) -> str:
    _, _, hours = rule.on_unknown.partition(":")
    return f"on_unknown is {rule.on_unknown}" + (f" (what was read in the last {hours} h counts)" if hours else "")


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _minutes(padding: timedelta) -> str:
    return f"{padding // timedelta(minutes=1)} minutes"
