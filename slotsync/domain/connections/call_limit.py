"""The limit of calls to Google for one connection: a token bucket, kept as the time until which calls are paid."""

from datetime import datetime, timedelta
from typing import Final

API_SHARE: Final = 0.15
"""The share of Google's quota for one user that the API's processes have together."""

WORKERS_SHARE: Final = 0.75
"""The share of that quota that the workers have, by Temporal's limit. The rest is for polls, and for what Google counts
otherwise than slotsync: a sliding minute, and retries that were not foreseen."""

MAX_CALLS_AT_ONCE: Final = 20
"""The calls that a connection may save up: a merchant opens a page after a while, and that takes a few."""


def time_per_call(calls_per_minute: int) -> timedelta:
    """Return the time that one call of the API takes from its share of the user's quota."""
    return timedelta(minutes=1) / (calls_per_minute * API_SHARE)


def pay_call(
    paid_until: datetime | None, now: datetime, price: timedelta, max_at_once: int = MAX_CALLS_AT_ONCE
) -> tuple[datetime, timedelta]:
    """Return until when calls are paid if there is one more, and how long that call has to wait; zero if it may go."""
    paid = max(paid_until or now, now) + price
    return paid, max(paid - now - max_at_once * price, timedelta())
