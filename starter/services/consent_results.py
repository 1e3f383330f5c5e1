"""Results of a consent at Google: what was given, connected or refused."""

from enum import StrEnum

from slotsync.domain.connections.connection import ConnectionView
from slotsync.domain.messages import Message
from slotsync.errors import GoogleError, Transient
from slotsync.google.auth.consent import Consent
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import OpenConsent


class RefusalReason(StrEnum):
    """The reason why a consent was refused."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OTHER_BROWSER = "other_browser"
    DENIED = "denied"
    NOT_ACCEPTED = "not_accepted"
    NO_LASTING_ACCESS = "no_lasting_access"
    UNREACHABLE = "unreachable"
    OTHER_ACCOUNT = "other_account"


class Connected(Message):
    """The merchant is connected; ``connection.missing`` lists what the merchant did not allow."""

    merchant: str
    connection: ConnectionView


class ConsentGiven(Message):
    """Somebody has allowed access to the ``chosen`` account; nothing is saved until the ``code`` comes back.

    It comes from the platform, which knows who is logged in, if the browser goes back to its ``return_url``. Without
    one it comes from the browser, after the question to whom the account shall belong. ``connected`` is another
    account that is connected now, None if there is none.
    """

    merchant: str
    code: str
    chosen: str
    connected: str | None = None
    return_url: str = ""


class ConsentRefused(Message):
    """The consent was refused and nothing has changed. ``merchant`` is None if the consent is unknown here."""

    reason: RefusalReason
    merchant: str | None = None
    detail: str = ""


def read_grant(consent: Consent) -> NewGrant:
    """Return the grant of a consent. Without a lasting token it can be ended by the other one."""
    return NewGrant(
        account_email=consent.account.email if consent.account else "",
        account_key=consent.account.key if consent.account else None,
        scopes=consent.scopes,
        refresh_token=consent.refresh_token or consent.access_token,
        access_token=consent.access_token,
        expires_at=consent.expires_at,
    )


def refuse_incomplete(consent: Consent, merchant: str) -> ConsentRefused | None:
    """Return why a consent cannot be used that Google has given, or None if it can."""
    if consent.refresh_token is None:
        return ConsentRefused(reason=RefusalReason.NO_LASTING_ACCESS, merchant=merchant)
    if consent.account is None:
        return ConsentRefused(reason=RefusalReason.NOT_ACCEPTED, merchant=merchant, detail="no_account")
    return None


def refuse_failure(failure: GoogleError, merchant: str) -> ConsentRefused:
    """Return the refusal of a consent that Google has not given."""
    reason = RefusalReason.UNREACHABLE if isinstance(failure, Transient) else RefusalReason.NOT_ACCEPTED
    return ConsentRefused(reason=reason, merchant=merchant, detail=failure.reason)


def refuse_decision(pending: OpenConsent | None, browser: str) -> ConsentRefused | None:
    """Return why this browser may not go on with the consent, or None if it may, or if there is none."""
    if pending and not pending.is_from(browser):
        return ConsentRefused(reason=RefusalReason.OTHER_BROWSER)
    if pending and pending.expired:
        return ConsentRefused(reason=RefusalReason.EXPIRED, merchant=pending.merchant)
    return None
