"""Faults that are set on request, and quotas."""
