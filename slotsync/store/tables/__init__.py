"""The tables, by capability. All are imported together: foreign keys refer from one file to another."""

from typing import Final

from sqlalchemy import MetaData

from slotsync.store.database.base import Row
from slotsync.store.tables import (
    audit,
    availability,
    calendars,
    connections,
    drift,
    erasures,
    instance,
    reservations,
    webhooks,
)

METADATA: Final[MetaData] = Row.metadata
"""The metadata of all tables."""

__all__ = [
    "METADATA",
    "audit",
    "availability",
    "calendars",
    "connections",
    "drift",
    "erasures",
    "instance",
    "reservations",
    "webhooks",
]
