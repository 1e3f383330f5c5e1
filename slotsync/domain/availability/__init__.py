"""Availability: busy times as they were read, and what they mean for products."""
