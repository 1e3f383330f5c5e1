"""The command line."""

import gc
import sys

import typer

from slotsync.errors import SlotsyncError
from starter.cli import availability, doctor, parts, reservations, secrets, stories

app = typer.Typer(
    name="slotsync",
    help="Keeps a booking platform's reservations and its merchants' Google Calendars in step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for commands in (stories, parts, reservations, availability, secrets, doctor):
    commands.add_to(app)


def run() -> None:
    """Runs the command; what goes wrong on purpose is one clear line, not a traceback."""
    try:
        app()
    except SlotsyncError as error:
        sys.stderr.write(f"slotsync: {error}\n")
        sys.exit(2)
    finally:
        gc.collect()  # without it the interpreter may crash at exit (sdk-python issue 300)
