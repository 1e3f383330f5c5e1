"""Questions to whom a chosen Google account shall belong, which wait for the merchant's decision."""

import hmac

from slotsync.secrets import Vault
from slotsync.store.connections.connection_views import ConnectionViews, KnownAccount
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import AwaitedStep, PendingConsents, hash_key
from slotsync.store.database.engine import Store
from starter.services.consent_results import ConsentGiven


class OpenQuestions:
    """Finds the question that follows Google's answer, for the browser that brought the answer."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._pending = PendingConsents(store, vault)
        self._views = ConnectionViews(store, vault, ())

    def find(self, state: str, browser: str) -> ConsentGiven | None:
        """Return the question that waits since this browser brought the answer with this ``state``.

        None if there is none, if it was decided, or if it waits for longer than ten minutes. Nothing is changed.
        """
        code = compute_decision_code(browser, hash_key(state))
        pending = self._pending.find(AwaitedStep.CONFIRMATION, code)
        if pending is None or pending.expired or not pending.is_from(browser):
            return None
        grant = NewGrant.read(pending.secret)
        connected = find_other_account(self._views, pending.merchant, grant)
        return ConsentGiven(merchant=pending.merchant, code=code, chosen=grant.account_email, connected=connected)


def compute_decision_code(browser: str, answer_hash: str) -> str:
    """Return the code of the decision that follows Google's answer. It takes the browser's secret to know it."""
    return hmac.digest(browser.encode(), answer_hash.encode(), "sha256").hex()


def find_other_account(views: ConnectionViews, merchant: str, grant: NewGrant) -> str | None:
    """Return the account that is connected, if it is another one than the grant's, else None."""
    known = views.get_account(merchant)
    return known.email if known and is_other(views, known, grant) else None


def is_other(views: ConnectionViews, known: KnownAccount, grant: NewGrant) -> bool:
    """Return whether another account than that of the grant is connected."""
    return known.email is not None and views.is_other(known, grant.account_key, grant.account_email)
