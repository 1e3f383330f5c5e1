"""The demo: a real hotel's bookings, reported and compared."""
