"""Consent, access tokens and revocation."""
