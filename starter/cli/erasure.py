"""Erase merchants, reservations and guests, after a question, and print a receipt."""

import asyncio
from collections.abc import Iterator

import typer

from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.temporal.options import connect
from starter.cli.terminal import console, plain, print_json, visible
from starter.services.erasure import ErasureService
from starter.services.erasure_receipts import Receipt
from starter.services.guest_erasure import GuestErasureService, GuestReceipt
from starter.services.instance import InstanceCheck


def erase(  # noqa: PLR0913  the subject, and each option of the command
    merchant: str, reservation: str | None, *, google: bool, force: bool, yes: bool, as_json: bool
) -> None:
    """Erase a merchant, or one of its reservations, and print the receipt.

    Raises:
        UnknownSubject: nothing is stored of it.
        ErasureHeldUp: Google, or a worker, does not answer, or no key opens a grant; rows and workflows are not deleted
            yet, but what a disconnection forgets, or what was said of the guest, may be.
    """
    subject = _describe_subject(merchant, reservation)
    in_google = "with our calendars and events in Google" if google else "what is in Google stays there"
    _ask(f"Erase {subject} for good ({in_google})?", yes=yes)
    receipt = asyncio.run(_erase(merchant, reservation, google=google, force=force))
    _print(receipt, _describe_receipt(receipt), as_json=as_json)


def erase_guests(merchant: str, reservation: str | None, *, yes: bool, as_json: bool) -> None:
    """Erase what is stored of the guest of a reservation, or of all guests of a merchant, and print the receipt.

    Raises:
        UnknownSubject: the merchant or the reservation is not known.
    """
    subject = f"the guest of {_describe_subject(merchant, reservation)}" if reservation else f"all guests of {merchant}"
    _ask(f"Erase {subject} for good, here and in Google: titles, names, addresses, notes?", yes=yes)
    receipt = asyncio.run(_erase_guests(merchant, reservation))
    _print(receipt, _describe_guest_receipt(receipt), as_json=as_json)


async def _erase(merchant: str, reservation: str | None, *, google: bool, force: bool) -> Receipt:
    settings, store, vault = _open()
    client = await connect()
    await InstanceCheck(client, store, vault).require()
    service = ErasureService(settings, client, store, vault)
    if reservation is None:
        return await service.erase_merchant(merchant, google=google, force=force)
    return await service.erase_reservation(merchant, reservation, google=google, force=force)


async def _erase_guests(merchant: str, reservation: str | None) -> GuestReceipt:
    _, store, vault = _open()
    client = await connect()
    await InstanceCheck(client, store, vault).require()
    return await GuestErasureService(client, store, vault).erase(merchant, reservation)


def _open() -> tuple[Settings, Store, Vault]:
    settings = Settings.load()
    store = Store.open(settings.database_url)
    store.require_tables()
    return settings, store, Vault(settings.encryption_keys)


def _ask(question: str, *, yes: bool) -> None:
    if not yes:
        typer.confirm(visible(question), abort=True, err=True)


def _print(receipt: Receipt | GuestReceipt, lines: Iterator[str], *, as_json: bool) -> None:
    if as_json:
        print_json(receipt.model_dump(mode="json"))
        return
    for line in lines:
        console.print(plain(line), highlight=False, soft_wrap=True)
    console.print("\nWhat remains where:", highlight=False)
    for line in receipt.remains:
        console.print(f"- {plain(line)}", highlight=False, soft_wrap=True)


def _describe_receipt(receipt: Receipt) -> Iterator[str]:
    subject = _describe_subject(receipt.merchant, receipt.reservation)
    yield f"Erased: {subject}, begun at {receipt.begun_at:%Y-%m-%d %H:%M} UTC"
    rows = ", ".join(f"{table} {count}" for table, count in sorted(receipt.rows.items()))
    yield f"Deleted rows: {rows or 'none'}"
    yield f"Deleted workflows, with their histories: {receipt.workflows}"
    yield from (f"Google: {note}" for note in receipt.google)
    yield (
        f"Until {receipt.closed_until:%Y-%m-%d %H:%M} UTC nothing of it is stored again, and the sweep deletes what "
        "was under way; then the record of this erasure is deleted, too."
    )


def _describe_guest_receipt(receipt: GuestReceipt) -> Iterator[str]:
    yield f"Erased title, guest, notes and address of {receipt.reservations} reservations of {receipt.merchant}"
    yield from (f"Google: {note}" for note in receipt.google or ("events are written again, without them.",))


def _describe_subject(merchant: str, reservation: str | None) -> str:
    return f"merchant {merchant}" if reservation is None else f"reservation {reservation} of {merchant}"
