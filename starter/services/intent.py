"""Count what nobody has taken up, and what operators have stopped."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from slotsync.secrets import Vault
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.webhook_messages import WebhookMessages

OVERDUE_AFTER: Final = timedelta(minutes=10)
"""Some sweeps have missed it: no worker runs, or Temporal does not answer."""


class IntentCount(NamedTuple):
    """The number of one kind that should have been taken up long ago, and the number that an operator has stopped.

    ``problems`` are those of which the last full sweep found that their workflow cannot go on.
    """

    kind: str
    overdue: int
    stopped: int
    problems: int = 0


class IntentCounts:
    """Counts by the store, with one indexed query for each number."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._connections = Connections(store, vault)
        self._messages = WebhookMessages(store, vault)
        self._owners = Owners(store)
        self._products = WatchedProducts(store)
        self._reservations = Reservations(store, vault)

    def get(self, now: datetime) -> list[IntentCount]:
        """Return the counts of all kinds."""
        before = now - OVERDUE_AFTER
        return [
            IntentCount(
                "reservations",
                self._reservations.count_overdue(before),
                self._reservations.count_stopped(),
                self._reservations.count_problems(),
            ),
            IntentCount("calendars", self._owners.count_overdue(before), self._owners.count_stopped()),
            IntentCount("products", self._products.count_overdue(before), self._products.count_stopped()),
            IntentCount("connections", self._connections.count_overdue(before), self._connections.count_stopped()),
            IntentCount("messages", self._messages.count_overdue(before), 0),
        ]
