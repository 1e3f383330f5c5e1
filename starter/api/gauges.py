"""Prometheus gauges of what is in the store: they are counted when they are read."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from slotsync.domain.availability.push_channels import ChannelState
from slotsync.domain.reservations.drift import DriftAction
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.calendars.drift_records import DriftRecords
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.message_history import MessageCounts, MessageHistory
from starter.services.intent import IntentCount, IntentCounts

logger = logging.getLogger(__name__)

COUNT_TIMEOUT: Final = timedelta(seconds=3)

Counts = TypeVar("Counts")


class StoreGauges(ABC, Generic[Counts]):
    """Some gauges that are counted by one reading of the store."""

    def __init__(self, *gauges: Gauge) -> None:
        self._gauges = gauges

    async def refresh(self) -> None:
        """Count anew. While the database does not answer, there are no values."""
        try:
            async with asyncio.timeout(COUNT_TIMEOUT.total_seconds()):
                counts = await asyncio.to_thread(self._count)
        except (SQLAlchemyError, TimeoutError) as error:
            logger.warning("%s cannot be counted: %s", type(self).__name__, type(error).__name__)
            for gauge in self._gauges:
                gauge.clear()
        else:
            self._set(counts)

    @abstractmethod
    def _count(self) -> Counts:
        """Return the counts, by the store."""

    @abstractmethod
    def _set(self, counts: Counts) -> None:
        """Set the gauges to the counts."""


class IntentGauges(StoreGauges[Sequence[IntentCount]]):
    """Gauges, by kind, of what nobody has taken up, and of what operators have stopped."""

    def __init__(self, counts: IntentCounts, registry: CollectorRegistry) -> None:
        self._counts = counts
        self._overdue = Gauge(
            "slotsync_overdue", "What should have been taken up ten minutes ago", ("kind",), registry=registry
        )
        self._stopped = Gauge("slotsync_stopped", "What an operator has stopped", ("kind",), registry=registry)
        self._problems = Gauge(
            "slotsync_problems", "Workflows that the last full sweep found stuck", ("kind",), registry=registry
        )
        super().__init__(self._overdue, self._stopped, self._problems)

    @override
    def _count(self) -> Sequence[IntentCount]:
        return self._counts.get(datetime.now(UTC))

    @override
    def _set(self, counts: Sequence[IntentCount]) -> None:
        for kind, overdue, stopped, problems in counts:
            self._overdue.labels(kind).set(overdue)
            self._stopped.labels(kind).set(stopped)
            self._problems.labels(kind).set(problems)


class PushGauges(StoreGauges[Mapping[ChannelState, int]]):
    """A gauge of channels by state. Without an address it has no values."""

    def __init__(self, channels: PushChannels, address_hash: str | None, registry: CollectorRegistry) -> None:
        self._channels = channels
        self._address_hash = address_hash
        self._gauge = Gauge(
            "slotsync_push_channels",
            "Channels of picked calendars by what was heard of them, and calendars without one",
            ("state",),
            registry=registry,
        )
        super().__init__(self._gauge)

    @override
    def _count(self) -> Mapping[ChannelState, int]:
        return self._channels.count_states(self._address_hash, datetime.now(UTC)) if self._address_hash else {}

    @override
    def _set(self, counts: Mapping[ChannelState, int]) -> None:
        for state in ChannelState if self._address_hash else ():
            self._gauge.labels(state.value).set(counts[state])


class ConnectionGauges(StoreGauges[Mapping[str, int]]):
    """A gauge of merchants' connections by state; those that need somebody are counted apart."""

    def __init__(self, views: ConnectionViews, registry: CollectorRegistry) -> None:
        self._views = views
        self._gauge = Gauge("slotsync_connections", "Merchants' connections to Google", ("state",), registry=registry)
        super().__init__(self._gauge)

    @override
    def _count(self) -> Mapping[str, int]:
        return self._views.count_states()

    @override
    def _set(self, counts: Mapping[str, int]) -> None:
        for state, count in counts.items():
            self._gauge.labels(state).set(count)


class MessageGauges(StoreGauges[MessageCounts]):
    """A gauge of messages to the platform that wait; those that it seems never to take are counted apart, too."""

    def __init__(self, history: MessageHistory, registry: CollectorRegistry) -> None:
        self._history = history
        self._gauge = Gauge(
            "slotsync_messages",
            "Messages that wait for the platform; refused: for three days, or with 410",
            ("state",),
            registry=registry,
        )
        super().__init__(self._gauge)

    @override
    def _count(self) -> MessageCounts:
        return self._history.count(datetime.now(UTC))

    @override
    def _set(self, counts: MessageCounts) -> None:
        for state, count in counts._asdict().items():
            self._gauge.labels(state).set(count)


class DriftGauges(StoreGauges[Mapping[DriftAction, int]]):
    """A gauge of what people changed by hand in Google, and no audit has found right since."""

    def __init__(self, records: DriftRecords, registry: CollectorRegistry) -> None:
        self._records = records
        self._gauge = Gauge("slotsync_drift", "What people changed by hand, and stands", ("action",), registry=registry)
        super().__init__(self._gauge)

    @override
    def _count(self) -> Mapping[DriftAction, int]:
        return self._records.count_open()

    @override
    def _set(self, counts: Mapping[DriftAction, int]) -> None:
        for action, count in counts.items():
            self._gauge.labels(action.value).set(count)
