"""Busy times as read, channels, and what the platform was told."""
