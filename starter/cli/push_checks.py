"""Check that Google's push notifications are heard."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from slotsync.domain.availability.push_channels import ChannelState, hash_address
from slotsync.google.channels import push_address
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.database.engine import Store
from starter.cli.findings import Finding

_PROBLEMS: Final = {
    ChannelState.UNHEARD: "of {count} channels nothing was heard",
    ChannelState.SUSPECT: "{count} channels did not notify of a change that polling found",
    ChannelState.OTHER_ADDRESS: "{count} channels send to another address",
    ChannelState.MISSING: "{count} picked calendars have no channel",
}


def check_push(store: Store, settings: Settings, now: datetime) -> Finding:
    """Return whether Google's notifications of changes in picked calendars are heard."""
    address = push_address(settings)
    address_hash = hash_address(address)
    every = f"every {settings.poll_seconds} s"
    if address_hash is None:
        return Finding(subject="push", message=f"is off; picked calendars are polled {every}")
    counts = PushChannels(store, Vault(settings.encryption_keys)).count_states(address_hash, now)
    if problems := [*_problems(counts)]:
        message = f"{'; '.join(problems)}: these calendars are polled {every}"
        remedy = f"check that Google reaches {address}, with a valid certificate; new channels are tried within an hour"
        return Finding(subject="push", message=message, remedy=remedy)
    return Finding(subject="push", message="; ".join((_heard(counts), *_not_allowed(counts), "nothing is missing")))


def _problems(counts: Counter[ChannelState]) -> Iterator[str]:
    for state, text in _PROBLEMS.items():
        if counts[state]:
            yield text.format(count=counts[state])


def _not_allowed(counts: Counter[ChannelState]) -> Iterator[str]:
    if count := counts[ChannelState.NOT_ALLOWED]:
        yield (
            f"{count} picked calendars cannot be read, since their merchants did not allow it: these have to connect "
            "again (slotsync status names them)"
        )


def _heard(counts: Counter[ChannelState]) -> str:
    new = f", {counts[ChannelState.NEW]} are new" if counts[ChannelState.NEW] else ""
    return f"{counts[ChannelState.HEARD]} channels were heard{new}"
