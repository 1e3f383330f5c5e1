"""Links in e-mails: they lead to Google's consent page, for weeks, and open nothing else."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from itsdangerous import BadSignature, SignatureExpired
from pydantic import TypeAdapter, ValidationError

from slotsync.domain.messages import Message
from slotsync.settings import Settings
from slotsync.signing import create_signer

RECONNECT_LINK_LIFETIME: Final = timedelta(days=30)
"""The time for which a link works, unless the merchant connects again before: longer than between two reminders."""


class RefusedGrantLink(Message):
    """The content of a link: the merchant, and the number of the grant that Google refuses."""

    merchant: str
    grant_number: int


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
            content = self._signer.loads(signed, max_age=int(self._lifetime.total_seconds()))
            merchant, grant_number = _CONTENT.validate_python(content)
        except SignatureExpired:
            return ExpiredLink()
        except (BadSignature, ValidationError):
            return None
        return RefusedGrantLink(merchant=merchant, grant_number=grant_number)


_CONTENT: Final = TypeAdapter(tuple[str, int])
