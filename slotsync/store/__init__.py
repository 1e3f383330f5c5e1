"""What slotsync remembers, in SQLite or PostgreSQL."""
