"""The command line."""

import gc
import sys

from slotsync.errors import SlotsyncError
from starter.cli.commands import app


def run() -> None:
    """Run the command. An error of slotsync is shown as one line without a traceback, with exit code 2."""
    try:
        app()
    except SlotsyncError as error:
        sys.stderr.write(f"slotsync: {error}\n")
        sys.exit(2)
    finally:
        gc.collect()  # without it the interpreter may crash at exit (sdk-python issue 300)
