"""Connections: a merchant's grant to a Google account, and its end."""
