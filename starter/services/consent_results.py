"""Results of a consent at Google: what was given, connected or refused."""

from enum import StrEnum

from slotsync.domain.connections.connection import ConnectionView
from slotsync.domain.messages import Message


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
