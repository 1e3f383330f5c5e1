"""Grants, consents, and their end."""
