"""The limit of questions to Google that wait for answers at once, for each product and each merchant."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from slotsync.errors import TooManyQuestions
from starter.services.places import Places

MAX_WAITING_PER_PRODUCT: Final = 50
"""In one process. Each is answered within two seconds or so, so that this is what a rush of bookings needs."""

MAX_WAITING_PER_MERCHANT: Final = 100

RETRY_AFTER: Final = timedelta(seconds=1)


class QuestionLimit:
    """Counts the questions that wait, and refuses the next one at once, before it costs anything."""

    def __init__(
        self, max_per_product: int = MAX_WAITING_PER_PRODUCT, max_per_merchant: int = MAX_WAITING_PER_MERCHANT
    ) -> None:
        self._max_per_product = max_per_product
        self._max_per_merchant = max_per_merchant
        self._places = Places()

    @contextmanager
    def waiting(self, merchant: str, product: str) -> Iterator[None]:
        """Count a question within the block.

        Raises:
            TooManyQuestions: too many wait about this product, or about all of the merchant's.
        """
        limits: dict[Hashable, int] = {(merchant, product): self._max_per_product, merchant: self._max_per_merchant}
        with self._places.take(limits) as free:
            if not free:
                raise TooManyQuestions(RETRY_AFTER)
            yield
