"""A merchant's settings page, over HTTP."""

from tests.support.site import site

__all__ = ["site"]
