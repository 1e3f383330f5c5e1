"""The tables, by capability. All are loaded together: foreign keys lead from one file to another."""

from typing import Final

from sqlalchemy import MetaData

from slotsync.store.database.base import Row
from slotsync.store.tables import availability, calendars, connections, reservations

METADATA: Final[MetaData] = Row.metadata
"""All tables."""

__all__ = ["METADATA", "availability", "calendars", "connections", "reservations"]
