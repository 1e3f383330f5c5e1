"""The task queues, and what runs on each."""

from typing import Final

WORKFLOWS: Final = "slotsync"
"""Workflows, and activities that only touch the database."""

GOOGLE: Final = "slotsync-google"
"""Activities that call Google: rate limited, fair between connections, never started eagerly."""

LONG: Final = "slotsync-long"
"""Activities that run long and heartbeat: polls, and signals to many workflows."""
