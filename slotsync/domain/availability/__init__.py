"""Availability: busy times that were read, and what they mean for products."""
