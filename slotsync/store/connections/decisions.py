"""Decisions on consents: each takes a consent, and connects its grant or gives it up, in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from slotsync.secrets import Vault
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.grants import FormerGrant, NewGrant
from slotsync.store.connections.pending_consents import (
    AwaitedStep,
    OpenConsent,
    PendingConsents,
    forget_consent,
    give_up_consent,
)
from slotsync.store.database.engine import Store


@dataclass(frozen=True, repr=False)
class Accepted:
    """A grant that was connected, and that of another account that it has replaced, if there was one."""

    merchant: str
    grant: NewGrant
    former: FormerGrant | None


class Decisions:
    """Carries out what merchants and platforms decide on consents that Google has answered."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._connections = Connections(store, vault)
        self._pending = PendingConsents(store, vault)

    def accept(
        self, awaited: AwaitedStep, key: str, may_accept: Callable[[OpenConsent], bool]
    ) -> Accepted | OpenConsent | None:
        """Connect the grant of the consent with this key; one for the same account only if that is connected still.

        Return the consent, which then waits for the end of its grant, if it has expired or must not be accepted, or
        None if there is none. If this fails, the consent is as it was.

        Raises:
            Undecryptable: no key fits.
        """
        now = self._connections.now()
        with self._store.write() as connection:
            row = self._pending.lock(connection, awaited, key)
            if row is None:
                return None
            consent = self._pending.look(row)
            if consent.expired or not may_accept(consent):
                give_up_consent(connection, consent.key_hash)
                return consent
            grant = NewGrant.read(self._pending.read(connection, row).secret)
            if row.same_account and not self._connections.is_same_account(connection, consent.merchant, grant):
                give_up_consent(connection, consent.key_hash)
                return consent
            saved = self._connections.save_in(connection, consent.merchant, grant, now)
            forget_consent(connection, consent.key_hash)
        return Accepted(consent.merchant, grant, saved.former)

    def keep_declined(self, merchant: str, grant: NewGrant) -> str:
        """Store a grant on which nobody will decide, to be ended; return the hash by which it is known."""
        return self._pending.put_unneeded(merchant, grant.account_key, grant.write())

    def decline(self, awaited: AwaitedStep, key: str) -> OpenConsent | None:
        """Return the consent with this key, which then waits for the end of its grant, or None if there is none."""
        with self._store.write() as connection:
            row = self._pending.lock(connection, awaited, key)
            if row:
                give_up_consent(connection, row.key_hash)
        return self._pending.look(row) if row else None
