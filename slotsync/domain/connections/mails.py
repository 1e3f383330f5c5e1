"""E-mails to merchants about a grant that Google refuses."""

from datetime import datetime

from slotsync.domain.connections.refused_grants import NOTICE_AGES, Helper, find_helper
from slotsync.domain.messages import Message


class RefusedGrantMail(Message):
    """An e-mail that is due: the ``number``-th notice that Google refuses a grant, since ``since``.

    ``name`` is the merchant's name, or its id if the platform has not said one. ``forgotten``: the grant is given up.
    """

    id: str
    merchant: str
    grant_number: int
    number: int
    reason: str
    since: datetime
    address: str
    name: str
    forgotten: bool = False
    language: str | None = None
    logo_url: str | None = None

    @property
    def helper(self) -> Helper:
        """Return who can help."""
        return find_helper(self.reason, forgotten=self.forgotten)

    @property
    def is_last(self) -> bool:
        """Return whether no reminder follows."""
        return self.number >= len(NOTICE_AGES)
