"""Grants, consents, and disconnections."""
