"""Benchmarks: each prints the figures that the docs quote."""
