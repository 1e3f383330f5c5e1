"""Stretches of time, half-open and in UTC, and what can be reckoned with them. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, field_validator, model_validator

from slotsync.rules import stretch
from slotsync.rules.message import Message
from slotsync.rules.stretch import Stretch


class Span(Message):
    """From ``start`` until just before ``end``, both in UTC; never empty."""

    start: AwareDatetime
    end: AwareDatetime

    @field_validator("start", "end")
    @classmethod
    def _in_utc(cls, moment: datetime) -> datetime:
        return moment.astimezone(UTC)

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.start >= self.end:
            raise ValueError("ends before it has begun")
        return self

    def __hash__(self) -> int:
        return hash((self.start, self.end))

    def meets(self, other: "Span") -> bool:
        """Whether they have a moment in common."""
        return self.start < other.end and other.start < self.end

    @property
    def stretch(self) -> Stretch:
        """The same as a plain pair, which is quick to reckon with."""
        return self.start, self.end


def spans_of(stretches: Iterable[Stretch]) -> tuple[Span, ...]:
    """Plain pairs as spans."""
    return tuple(Span(start=start, end=end) for start, end in stretches)


def stretches_of(spans: Iterable[Span]) -> list[Stretch]:
    """Spans as plain pairs."""
    return [(each.start, each.end) for each in spans]


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same moments in as few spans as possible, in order; spans that touch become one."""
    return spans_of(stretch.merged(stretches_of(spans)))


def overlapped(sets: Iterable[Iterable[Span]], times: int) -> tuple[Span, ...]:
    """The moments that are in at least so many of the sets, merged."""
    return spans_of(stretch.overlapped(map(stretches_of, sets), times))


def shared(some: Iterable[Span], others: Iterable[Span]) -> tuple[Span, ...]:
    """The moments that are in both, merged."""
    return spans_of(stretch.shared(stretches_of(some), stretches_of(others)))


def without(some: Iterable[Span], holes: Iterable[Span]) -> tuple[Span, ...]:
    """The moments of ``some`` that are in none of the holes, merged."""
    return spans_of(stretch.without(stretches_of(some), stretches_of(holes)))


def padded(spans: Iterable[Span], before: timedelta, after: timedelta) -> tuple[Span, ...]:
    """Each of them longer by so much on either side, merged."""
    return spans_of(stretch.padded(stretches_of(spans), before, after))
