"""The Prometheus gauges of what nobody has taken up, and of what operators have stopped."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.exc import SQLAlchemyError

from starter.services.intent import IntentCount, IntentCounts

logger = logging.getLogger(__name__)

COUNT_TIMEOUT: Final = timedelta(seconds=3)


class IntentGauges:
    """Gauges by kind, which are counted when they are read."""

    def __init__(self, counts: IntentCounts, registry: CollectorRegistry) -> None:
        self._counts = counts
        self._overdue = Gauge(
            "slotsync_overdue", "What should have been taken up ten minutes ago", ("kind",), registry=registry
        )
        self._stopped = Gauge("slotsync_stopped", "What an operator has stopped", ("kind",), registry=registry)

        self._problems = Gauge(
            "slotsync_problems", "Workflows that the last full sweep found stuck", ("kind",), registry=registry
        )

    async def refresh(self) -> None:
        """Count anew. While the database does not answer, there are no values."""
        try:
            async with asyncio.timeout(COUNT_TIMEOUT.total_seconds()):
                counts = await asyncio.to_thread(self._counts.get, datetime.now(UTC))
        except (SQLAlchemyError, TimeoutError) as error:
            logger.warning("intent cannot be counted: %s", type(error).__name__)
            self._overdue.clear()
            self._stopped.clear()
            self._problems.clear()
        else:
            self._set(counts)

    def _set(self, counts: list[IntentCount]) -> None:
        for kind, overdue, stopped, problems in counts:
            self._overdue.labels(kind).set(overdue)
            self._stopped.labels(kind).set(stopped)
            self._problems.labels(kind).set(problems)
