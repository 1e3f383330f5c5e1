"""Watched accounts, busy times as they were read, push channels, and what was published."""
