"""Deterministic orchestration: one workflow to a file."""
