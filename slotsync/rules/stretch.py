"""What can be reckoned with stretches of time, as plain pairs of moments: a year has many, and models are slow to make.

All of it is one sweep over the moments at which something begins or ends. Pure.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

Stretch = tuple[datetime, datetime]
"""From the first moment until just before the second; never empty."""

_Step = tuple[datetime, int]


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same moments in as few stretches as possible, in order; those that touch become one."""
    return _reached(_steps(stretches), 1)


def overlapped(sets: Iterable[Iterable[Stretch]], times: int) -> list[Stretch]:
    """The moments that are in at least so many of the sets, merged."""
    return _reached((step for each in sets for step in _steps(merged(each))), times)


def shared(some: Iterable[Stretch], others: Iterable[Stretch]) -> list[Stretch]:
    """The moments that are in both, merged."""
    return overlapped([some, others], 2)


def without(some: Iterable[Stretch], holes: Iterable[Stretch]) -> list[Stretch]:
    """The moments of ``some`` that are in none of the holes, merged."""
    gone = ((moment, -step) for moment, step in _steps(merged(holes)))
    return _reached([*_steps(merged(some)), *gone], 1)


def padded(stretches: Iterable[Stretch], before: timedelta, after: timedelta) -> list[Stretch]:
    """Each of them longer by so much on either side, merged."""
    return merged((start - before, end + after) for start, end in stretches)


def _steps(stretches: Iterable[Stretch]) -> Iterator[_Step]:
    for start, end in stretches:
        yield start, 1
        yield end, -1


def _reached(steps: Iterable[_Step], height: int) -> list[Stretch]:
    """Where all steps until then make at least this height. At one moment those down come before those up."""
    found: list[Stretch] = []
    start: datetime | None = None
    now = 0
    for moment, step in sorted(steps):
        now += step
        if start is None and now >= height:
            start = found.pop()[0] if found and found[-1][1] == moment else moment
        elif start is not None and now < height:
            found.append((start, moment))
            start = None
    return found
