"""Run the command line: ``python -m starter`` is the same as ``slotsync``."""

from starter.cli import run

run()
