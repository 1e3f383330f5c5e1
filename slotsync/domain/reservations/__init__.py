"""Reservations: snapshots, their events, and the plan from one to the other."""
