"""End the grants at Google that nobody needs any more: declined, replaced, or left."""

import logging
from enum import StrEnum

from slotsync.errors import SlotsyncError, Transient
from slotsync.google.auth.consent import revoke
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import PendingConsents
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

    def end_all(self) -> int:
        """End all grants that nobody needs, with those on which nobody has decided in time; return how many ended.

        One that cannot be ended, or read, holds no other one up: it is left for the next time.
        """
        return sum(self._try(key_hash) is GrantEnd.ENDED for key_hash in self._pending.give_up_expired())

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

    def end_unkept(self, merchant: str, grant: NewGrant) -> bool:
        """End a grant that is not stored, since its merchant is being erased; return false if Google does not answer.

        One of an account of which another grant is needed ends together with that one.
        """
        if self._connections.is_account_used(grant.account_key):
            return True
        try:
            revoke(self._settings, grant.refresh_token)
        except Transient as error:
            logger.warning("a grant of %s, which is being erased, could not be revoked: %s", merchant, error.reason)
            return False
        return True

    def _try(self, key_hash: str) -> GrantEnd:
        try:
            return self.end(key_hash)
        except SlotsyncError as error:
            logger.error("a grant that nobody needs cannot be ended: %s", error)  # noqa: TRY400  says all
            self._pending.record_try(key_hash)
            return GrantEnd.LATER
