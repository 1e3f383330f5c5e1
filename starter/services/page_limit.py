"""The limits of pages, of each visit and of all of a merchant's, in one process: how often, and how many at once."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cachetools import TTLCache

from slotsync.clock import utc_now
from slotsync.domain.connections.call_limit import pay_call
from starter.services.places import Places


@dataclass(frozen=True)
class Allowance:
    """The loads that are allowed: so many at once, and one more after each interval."""

    at_once: int
    interval: timedelta

    def times(self, factor: int) -> "Allowance":
        """Return the allowance of so many that each have this one."""
        return Allowance(self.at_once * factor, self.interval / factor)


PAGES: Final = Allowance(60, timedelta(seconds=0.5))
"""Of one visit. Who goes through a list of products as fast as possible needs two in three seconds."""

REFRESHES: Final = Allowance(100, timedelta(seconds=0.1))
"""Of one visit, counted apart. An open page asks for three kinds of progress every two seconds: this is enough for six
windows side by side. What is refused is asked again."""

MAX_PAGES_UNDER_WAY: Final = 30
"""Of one visit: more tabs than somebody opens together, even if Google keeps each of them waiting."""

MAX_FORMS_UNDER_WAY: Final = 4
"""Of one visit, counted apart. Who looks at the answer of one before sending the next needs one."""

VISITS_PER_MERCHANT: Final = 2
"""The visits that may use all that is allowed to one, at the same time."""

LINKS_PER_MERCHANT: Final = 20
"""The links that may use all that is allowed to one, at the same time: more than anybody but the platform has."""

_MAX_SUBJECTS: Final = 10_000
_MAX_AGE: Final = timedelta(minutes=1)
"""Longer than anything needs until all of its allowance is back."""


class PageLimit:
    """Counts loads. The counting methods return how long a load has to wait, zero if it may go, which alone counts."""

    def __init__(
        self, clock: Callable[[], datetime] = utc_now, pages: Allowance = PAGES, refreshes: Allowance = REFRESHES
    ) -> None:
        self._clock = clock
        self._pages = pages
        self._refreshes = refreshes
        self._paid_until: TTLCache[Hashable, datetime] = TTLCache(_MAX_SUBJECTS, _MAX_AGE.total_seconds())
        self._places = Places()

    @contextmanager
    def under_way(self, visit: str, merchant: str, *, form: bool) -> Iterator[bool]:
        """Take a place for a page, or a form that is sent, within the block; yield whether there was one."""
        limit = MAX_FORMS_UNDER_WAY if form else MAX_PAGES_UNDER_WAY
        limits: dict[Hashable, int] = {
            ("visit", visit, form): limit,
            ("merchant", merchant, form): limit * VISITS_PER_MERCHANT,
        }
        with self._places.take(limits) as free:
            yield free

    def count_visit(self, visit: str, *, refreshing: bool) -> timedelta:
        """Count a page that a visit loads, or, with ``refreshing``, what an open page fetches again by itself."""
        return self._count(("visit", visit, refreshing), self._refreshes if refreshing else self._pages)

    def count_merchant(self, merchant: str, *, refreshing: bool) -> timedelta:
        """Count what ``count_visit`` has let go, for all visits of the merchant."""
        allowance = self._refreshes if refreshing else self._pages
        return self._count(("merchant", merchant, refreshing), allowance.times(VISITS_PER_MERCHANT))

    def count_link(self, merchant: str, link: str) -> timedelta:
        """Count a look at the page of a link to the merchant's settings, which needs no visit.

        Each link has its own allowance: with one of them the others cannot be used up.
        """
        wait = self._count(("link", merchant, link), self._pages)
        return wait or self._count(("links", merchant), self._pages.times(LINKS_PER_MERCHANT))

    def _count(self, subject: Hashable, allowance: Allowance) -> timedelta:
        paid_until, wait = pay_call(self._paid_until.get(subject), self._clock(), allowance.interval, allowance.at_once)
        if not wait:
            self._paid_until[subject] = paid_until
        return wait
