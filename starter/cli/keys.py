"""Rotate the keys of what is encrypted in the database, and show which ones are needed."""

from collections.abc import Mapping, Sequence

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from slotsync.mail.reconnect_links import RECONNECT_LINK_LIFETIME
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.audit_log import AuditLog
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import ColumnRotation, KeyRotation
from slotsync.store.key_usage import KeyUsage, RingKeyUse
from starter.cli.terminal import console, plain, print_json

_LOST = "[red]Some open with none of the keys:[/red] put the lost key at the end of SLOTSYNC_ENCRYPTION_KEYS."
_REFUSED = (
    "[red]Some are bound to no place, and refused:[/red] a process of a former version wrote them after the last "
    "rotation, or somebody has moved them here. If you know that it was such a process, stop it, and run: "
    "slotsync keys rotate --accept-unbound"
)

_NEED_WIDTH = len("yes, until slotsync")
"""With less a terminal of 80 columns would break words of the command."""

_SIGNED = (
    "What a key has signed ends with it: links in e-mails, which else work for "
    f"{RECONNECT_LINK_LIFETIME.days} days, links to settings pages, and visits there. The first key signs what is new: "
    "keep the others for so long if these shall go on."
)


def rotate_keys(*, accept_unbound: bool = False) -> None:
    """Wrap all data keys with the first key, and print what was encrypted again.

    Raises:
        RotationRefused: a worker would not be able to read the result.
        typer.Exit: with code 1, if something opens with none of the keys, or is refused.
    """
    store, vault = _open()
    Instances(store, vault).require_rotatable(store.now())
    columns = KeyRotation(store, vault, AuditLog(store, vault)).rotate(accept_unbound=accept_unbound)
    console.print(_rotation_table(columns))
    _end_with_problems({_LOST: any(each.lost for each in columns), _REFUSED: any(each.refused for each in columns)})
    console.print("Only the first key is needed now; slotsync keys status says so before you remove another one.")


def show_key_status(*, as_json: bool) -> None:
    """Print how much depends on each key.

    Raises:
        typer.Exit: with code 1, if something opens with none of the keys, or is refused.
    """
    uses = KeyUsage(*_open()).get_uses()
    if as_json:
        print_json([use.model_dump() | {"needed": use.needed} for use in uses])
    else:
        console.print(_use_table(uses))
        if any(use.place != 1 and not use.needed for use in uses):
            console.print(_SIGNED)
    lost, refused = any(use.needed and use.place is None for use in uses), any(use.refused_values for use in uses)
    _end_with_problems({_LOST: lost, _REFUSED: refused}, quiet=as_json)


def _open() -> tuple[Store, Vault]:
    settings = Settings.load()
    return Store.open(settings.database_url), Vault(settings.encryption_keys)


def _end_with_problems(problems: Mapping[str, bool], *, quiet: bool = False) -> None:
    """Print the problems that were found, unless ``quiet``, and end with code 1 if there is any."""
    found = [message for message, is_found in problems.items() if is_found]
    for message in () if quiet else found:
        console.print(message)
    if found:
        raise typer.Exit(1)


def _rotation_table(columns: Sequence[ColumnRotation]) -> Table:
    table = Table(title="Stored secrets")
    table.add_column("column", no_wrap=True)
    for name in ("encrypted again", "up to date before", "cannot be decrypted", "refused"):
        table.add_column(name, justify="right")
    for each in columns:
        table.add_row(plain(each.column), str(each.renewed), str(each.current), str(each.lost), str(each.refused))
    return table


def _use_table(uses: Sequence[RingKeyUse]) -> Table:
    table = Table(title="Keys of SLOTSYNC_ENCRYPTION_KEYS", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("place", "fingerprint"):
        table.add_column(name, no_wrap=True)
    for name in ("data\nkeys", "their\nvalues", "former\nvalues", "refused"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("needed", min_width=_NEED_WIDTH)
    for use in uses:
        place = str(use.place) if use.place else "[red]missing[/red]"
        counts = map(str, (use.data_keys, use.values, use.former_values, use.refused_values))
        table.add_row(place, plain(use.ring_key or "unknown"), *counts, _need(use))
    return table


def _need(use: RingKeyUse) -> str:
    if use.place == 1:
        return "yes, it encrypts" if use.needed else "yes, from the next rotation on"
    if use.needed:
        return "yes, until slotsync keys rotate"
    return "only to accept what is refused" if use.refused_values else "no, it can be removed"
