"""The demo: a real hotel's bookings, reported and compared."""

from pathlib import Path

SHIPPED_BOOKINGS = Path(__file__).with_name("resort-hotel-bookings.csv")
"""The first 1,000 bookings of a real hotel (docs/demo-bookings.md)."""
