"""The stored data of slotsync, in SQLite or PostgreSQL."""
