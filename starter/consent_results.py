"""How a consent ended: what the merchant is told."""

from enum import StrEnum

from slotsync.rules.connection import ConnectionView
from slotsync.rules.message import Message


class Reason(StrEnum):
    """Why a consent came to nothing."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OTHER_BROWSER = "other_browser"
    DENIED = "denied"
    NOT_ACCEPTED = "not_accepted"
    NO_LASTING_ACCESS = "no_lasting_access"
    UNREACHABLE = "unreachable"


SAYS = {
    Reason.UNKNOWN: "This answer is not known here: it was used before, or never asked for. Please connect again.",
    Reason.EXPIRED: "This took longer than ten minutes, so it is no longer valid. Please connect again.",
    Reason.OTHER_BROWSER: "This was begun in another browser. Please connect again in this one.",
    Reason.DENIED: "Access was not allowed in Google, so nothing has changed.",
    Reason.NOT_ACCEPTED: "Google did not accept the answer, so nothing has changed. Please connect again.",
    Reason.NO_LASTING_ACCESS: "Google gave no lasting access. Please connect again.",
    Reason.UNREACHABLE: "Google could not be reached, so nothing has changed. Please connect again.",
}


class Connected(Message):
    """The merchant is connected; ``connection.missing`` says what was not allowed."""

    merchant: str
    connection: ConnectionView


class AnotherAccount(Message):
    """The merchant allowed another account than the one connected: nothing has changed until this is confirmed."""

    merchant: str
    change: str
    connected: str
    chosen: str

    @property
    def means(self) -> str:
        """What the change brings, in plain words."""
        return (
            f"{self.connected} is connected, and you have chosen {self.chosen}. If you change, slotsync makes new "
            f"calendars in {self.chosen} and writes all open reservations there. The calendars in {self.connected} "
            "stay as they are and are no longer updated; delete them in Google Calendar if you do not need them."
        )


class Refusal(Message):
    """Nothing has changed, and why. ``merchant`` is known unless the answer was not ours."""

    reason: Reason
    merchant: str | None = None
    detail: str = ""

    @property
    def says(self) -> str:
        """The same in plain words."""
        return SAYS[self.reason]
