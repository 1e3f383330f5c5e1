"""The store: what slotsync remembers, in SQLite or PostgreSQL."""
