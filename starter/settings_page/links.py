"""Links that the platform hands to a merchant: signed, short-lived, and good for one visit."""

from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_urlsafe
from urllib.parse import urlencode

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from slotsync.clock import utc_now
from slotsync.rules.message import Message
from slotsync.settings import Settings
from slotsync.store import Store
from slotsync.store.used_links import UsedLinks

LIFETIME = timedelta(minutes=10)


class Leads(StrEnum):
    """Where a link leads."""

    SETTINGS = "settings/open"
    CONNECT = "google/connect"


class SettingsLink(Message):
    """A link for one merchant, and until when it works."""

    url: str
    expires_at: datetime


class LinkTrouble(StrEnum):
    """Why a link does not work."""

    FORGED = "forged"
    EXPIRED = "expired"
    USED = "used"


class SettingsLinks:
    """Makes links and takes them back."""

    def __init__(self, settings: Settings, store: Store, lifetime: timedelta = LIFETIME) -> None:
        self._settings = settings
        self._used = UsedLinks(store)
        self._lifetime = lifetime

    def make(self, merchant: str, leads: Leads) -> SettingsLink:
        """A new link; a ``SettingsError`` when nobody said where slotsync is reached."""
        base = self._settings.require_public_url()
        signed = self._signer(leads).dumps([merchant, token_urlsafe(12)])
        url = f"{base}/{leads}?{urlencode({'link': signed})}"
        return SettingsLink(url=url, expires_at=utc_now().replace(microsecond=0) + self._lifetime)

    def follow(self, signed: str, leads: Leads) -> str | LinkTrouble:
        """The merchant whose link it is, for the first who follows it; else what is wrong with it."""
        try:
            (merchant, once), made_at = self._signer(leads).loads(
                signed, max_age=int(self._lifetime.total_seconds()), return_timestamp=True
            )
        except SignatureExpired:
            return LinkTrouble.EXPIRED
        except BadSignature:
            return LinkTrouble.FORGED
        # Known by what is signed: the same signature can be written in several ways.
        return str(merchant) if self._used.use(once, made_at + self._lifetime) else LinkTrouble.USED

    def _signer(self, leads: Leads) -> URLSafeTimedSerializer:
        return signer(self._settings, f"link:{leads}")


def signer(settings: Settings, purpose: str) -> URLSafeTimedSerializer:
    """Signs for one purpose with the newest key, and knows signatures by all of them."""
    keys = [key.get_secret_value() for key in reversed(settings.encryption_keys)]
    return URLSafeTimedSerializer(keys, salt=f"slotsync:{purpose}")
