"""The database itself: engine, base of the tables, leases, migrations."""
