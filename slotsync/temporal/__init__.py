"""How slotsync uses Temporal."""
