"""HTTP clients for servers on this machine."""

from functools import cache
from ssl import SSLContext

import httpx


@cache
def tls() -> SSLContext:
    """Return one context for all clients of a process: to read all certificates takes longer than many tests."""
    return httpx.create_ssl_context()
