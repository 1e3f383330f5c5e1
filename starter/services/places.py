"""Places: how much of something each subject may have under way at once, in one process."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager


class Places:
    """Counts what is under way of each subject. What finds no place is not kept waiting."""

    def __init__(self) -> None:
        self._taken = Counter[Hashable]()

    @contextmanager
    def take(self, limits: Mapping[Hashable, int]) -> Iterator[bool]:
        """Take a place of each subject within the block, unless one of them has no more; yield whether they are taken.

        ``limits`` is how many places each subject has.
        """
        if any(self._taken[subject] >= limit for subject, limit in limits.items()):
            yield False
            return
        self._taken.update(limits.keys())
        try:
            yield True
        finally:
            self._taken.subtract(limits.keys())
            self._taken += Counter()  # forgets those of whom nothing is under way
