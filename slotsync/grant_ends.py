"""End the grants at Google that nobody needs any more: declined, replaced, or left."""

import logging
from collections.abc import Callable
from enum import StrEnum
from functools import partial

from slotsync.errors import SlotsyncError, Transient
from slotsync.google.auth.consent import revoke
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import PendingConsents
from slotsync.store.connections.unkept_grants import UnkeptGrants
from slotsync.store.database.engine import Store

logger = logging.getLogger(__name__)


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
        self._pending = PendingConsents(store, vault)
        self._unkept = UnkeptGrants(store, vault)

    def end_all(self) -> int:
        """End all grants that nobody needs, with those on which nobody has decided in time; return how many ended.

        One that cannot be ended, or read, holds no other one up: it is left for the next time.
        """
        ends = [self._try(partial(self.end, each), self._pending, each) for each in self._pending.give_up_expired()]
        ends += [self._try_unkept(each) for each in self._unkept.find()]
        return ends.count(GrantEnd.ENDED)

    def end(self, key_hash: str) -> GrantEnd:
        """End the grant of the consent with this hash, unless another grant of the account is needed.

        Raises:
            Undecryptable: no key fits.
        """
        consent = self._pending.get_unneeded(key_hash)
        if consent is None:
            return GrantEnd.ENDED
        if self._connections.is_account_used(consent.account_key):
            return GrantEnd.SHARED
        try:
            revoke(self._settings, NewGrant.read(consent.secret).refresh_token)
        except Transient as error:
            logger.warning("a grant of %s could not be revoked at Google: %s", consent.merchant, error.reason)
            self._pending.record_try(key_hash)
            return GrantEnd.LATER
        self._pending.forget(key_hash)
        return GrantEnd.ENDED

    def end_unkept(self, grant: NewGrant) -> None:
        """End a grant of a merchant that is being erased. If Google does not do that now, it is kept until it does.

        One of an account of which another grant is needed ends together with that one.
        """
        if not self._connections.is_account_used(grant.account_key):
            self._try_unkept(self._unkept.put(grant))

    def _try_unkept(self, grant_id: str) -> GrantEnd:
        return self._try(partial(self._end_unkept, grant_id), self._unkept, grant_id)

    def _end_unkept(self, grant_id: str) -> GrantEnd:
        grant, end = self._unkept.get(grant_id), GrantEnd.ENDED
        if grant and self._connections.is_account_used(grant.account_key):
            end = GrantEnd.SHARED
        elif grant:
            try:
                revoke(self._settings, grant.refresh_token)
            except Transient as error:
                logger.warning("a grant of an erased merchant could not be revoked at Google: %s", error.reason)
                self._unkept.record_try(grant_id)
                return GrantEnd.LATER
        self._unkept.forget(grant_id)
        return end

    def _try(self, end: Callable[[], GrantEnd], store: PendingConsents | UnkeptGrants, name: str) -> GrantEnd:
        try:
            return end()
        except SlotsyncError as error:
            logger.error("a grant that nobody needs cannot be ended: %s", error)  # noqa: TRY400  says all
            store.record_try(name)
            return GrantEnd.LATER
