"""Deterministic orchestration: one workflow in each file."""
