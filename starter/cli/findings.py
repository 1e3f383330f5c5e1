"""Findings of ``slotsync doctor``."""

from slotsync.domain.messages import Message


class Finding(Message):
    """The result of one check; ``remedy`` is empty if all is well."""

    subject: str
    message: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """True if nothing has to be done."""
        return not self.remedy
