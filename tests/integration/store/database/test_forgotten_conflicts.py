"""The upgrade forgets the conflicts of merchants who have disconnected before, and of no others."""

from sqlalchemy import text

from slotsync.store.database.engine import Store
from slotsync.store.database.migrations import downgrade, upgrade

CONNECTION = """
    INSERT INTO connection (id, merchant, state, scopes, since, disconnect_choice)
    VALUES (:merchant, :merchant, :state, '', '2026-11-22 12:00:00', :choice)
"""
CONFLICT = """
    INSERT INTO booked_time (merchant, reservation, item, product, starts_at, ends_at, conflict_since)
    VALUES (:merchant, 'R-1', '1', 'tour', '2026-11-22 12:00:00', '2026-11-22 13:00:00', '2026-11-22 11:00:00')
"""
LEFT = "SELECT merchant FROM booked_time WHERE conflict_since IS NOT NULL ORDER BY merchant"


def test_conflicts_of_merchants_who_have_disconnected_are_forgotten(store: Store) -> None:
    merchants = {"active": ("active", None), "gone": ("disconnected", None), "leaving": ("disconnected", "keep")}
    with store.write() as connection:
        downgrade(connection, "0025")
        for merchant, (state, choice) in merchants.items():
            connection.execute(text("INSERT INTO merchant (id) VALUES (:merchant)"), {"merchant": merchant})
            values = {"merchant": merchant, "state": state, "choice": choice}
            connection.execute(text(CONNECTION), values)
            connection.execute(text(CONFLICT), {"merchant": merchant})
        upgrade(connection)
        assert [*connection.execute(text(LEFT)).scalars()] == ["active", "leaving"]
