"""Stretches of time, half-open and in UTC, and what can be reckoned with them. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, field_validator, model_validator

from slotsync.rules.message import Message


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


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same moments in as few spans as possible, in order; spans that touch become one."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        if found and span.start <= found[-1].end:
            found[-1] = Span(start=found[-1].start, end=max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def shared(some: Iterable[Span], others: Iterable[Span]) -> tuple[Span, ...]:
    """The moments that are in both, merged."""
    there = merged(others)
    return merged(part for span in merged(some) for part in _parts(span, there))


def without(some: Iterable[Span], holes: Iterable[Span]) -> tuple[Span, ...]:
    """The moments of ``some`` that are in none of the holes, merged."""
    gone = merged(holes)
    return tuple(part for span in merged(some) for part in _left(span, gone))


def padded(spans: Iterable[Span], before: timedelta, after: timedelta) -> tuple[Span, ...]:
    """Each of them longer by so much on either side, merged."""
    return merged(Span(start=each.start - before, end=each.end + after) for each in spans)


def _parts(span: Span, there: Iterable[Span]) -> Iterator[Span]:
    for each in there:
        if span.meets(each):
            yield Span(start=max(span.start, each.start), end=min(span.end, each.end))


def _left(span: Span, gone: Iterable[Span]) -> Iterator[Span]:
    start = span.start
    for hole in gone:
        if hole.meets(span):
            if start < hole.start:
                yield Span(start=start, end=hole.start)
            start = max(start, hole.end)
    if start < span.end:
        yield Span(start=start, end=span.end)
