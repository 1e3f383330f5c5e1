"""The Prometheus gauge of push channels by their state."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.exc import SQLAlchemyError

from slotsync.domain.availability.push_channels import ChannelState
from slotsync.store.availability.push_channels import PushChannels

logger = logging.getLogger(__name__)

COUNT_TIMEOUT: Final = timedelta(seconds=3)


class PushGauges:
    """A gauge of channels by state, which are counted when it is read. Without an address it has no values."""

    def __init__(self, channels: PushChannels, address_hash: str | None, registry: CollectorRegistry) -> None:
        self._channels = channels
        self._address_hash = address_hash
        self._gauge = Gauge(
            "slotsync_push_channels",
            "Channels of picked calendars by what was heard of them, and calendars without one",
            ("state",),
            registry=registry,
        )

    async def refresh(self) -> None:
        """Count anew. While the database does not answer, there are no values."""
        if self._address_hash is None:
            return
        try:
            async with asyncio.timeout(COUNT_TIMEOUT.total_seconds()):
                now = datetime.now(UTC)
                counts = await asyncio.to_thread(self._channels.count_states, self._address_hash, now)
        except (SQLAlchemyError, TimeoutError) as error:
            logger.warning("push channels cannot be counted: %s", type(error).__name__)
            self._gauge.clear()
        else:
            for state in ChannelState:
                self._gauge.labels(state.value).set(counts[state])
