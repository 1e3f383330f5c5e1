"""How a backend drives slotsync."""
