"""End the grants at Google that nobody needs any more: declined, replaced, or left."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final

from slotsync.errors import GrantLost, SlotsyncError, Transient, Undecryptable
from slotsync.google.auth.consent import revoke
from slotsync.google.auth.tokens import request_token
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.erased_merchant_grants import ErasedMerchantGrants
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import PendingConsent, PendingConsents
from slotsync.store.connections.revocations import Revocations
from slotsync.store.database.engine import Store

logger = logging.getLogger(__name__)

_REVOCATION_POLL_INTERVAL: Final = timedelta(milliseconds=100)


class GrantEnd(StrEnum):
    """The end of a grant that nobody needs.

    A shared one is ended once no other grant of the account is needed, and one that Google does not end now later.
    """

    ENDED = "ended"
    SHARED = "shared"
    LATER = "later"


class GrantEnds:
    """Ends grants at Google. Each is kept until that is done."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self._settings = settings
        self._connections = Connections(store, vault)
        self._disconnections = Disconnections(store, vault)
        self._pending = PendingConsents(store, vault)
        self._revocations = Revocations(store, vault)
        self._now = store.now
        self._unkept = ErasedMerchantGrants(store, vault)

    def end_all(self) -> int:
        """End all grants that nobody needs, with those on which nobody has decided in time; return how many ended.

        One that cannot be ended, or read, holds no other one up: it is left for the next time.
        """
        self._revocations.forget_old()
        ends = [self._try(partial(self.end, each), self._pending, each) for each in self._pending.give_up_expired()]
        ends += [self._try_unkept(each) for each in self._unkept.find()]
        return ends.count(GrantEnd.ENDED)

    def end(self, key_hash: str) -> GrantEnd:
        """End the grant of the consent with this hash, unless another grant of the account is needed.

        Raises:
            Undecryptable: no key fits.
        """
        consent = self._pending.get_unneeded(key_hash)
        return self._end(_grant_of(consent) if consent else None, self._pending, key_hash)

    def end_unkept(self, grant: NewGrant) -> None:
        """End a grant of a merchant that is being erased. It is kept without the merchant until that is done."""
        self._try_unkept(self._unkept.put(grant))

    def leave_to_others(self, key_hash: str) -> None:
        """Keep the grant of a consent without its merchant, which is being erased, until nobody needs its account.

        Raises:
            Undecryptable: no key fits.
        """
        consent = self._pending.get_unneeded(key_hash)
        if consent:
            self._unkept.put(_grant_of(consent))
            self._pending.forget(key_hash)

    def end_disconnected(self, connection_id: str, grant_number: int) -> bool:
        """End the grant with this number of a connection that is being disconnected, and all others of its account.

        Return false if another merchant uses the account, or if the merchant has connected again.

        Raises:
            GrantLost: the merchant has connected again, or no key opens the grant.
            Transient: Google does not end it now.
        """
        account_key = self._disconnections.get_account_key(connection_id)
        with self._revocations.under_way(account_key):
            # In this order: a consent that is accepted in the meantime is another grant of a connection by then.
            if self._disconnections.is_shared(connection_id):
                return False
            grant = self._disconnections.grant(connection_id)
            if grant.number != grant_number:
                return False
            # Should Google not know it any more, others of the account may be alive, which ended only with this one.
            any(revoke(self._settings, token) for token in (grant.refresh_token, *self._find_tokens(account_key)))
        return True

    def is_ended(self, grant: NewGrant, since: datetime) -> bool:
        """Return whether a stored grant, which Google has given since this time, was ended with another one.

        That is so if a revocation began before it was stored. One that is under way is waited for.

        Raises:
            GoogleError: Google does not say it now.
        """
        while (end := self._revocations.get_last_end(grant.account_key, since)) and end > self._now():
            time.sleep(_REVOCATION_POLL_INTERVAL.total_seconds())
        try:
            if end:
                request_token(self._settings, grant.refresh_token)
        except GrantLost:
            return True
        return False

    def _find_tokens(self, account_key: str | None) -> Iterator[str]:
        """Yield the tokens of the account's grants that wait for their end. What no key opens stays for the sweep."""
        for key_hash in self._pending.find_unneeded(account_key):
            with suppress(Undecryptable):
                consent = self._pending.get_unneeded(key_hash)
                if consent:
                    yield _grant_of(consent).refresh_token
        for grant_id in self._unkept.find():
            with suppress(Undecryptable):
                grant = self._unkept.get(grant_id)
                if grant and self._unkept.is_of_account(grant, account_key):
                    yield grant.refresh_token

    def _revoke_unused(self, grant: NewGrant) -> bool:
        """Revoke a grant; return false if another one of its account is needed, so that it is not revoked."""
        if self._connections.is_account_used(grant.account_key):
            return False
        with self._revocations.under_way(grant.account_key):
            # Looked for once more: one that is stored from now on waits until this is over.
            if self._connections.is_account_used(grant.account_key):
                return False
            revoke(self._settings, grant.refresh_token)
        return True

    def _end(self, grant: NewGrant | None, store: PendingConsents | ErasedMerchantGrants, name: str) -> GrantEnd:
        """End a grant that is stored by this name, or has ended if it is None."""
        try:
            if grant and not self._revoke_unused(grant):
                return GrantEnd.SHARED
        except Transient as error:
            logger.warning("a grant that nobody needs could not be revoked at Google: %s", error.reason)
            store.record_try(name)
            return GrantEnd.LATER
        store.forget(name)
        return GrantEnd.ENDED

    def _try_unkept(self, grant_id: str) -> GrantEnd:
        return self._try(partial(self._end_unkept, grant_id), self._unkept, grant_id)

    def _end_unkept(self, grant_id: str) -> GrantEnd:
        return self._end(self._unkept.get(grant_id), self._unkept, grant_id)

    def _try(self, end: Callable[[], GrantEnd], store: PendingConsents | ErasedMerchantGrants, name: str) -> GrantEnd:
        try:
            return end()
        except SlotsyncError as error:
            logger.error("a grant that nobody needs cannot be ended: %s", error)  # noqa: TRY400  says all
            store.record_try(name)
            return GrantEnd.LATER


def _grant_of(consent: PendingConsent) -> NewGrant:
    return replace(NewGrant.read(consent.secret), account_key=consent.account_key)
