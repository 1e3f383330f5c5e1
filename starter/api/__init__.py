"""The HTTP API: how a backend in any language drives slotsync."""

from starter.api.app import create_app
from starter.api.backend import Backend

__all__ = ["Backend", "create_app"]
