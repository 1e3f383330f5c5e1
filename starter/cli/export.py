"""Print everything that is stored of a merchant."""

import sys
from itertools import chain

from slotsync.clock import utc_now
from slotsync.errors import UnknownSubject
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.erasures import Erasures
from slotsync.store.export import LEFT_OUT, Export, write_line
from starter.cli.terminal import json_visible


def export_merchant(merchant: str) -> None:
    """Print the merchant's data as JSON Lines.

    Raises:
        UnknownSubject: nothing is stored of it.
    """
    settings = Settings.load()
    store = Store.open(settings.database_url)
    store.require_tables()
    if not Erasures(store).is_anything_stored(merchant):
        raise UnknownSubject(f"nothing is stored of {merchant}")
    about = {"export_of": merchant, "exported_at": utc_now(), "left_out": sorted(LEFT_OUT)}
    for line in chain((about,), Export(store, Vault(settings.encryption_keys)).iterate(merchant)):
        sys.stdout.write(f"{json_visible(write_line(line))}\n")
