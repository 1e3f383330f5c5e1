"""One certificate for all HTTP clients of the tests, instead of the 140 that each of them would load.

Loading them takes 30 ms of each client's life, and tests make thousands. No test calls a foreign host.
"""

import atexit
import os
import tempfile
from pathlib import Path

import certifi

END = "-----END CERTIFICATE-----\n"


def trust_one_certificate() -> None:
    """Let this process's clients, and those of the processes that it starts, load one certificate only."""
    first = Path(certifi.where()).read_text().partition(END)[0] + END
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        file.write(first)
    atexit.register(Path(file.name).unlink, missing_ok=True)
    os.environ["SSL_CERT_FILE"] = file.name
