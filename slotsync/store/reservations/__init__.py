"""Reservations and their events, as last reported and last seen in Google."""
