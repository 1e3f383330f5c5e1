"""Places: how much of something each subject may have under way at once, in one process."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

MOST_OF_FREE: Final = 3
"""A subject may have so many times the places that are free: alone three quarters of all, with others less."""


class Share(NamedTuple):
    """A subject's share of the places of ``pool``, which gets smaller the more of them are taken (``MOST_OF_FREE``).

    So one that has none finds a place as long as any is free; and however many subjects take what they can, something
    stays free: a third of what each of them has.
    """

    pool: Hashable
    subject: Hashable


class Places:
    """Counts what is under way of each subject. What finds no place is not kept waiting."""

    def __init__(self) -> None:
        self._taken = Counter[Hashable]()

    @contextmanager
    def take(self, limits: Mapping[Hashable, int], share: Share | None = None) -> Iterator[bool]:
        """Take a place of each subject within the block, unless one of them has no more; yield whether they are taken.

        ``limits`` is how many places each subject has; ``share`` is of the places of one of them.
        """
        if not self._may_take(limits, share):
            yield False
            return
        taken = {*limits, share} if share else {*limits}
        self._taken.update(taken)
        try:
            yield True
        finally:
            self._taken.subtract(taken)
            self._taken += Counter()  # forgets those of whom nothing is under way

    def _may_take(self, limits: Mapping[Hashable, int], share: Share | None) -> bool:
        if any(self._taken[subject] >= limit for subject, limit in limits.items()):
            return False
        return share is None or self._taken[share] < MOST_OF_FREE * (limits[share.pool] - self._taken[share.pool])
