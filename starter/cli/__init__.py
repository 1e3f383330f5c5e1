"""The command line."""

import gc
import sys
from typing import Final

from slotsync.errors import SlotsyncError
from starter.cli.commands import app
from starter.cli.terminal import visible

_EXIT_CODES: Final = {
    **dict.fromkeys(("UnknownSubject", "UnknownProduct", "UnknownMerchant", "UnknownMessage"), 4),
    **dict.fromkeys(("VersionConflict", "WrongState", "RotationRefused", "TooManyQuestions", "Erased"), 5),
    "ErasureHeldUp": 6,
    "NotTaken": 6,
    "OperationalError": 6,
    "InterfaceError": 6,
    "RPCError": 6,
}
"""By name, since Temporal's error is not imported by commands that do not need it."""

_USAGE: Final = 2

_DATABASE_AWAY: Final = (
    "the database does not answer ({}): check that its server runs, and SLOTSYNC_DATABASE_URL; see slotsync doctor"
)


def _is_of_database(error: Exception) -> bool:
    # Its text would repeat the statement, and perhaps its values.
    return type(error).__module__.startswith("sqlalchemy.")


def run() -> None:
    """Run the command. An error of slotsync is shown as one line without a traceback.

    The exit code is 2 for wrong input or settings, 4 for what is not known, 5 for what is refused, 6 for what cannot be
    reached.
    """
    try:
        app()
    except Exception as error:
        name = type(error).__name__
        code = _EXIT_CODES.get(name, _USAGE if isinstance(error, SlotsyncError) else None)
        if code is None:
            raise
        message = _DATABASE_AWAY.format(name) if _is_of_database(error) else error
        sys.stderr.write(f"slotsync: {visible(message, keep=chr(10))}\n")
        sys.exit(code)
    finally:
        gc.collect()  # without it the interpreter may crash at exit (sdk-python issue 300)
