"""The database itself: engine, base of the tables, migrations."""
