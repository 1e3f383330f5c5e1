"""Explanations: the reason why a product is free, busy or unknown at a moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from slotsync.domain.availability.availability import (
    Reading,
    Readings,
    SlotState,
    calendar_times,
    compute_availability,
    known_times,
)
from slotsync.domain.availability.blocking import BlockingRule
from slotsync.domain.availability.intervals import Bounds, Interval
from slotsync.domain.messages import Message

_MOMENT: Final = timedelta(microseconds=1)
"""The length of one moment: the resolution of datetimes."""


class CalendarReason(Message):
    """One calendar's state at the moment, without its name.

    ``shut`` is true if the calendar counts as busy. ``span`` is the busy or unknown time that decides, None where the
    calendar was never read or is free; ``padded`` is that time with the product's padding.
    """

    state: SlotState
    shut: bool  # name in the API
    why: str
    span: Interval | None = None  # name in the API
    padded: Interval | None = None
    read_at: datetime | None = None
    good_until: datetime | None = None
    error: str = ""


class CalendarExplanation(CalendarReason):
    """One calendar's state at the moment. It has no repr, so that no name is logged by accident."""

    name: str

    def __repr__(self) -> str:
        return "CalendarExplanation(...)"

    __str__ = __repr__


class Explanation(Message):
    """The state of a moment, the rule that decides it (``because``), and the state of each calendar."""

    at: datetime
    state: SlotState
    closed: bool
    because: str
    calendars: tuple[CalendarExplanation, ...]


def explain(
    readings: Readings, calendars: Mapping[str, str], at: datetime, now: datetime, rule: BlockingRule
) -> Explanation:
    """Return why a product is free, busy or unknown at a moment.

    Args:
        readings: All stored readings.
        calendars: The names of the calendars that block the product, by id.
        at: The moment to explain.
        now: The current time.
        rule: The merchant's choices for the product.
    """
    explained = tuple(_calendar(readings.get(each, ()), name, at, now, rule) for each, name in calendars.items())
    answer = compute_availability(readings, calendars, Interval(start=at, end=at + _MOMENT), now, rule)
    state, closed = next(((slot.state, slot.closed) for slot in answer.slots), (SlotState.FREE, False))
    return Explanation(
        at=at, state=state, closed=closed, because=_because(state, explained, rule, closed=closed), calendars=explained
    )


NOT_CONNECTED: Final = "Google is not connected, so nothing new can be read"

WATCHING_STOPPED: Final = "An operator has stopped the watching, so nothing new is read"


def note(explanation: Explanation, obstacle: str) -> Explanation:
    """Return the explanation; that of an unknown moment says, too, why nothing new is read."""
    if explanation.state is not SlotState.UNKNOWN:
        return explanation
    because = f"{explanation.because}. {obstacle}"
    return explanation.model_copy(update={"because": because})


class _Cause(NamedTuple):
    """The busy or unknown time that decides a calendar's state at a moment, and the newest reading of it.

    ``covers``: the moment lies in that time itself, not only in its padding.
    """

    decisive: Bounds | None
    covers: bool
    reading: Reading | None


def _calendar(
    readings: Sequence[Reading], name: str, at: datetime, now: datetime, rule: BlockingRule
) -> CalendarExplanation:
    times = calendar_times(readings, (at, at + _MOMENT), now, rule)
    state = SlotState.BUSY if times.busy else SlotState.UNKNOWN if times.unknown else SlotState.FREE
    cause = _cause(readings, state, at, now, rule)
    reading, known = cause.reading, cause.decisive if cause.reading else None
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
    ends = [*moments, *(each.interval.start for each in readings), *(each.interval.end for each in readings)]
    known = known_times(readings, [(min(ends), max(ends))], lambda each: each.is_current(now))
    of_state = {SlotState.BUSY: known.busy, SlotState.UNKNOWN: known.unknown, SlotState.FREE: []}[state]
    reaching = [each for each in of_state if each[0] - rule.before <= at < each[1] + rule.after]
    decisive = min(reaching, key=lambda each: abs(_nearest(each, at) - at), default=None)
    moment = _nearest(decisive, at) if decisive else at
    decides = readings if state is SlotState.UNKNOWN else [each for each in readings if not each.call_failed]
    return _Cause(decisive, moment == at, _newest(decides, moment))


def _nearest(bounds: Bounds, at: datetime) -> datetime:
    return min(max(bounds[0], at), bounds[1] - _MOMENT)


def _newest(readings: Sequence[Reading], moment: datetime) -> Reading | None:
    on_it = [each for each in readings if each.interval.start <= moment < each.interval.end]
    return max(on_it, key=lambda each: each.read_at, default=None)


def _why(state: SlotState, cause: _Cause) -> str:
    if state is SlotState.FREE:
        return "free"
    if state is SlotState.BUSY:
        return "busy" if cause.covers else "within the padding of a busy time"
    reason = _why_unknown(cause.reading)
    return reason if cause.covers else f"within the padding of an unknown time: {reason}"


def _why_unknown(reading: Reading | None) -> str:
    if reading is None:
        return "never read"
    return f"the calendar could not be read: {reading.error}" if reading.error else "the reading is too old"


def _because(state: SlotState, calendars: Sequence[CalendarExplanation], rule: BlockingRule, *, closed: bool) -> str:
    """Return the rule in plain words, with its numbers."""
    if not calendars:
        return "free: no calendar blocks it"
    text = f"{state}: {_counted(state, [each.state for each in calendars])}; {_needed(len(calendars), rule)}"
    if state is SlotState.UNKNOWN:
        text += f". {_choice(rule)}, so it {'cannot' if closed else 'can'} be booked"
    if state is not SlotState.FREE and (rule.before or rule.after):
        text += f". Busy times are padded by {_minutes(rule.before)} before and {_minutes(rule.after)} after"
    return text


def _counted(state: SlotState, states: Sequence[SlotState]) -> str:
    """Return how many calendars are in the state; an unknown state names the busy ones, too."""
    count, busy = states.count(state), states.count(SlotState.BUSY)
    text = f"{count} of the {len(states)} calendars that block it {_is(count)} {state}"
    return f"{text} and {busy} {_is(busy)} busy" if state is SlotState.UNKNOWN and busy else text


def _needed(calendars: int, rule: BlockingRule) -> str:
    needed = rule.required_free(calendars)
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
