"""``python -m starter`` is ``slotsync``."""

from starter.cli import run

run()
