"""Links in e-mails: they lead to Google's consent page, for weeks, and open nothing else."""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from itsdangerous import BadSignature
from pydantic import TypeAdapter, ValidationError

from slotsync.clock import utc_now
from slotsync.domain.messages import Message
from slotsync.settings import Settings
from slotsync.signing import create_signer

RECONNECT_LINK_LIFETIME: Final = timedelta(days=30)
"""The time for which a link works, unless the merchant connects again before: longer than between two reminders."""


class RefusedGrantLink(Message):
    """The content of a link: the merchant, the number of the grant that Google refuses, and the time of the link."""

    merchant: str
    grant_number: int
    made_at: datetime


class ExpiredLink(Message):
    """A link that slotsync made too long ago."""


class ReconnectLinks:
    """Creates links to connect again, and reads them. One may be followed often, until there is another grant."""

    def __init__(self, settings: Settings, lifetime: timedelta = RECONNECT_LINK_LIFETIME) -> None:
        self._settings = settings
        self._lifetime = lifetime
        self._signer = create_signer(settings, "link:reconnect")

    def create(self, merchant: str, grant_number: int) -> str:
        """Return the URL of a new link.

        Raises:
            SettingsError: SLOTSYNC_PUBLIC_URL is not set.
        """
        signed = self._signer.dumps([merchant, grant_number])
        return f"{self._settings.require_public_url()}/google/reconnect?{urlencode({'link': signed})}"

    def read(self, signed: str) -> RefusedGrantLink | ExpiredLink | None:
        """Return the content of a link, or None if slotsync has not made it."""
        try:
            # Without an age for itsdangerous, which refuses one of a machine with a clock that is ahead.
            content, made_at = self._signer.loads(signed, return_timestamp=True)
            merchant, grant_number = _CONTENT.validate_python(content)
        except (BadSignature, ValidationError):
            return None
        if utc_now() - made_at > self._lifetime:
            return ExpiredLink()
        return RefusedGrantLink(merchant=merchant, grant_number=grant_number, made_at=made_at)


_CONTENT: Final = TypeAdapter(tuple[str, int])
