"""Consent, tokens and their end."""
