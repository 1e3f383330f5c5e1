"""How slotsync uses Temporal: one place for the options of clients, workers and the embedded server."""
